"""What a .tbi or .csi index says of a file compressed in blocks.

Source: the specifications of both formats. htslib keeps where the records of a contig begin and
end, and how many they are, as the two chunks of a bin that no position falls into.
"""

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path

_TABIX_FIELDS = 28  # bytes before the names of the contigs


@dataclass(frozen=True)
class Span:
    """A contig's records: name (None in the index of a BCF), BGZF virtual offsets of the first
    record and of the end of the last."""

    name: str | None
    start: int
    end: int


def indexed_spans(index: Path) -> list[Span]:
    """The contigs that an index knows and says the place of.

    Raises:
        OSError, EOFError, struct.error: the file is no index, or a damaged one.
    """
    with gzip.open(index, "rb") as file:
        data = file.read()
    is_csi = data[:4] == b"CSI\1"
    if is_csi:
        _, depth, n_aux = struct.unpack_from("<3i", data, 4)
        place = 16 + n_aux
        names = data[16 + _TABIX_FIELDS : place] if n_aux > _TABIX_FIELDS else b""
        (n_contigs,) = struct.unpack_from("<i", data, place)
        place += 4
    else:
        depth = 5
        (n_contigs,) = struct.unpack_from("<i", data, 4)
        (n_names,) = struct.unpack_from("<i", data, 32)
        place = 36 + n_names
        names = data[36:place]
    named = [name.decode(errors="replace") for name in names.split(b"\0")]
    summary_bin = ((1 << 3 * (depth + 1)) - 1) // 7 + 1
    head = struct.Struct("<IQi" if is_csi else "<Ii")
    spans = []
    for contig in range(n_contigs):
        (n_bins,) = struct.unpack_from("<i", data, place)
        place += 4
        for _ in range(n_bins):
            number, *_, n_chunks = head.unpack_from(data, place)
            place += head.size
            if number == summary_bin:
                name = named[contig] if contig < len(named) - 1 else None
                spans.append(Span(name, *struct.unpack_from("<2Q", data, place)))
            place += 16 * n_chunks
        if not is_csi:
            (n_windows,) = struct.unpack_from("<i", data, place)
            place += 4 + 8 * n_windows
    return spans
