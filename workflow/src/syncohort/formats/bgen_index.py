"""The index of a BGEN file: the SQLite database that `bgenix -index` writes beside it.

Source: the BGEN format, "The bgenix index file format".
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from syncohort.errors import InputError

ENDING = ".bgi"
_FIRST_BYTES = 1_000  # of the BGEN file, which the index holds too
_COUNTS = """
    SELECT chromosome, COUNT(*) FROM Variant
    GROUP BY chromosome ORDER BY MIN(file_start_position)
"""
_PLACES = """
    SELECT row, start, size FROM (
        SELECT chromosome, file_start_position AS start, size_in_bytes AS size,
               ROW_NUMBER() OVER (ORDER BY file_start_position) - 1 AS row
        FROM Variant
    ) WHERE chromosome IN ({}) ORDER BY row
"""
_END = "SELECT COUNT(*), MAX(file_start_position + size_in_bytes) FROM Variant"
_WHOLE = "SELECT file_size, first_1000_bytes FROM Metadata"
_HAS_METADATA = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'Metadata'"


class BgenIndex:
    """Where the records of a BGEN file are.

    Attributes: path; counts (records by chromosome as the file spells it, in its order).

    Args:
        bgen: the file, FILE.bgen, beside which lies FILE.bgen.bgi.
        n_variants: that the header of the file says.

    Raises:
        InputError: it is no such index, or that of another file.
    """

    def __init__(self, bgen: Path, n_variants: int):
        self.path = Path(f"{bgen}{ENDING}")
        if self._rows(_HAS_METADATA):  # which those of old versions have not
            self._require(self._rows(_WHOLE) == [_contents(bgen)])
        self._require(self._rows(_END) == [(n_variants, bgen.stat().st_size)])
        self.counts = dict(self._rows(_COUNTS))

    @staticmethod
    def beside(bgen: Path, n_variants: int) -> "BgenIndex | None":
        """The index of a file, None where there is none; arguments and errors as above."""
        return BgenIndex(bgen, n_variants) if Path(f"{bgen}{ENDING}").is_file() else None

    def places(self, chromosomes: list[str]) -> Iterator[tuple[int, int, int]]:
        """Number, first byte and bytes of the records of chromosomes, in the order of the file."""
        return self._ask(_PLACES.format(", ".join("?" * len(chromosomes))), *chromosomes)

    def wrong(self) -> InputError:
        """What is said of an index that is not that of the file."""
        return InputError(
            f"{self.path}: is no index of the BGEN file beside it. Make it again "
            "(`bgenix -g FILE.bgen -index -clobber`), or remove it: without one the file is read "
            "from its beginning."
        )

    def _require(self, is_right: bool) -> None:
        if not is_right:
            raise self.wrong()

    def _rows(self, question: str) -> list[tuple]:
        return list(self._ask(question))

    def _ask(self, question: str, *values) -> Iterator[tuple]:
        place = f"file:{quote(str(self.path.resolve()))}?mode=ro&immutable=1"
        try:
            connection = sqlite3.connect(place, uri=True)
            try:
                yield from connection.execute(question, values)
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise self.wrong() from error


def _contents(bgen: Path) -> tuple[int, bytes]:
    """What an index says of its file: its bytes, and the first of them."""
    with open(bgen, "rb") as file:
        return bgen.stat().st_size, file.read(_FIRST_BYTES)
