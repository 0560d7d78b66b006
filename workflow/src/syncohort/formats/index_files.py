"""What an index of a VCF or BCF file, .tbi or .csi, says without its file."""

import gzip
import struct
from pathlib import Path


def indexed_end(index: Path) -> int:
    """Where the last record ends that a .tbi or .csi knows, as a BGZF virtual offset.

    Source: the specifications of both formats. htslib keeps where the records of a contig begin
    and end, and how many they are, as the two chunks of a bin that no position falls into.
    """
    with gzip.open(index, "rb") as file:
        data = file.read()
    is_csi = data[:4] == b"CSI\1"
    if is_csi:
        _, depth, n_aux = struct.unpack_from("<3i", data, 4)
        place = 16 + n_aux
        (n_contigs,) = struct.unpack_from("<i", data, place)
        place += 4
    else:
        depth = 5
        (n_contigs,) = struct.unpack_from("<i", data, 4)
        (n_names,) = struct.unpack_from("<i", data, 32)
        place = 36 + n_names
    summary_bin = ((1 << 3 * (depth + 1)) - 1) // 7 + 1
    head = struct.Struct("<IQi" if is_csi else "<Ii")
    end = 0
    for _ in range(n_contigs):
        (n_bins,) = struct.unpack_from("<i", data, place)
        place += 4
        for _ in range(n_bins):
            number, *_, n_chunks = head.unpack_from(data, place)
            place += head.size
            if number == summary_bin:
                end = max(end, struct.unpack_from("<2Q", data, place)[1])
            place += 16 * n_chunks
        if not is_csi:
            (n_windows,) = struct.unpack_from("<i", data, place)
            place += 4 + 8 * n_windows
    return end
