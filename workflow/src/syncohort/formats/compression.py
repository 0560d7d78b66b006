"""Files that may be compressed, opened by how they begin."""

import gzip
import io
from pathlib import Path
from typing import BinaryIO

import zstandard

ZSTD = b"\x28\xb5\x2f\xfd"
_READ_BYTES = 1 << 20


def open_unpacked(path: str | Path) -> BinaryIO:
    """The bytes of a file that is plain, gzipped or compressed with zstd.

    Reading raises OSError or EOFError where a compressed file is damaged or cut short.
    """
    with open(path, "rb") as file:
        start = file.read(4)
    if start.startswith(b"\x1f\x8b"):
        return gzip.open(path, "rb")
    return io.BufferedReader(_Zstd(path), _READ_BYTES) if start == ZSTD else open(path, "rb")


class _Zstd(io.RawIOBase):
    """Frames of zstd, one after the other; `zstandard.open` takes a cut one for a whole."""

    def __init__(self, path: str | Path):
        self._file = open(path, "rb")  # noqa: SIM115 - closed by close()
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._packed = self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, target) -> int:
        while not self._ready:
            if not self._packed:
                self._packed = self._file.read(_READ_BYTES)
            if not self._packed:
                if not self._frame.eof:
                    raise EOFError("it ends within a frame of zstd")
                return 0
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            try:
                self._ready = self._frame.decompress(self._packed)
            except zstandard.ZstdError as error:
                raise OSError(str(error)) from None
            self._packed = self._frame.unused_data if self._frame.eof else b""
        n = min(len(target), len(self._ready))
        target[:n] = self._ready[:n]
        self._ready = self._ready[n:]
        return n

    def close(self) -> None:
        self._file.close()
        super().close()
