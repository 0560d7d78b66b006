"""A writer of BGEN files in plain Python, of every number of bits, ploidy and compression."""

import sqlite3
import struct
import zlib
from contextlib import closing
from pathlib import Path

import zstandard

PACK = {0: bytes, 1: zlib.compress, 2: zstandard.compress}


def text(value: str, width: str) -> bytes:
    data = value.encode()
    return struct.pack(f"<{width}", len(data)) + data


def block_of(people, n_bits: int = 8, phased: bool = False, n_alleles: int = 2) -> bytes:
    """Layout 2: people are the numbers that each one stores, or how many a missing one would."""
    ploidy = [len(one) if isinstance(one, tuple) else one | 0x80 for one in people]
    numbers = [n for one in people for n in (one if isinstance(one, tuple) else one * (0,))]
    bits = sum(n << (n_bits * i) for i, n in enumerate(numbers))
    stored = bits.to_bytes((len(numbers) * n_bits + 7) // 8, "little")
    copies = [each & 0x3F for each in ploidy]
    head = struct.pack("<IHBB", len(people), n_alleles, min(copies), max(copies))
    return head + bytes(ploidy) + bytes([phased, n_bits]) + stored


# what `bgenix -index` makes: see "The bgenix index file format"
INDEX = """
CREATE TABLE Variant (
  chromosome TEXT NOT NULL, position INT NOT NULL, rsid TEXT NOT NULL,
  number_of_alleles INT NOT NULL, allele1 TEXT NOT NULL, allele2 TEXT NULL,
  file_start_position INT NOT NULL, size_in_bytes INT NOT NULL,
  PRIMARY KEY (chromosome, position, rsid, allele1, allele2, file_start_position)
) WITHOUT ROWID;
CREATE TABLE Metadata (
  filename TEXT NOT NULL, file_size INT NOT NULL, last_write_time INT NOT NULL,
  first_1000_bytes BLOB NOT NULL, index_creation_time INT NOT NULL
);
"""


def write_index(path, rows) -> Path:
    """rows: those of the table Variant."""
    content, index = Path(path).read_bytes(), Path(f"{path}.bgi")
    index.unlink(missing_ok=True)
    with closing(sqlite3.connect(index)) as database:
        database.executescript(INDEX)
        database.executemany("INSERT INTO Variant VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        about = (Path(path).name, len(content), 0, content[:1_000], 0)
        database.execute("INSERT INTO Metadata VALUES (?, ?, ?, ?, ?)", about)
        database.commit()
    return index


def write_bgen(
    path,
    variants,
    n_people,
    *,
    packing=1,
    ids=None,
    layout=2,
    n_variants=None,
    flags=None,
    indexed=False,
) -> Path:
    """variants: (chromosome, position, alleles, block), which are named rs1, rs2 ..."""
    names = [text(name, "H") for name in ids or ()]
    named = (
        struct.pack("<2I", 8 + sum(map(len, names)), n_people) + b"".join(names) if names else b""
    )
    flags = (packing | layout << 2 | bool(names) << 31) if flags is None else flags
    n_variants = len(variants) if n_variants is None else n_variants
    header = struct.pack("<3I4sI", 20, n_variants, n_people, b"bgen", flags)
    parts = [struct.pack("<I", 20 + len(named)), header, named]
    rows = []
    for number, (contig, position, alleles, block) in enumerate(variants, start=1):
        packed, start = PACK[packing](block), sum(map(len, parts))
        parts.append(struct.pack("<I", n_people) if layout == 1 else b"")
        parts += [text("", "H"), text(f"rs{number}", "H"), text(contig, "H")]
        parts.append(struct.pack("<I", position))
        parts.append(struct.pack("<H", len(alleles)) if layout == 2 else b"")
        parts += [text(allele, "I") for allele in alleles]
        if layout == 2:
            parts.append(struct.pack("<I", len(packed) + (4 if packing else 0)))
            parts.append(struct.pack("<I", len(block)) if packing else b"")
        elif packing:
            parts.append(struct.pack("<I", len(packed)))
        parts.append(packed)
        size = sum(map(len, parts)) - start
        two = (*alleles, None)[:2]
        rows.append((contig, position, f"rs{number}", len(alleles), *two, start, size))
    Path(path).write_bytes(b"".join(parts))
    if indexed:
        write_index(path, rows)
    return Path(path)
