"""Files compressed in blocks (BGZF), which bgzip and tabix read, written by several threads.

Source: the SAM specification, section 4.1. zlib lets other threads run while it compresses.
"""

import struct
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from syncohort.errors import InputError

BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_HEAD = bytes.fromhex("1f8b08040000000000ff060042430200")
_BLOCK_BYTES = 0xFF00  # as bgzip's: a block fits 64 KB even where it cannot be compressed
_BATCH_BYTES = 32 * _BLOCK_BYTES
LIKE_TEXT = zlib.Z_DEFAULT_STRATEGY
LIKE_DNA = zlib.Z_RLE  # few letters and long runs of N: half the time, and no larger in capitals
_LEVEL = 4  # a third of the default's time, for a file a seventh larger


def write_bgzf(
    path: str | Path, pieces: Iterable[bytes], threads: int = 1, strategy: int = LIKE_TEXT
) -> None:
    """Write consecutive pieces of text as one file, the same bytes for any number of threads.

    strategy: what zlib looks for, `LIKE_TEXT` or `LIKE_DNA`.
    """
    pending = deque()
    with open(path, "wb") as file, ThreadPoolExecutor(threads) as pool:
        for batch in _batches(pieces):
            pending.append(pool.submit(_compress, batch, strategy))
            if len(pending) > 2 * threads:
                file.write(pending.popleft().result())
        file.writelines(each.result() for each in pending)
        file.write(BGZF_END)


def is_blocked(start: bytes) -> bool:
    """Whether a file that begins with these 14 bytes or more is compressed in blocks."""
    return start[:2] == b"\x1f\x8b" and start[12:14] == b"BC"


def require_end(path: str | Path) -> None:
    """Raise InputError for a file in blocks without the last one, which says that it is whole."""
    with open(path, "rb") as file:
        file.seek(-min(len(BGZF_END), Path(path).stat().st_size), 2)
        if file.read() != BGZF_END:
            raise InputError(
                f"{path}: the file is cut short: it does not end with the BGZF end-of-file block. "
                "Copy or make it again; `bgzip --test FILE` tells whether the copy is whole."
            )


def _batches(pieces: Iterable[bytes]) -> Iterator[memoryview]:
    """The same text in batches of whole blocks, the last one as long as is left."""
    waiting, size = [], 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _BATCH_BYTES:
            text = memoryview(b"".join(waiting))
            whole = size - size % _BLOCK_BYTES
            yield text[:whole]
            waiting, size = [text[whole:]], size - whole
    if size:
        yield memoryview(b"".join(waiting))


def _compress(text: memoryview, strategy: int) -> bytes:
    starts = range(0, len(text), _BLOCK_BYTES)
    return b"".join(_block(text[start : start + _BLOCK_BYTES], strategy) for start in starts)


def _block(text: memoryview, strategy: int) -> bytes:
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
    body = deflate.compress(text) + deflate.flush()
    size = len(_HEAD) + 2 + len(body) + 8
    return b"".join(
        (_HEAD, struct.pack("<H", size - 1), body, struct.pack("<II", zlib.crc32(text), len(text)))
    )
