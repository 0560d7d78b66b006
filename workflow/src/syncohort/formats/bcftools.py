"""One VCF or BCF file of the user: is it whole, what does it hold, and where is its index?

All questions go to bcftools, through pysam, in a child process.
"""

import gzip
import re
import subprocess
import sys
import tempfile
import zlib
from functools import cached_property
from pathlib import Path

import pysam

from syncohort.errors import InputError, examples
from syncohort.formats.sites import spellings
from syncohort.genotypes import normalise_contig

# bcftools inside pysam shares its process and has been seen to crash it, so it gets its own
_CHILD = """
import sys
from pysam import SamtoolsError, bcftools
prints, command, *arguments = sys.argv[1:]
try:
    printed = getattr(bcftools, command)(*arguments, catch_stdout=prints == "text")
except SamtoolsError as error:
    sys.exit(error.value.split("stderr=", 1)[-1])
sys.stdout.write(printed or "")
"""

_ADVICE = {  # what bcftools says, in small letters, and what to do then
    "unsorted positions": "Sort it with `bcftools sort`.",
    "not continuous": "Sort it with `bcftools sort`.",
    "duplicated sample": "Every person needs an id of its own: `bcftools reheader --samples`.",
    "truncated": "The file is cut short: copy or make it again.",
}

_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def bcftools(path, *commands: list[str], prints: str = "data") -> str:
    """Run bcftools commands as a pipe, each in a process of its own; return what the last prints.

    prints: "text" for a command that answers on standard output; "data" for commands that
    write records, to a file or to the next in the pipe.

    Raises:
        InputError: one failed; `path` is the user's file in the message.
    """
    running, upstream = [], None
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder) / f"{i}.log" for i in range(len(commands))]
        for command, log in zip(commands, logs, strict=True):
            with open(log, "wb") as stderr:
                process = subprocess.Popen(
                    [sys.executable, "-c", _CHILD, prints, *command],
                    stdin=upstream,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                )
            if upstream is not None:
                upstream.close()  # so that an early end downstream reaches the process upstream
            running.append(process)
            upstream = process.stdout
        output = upstream.read().decode()
        upstream.close()
        codes = [process.wait() for process in running]
        said = [_errors(log) for log in logs]
    if any(codes):
        _raise_failure(path, commands, codes, said)
    return output


def _errors(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    return "; ".join(line for line in lines if line and not line.startswith("[W::"))


def _raise_failure(path, commands: tuple, codes: list[int], said: list[str]) -> None:
    failed = [i for i, code in enumerate(codes) if code]
    stories = (
        f"`bcftools {commands[i][0]}` ended with code {codes[i]}: {said[i] or 'no message'}"
        for i in failed
    )
    # what fails later in the pipe may fail because of the first
    advice = [text for sign, text in _ADVICE.items() if sign in said[failed[0]].lower()]
    raise InputError(
        f"{path}: cannot be read as VCF or BCF. {'; '.join(stories)}. "
        + (advice[0] if advice else "Look at it with `bcftools view`, and make it again.")
    )


class VcfFile:
    """One VCF or BCF file, given an index in `folder` when it has none."""

    def __init__(self, path: Path, folder: Path):
        self.path = path
        self._folder = folder
        if not path.is_file():
            raise InputError(f"input.path: {path}: no such file")
        with open(path, "rb") as file:
            start = file.read(18)
        if not start:
            raise InputError(f"{path}: the file is empty; expected VCF or BCF")
        self._gzipped = start[:2] == b"\x1f\x8b"
        self._blocked = self._gzipped and start[12:14] == b"BC"
        if self._blocked:
            self._check_end()

    def _check_end(self) -> None:
        with open(self.path, "rb") as file:
            file.seek(-min(len(_BGZF_END), self.path.stat().st_size), 2)
            if file.read() != _BGZF_END:
                raise InputError(
                    f"{self.path}: the file is cut short: it does not end with the BGZF "
                    "end-of-file block. Copy or make it again; "
                    "`bcftools view FILE > /dev/null` tells whether the copy is whole."
                )

    @cached_property
    def header(self) -> list[str]:
        """Header lines.

        Raises:
            InputError: not a VCF, no people, or no genotypes.
        """
        lines = bcftools(
            self.path, ["view", "--header-only", str(self.path)], prints="text"
        ).splitlines()
        if not any(line.startswith("##FORMAT=<ID=GT,") for line in lines):
            raise InputError(
                f"{self.path}: its header declares no genotypes (##FORMAT=<ID=GT,...>). "
                "A file with a GT of every person is needed, not sites or likelihoods."
            )
        return lines

    @cached_property
    def samples(self) -> list[str]:
        samples = self.header[-1].split("\t")[9:]
        if not samples:
            raise InputError(f"{self.path}: holds no people, only sites; genotypes are needed")
        spaced = [sample for sample in samples if re.search(r"\s", sample)]
        if spaced:
            raise InputError(
                f"{self.path}: sample ids with blanks cannot go into PLINK files: "
                f"{examples(spaced)}. Rename them with `bcftools reheader --samples`."
            )
        return samples

    @cached_property
    def lengths_bp(self) -> dict[str, int]:
        """Chromosome lengths as far as the header gives them."""
        fields = (re.match(r"##contig=<ID=([^,>]+).*?length=(\d+)", line) for line in self.header)
        return {normalise_contig(field[1]): int(field[2]) for field in fields if field}

    @cached_property
    def indexed(self) -> str:
        """A path through which bcftools finds this file and an index of it.

        A file without blocks (.vcf, or compressed by gzip) is packed anew, one without
        index is linked to, in the temporary folder: the user's folder is left alone.
        """
        if self._blocked and any(Path(f"{self.path}{end}").exists() for end in (".tbi", ".csi")):
            return str(self.path)
        copy = Path(tempfile.mkdtemp(dir=self._folder)) / "genotypes.gz"
        if self._blocked:
            copy.symlink_to(self.path.resolve())
        else:
            self._pack(copy)
        bcftools(self.path, ["index", "--csi", str(copy)])
        return str(copy)

    def _pack(self, copy: Path) -> None:
        text, last = False, b""
        opener = gzip.open if self._gzipped else open
        try:
            with opener(self.path, "rb") as source, pysam.BGZFile(str(copy), "wb") as target:
                while block := source.read(1 << 20):
                    text = text or not last and block.startswith(b"##fileformat")
                    target.write(block)
                    last = block[-1:]
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(
                f"{self.path}: the file is cut short or damaged ({error}); copy or make it again"
            ) from None
        if text and last != b"\n":
            raise InputError(
                f"{self.path}: the file is cut short: its last line does not end. Copy or make it "
                "again; if it is whole, add the missing end of line."
            )

    @cached_property
    def contigs(self) -> dict[str, list[str]]:
        """Chromosomes that hold records, by normalised name, with the file's spellings."""
        table = bcftools(self.path, ["index", "--stats", self.indexed], prints="text")
        return spellings(line.split("\t")[0] for line in table.splitlines())
