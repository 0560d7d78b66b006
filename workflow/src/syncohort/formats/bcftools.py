"""bcftools, through pysam, in a child process, and what its errors mean to a user."""

import subprocess
import sys
import tempfile
from pathlib import Path

from syncohort.errors import InputError

# bcftools inside pysam shares its process and has been seen to crash it, so it gets its own
_CHILD = """
import sys
from pysam import SamtoolsError, bcftools
prints, command, *arguments = sys.argv[1:]
try:
    printed = getattr(bcftools, command)(*arguments, catch_stdout=prints == "text")
except SamtoolsError as error:
    sys.exit(error.value.split("stderr=", 1)[-1])
sys.stdout.buffer.write(printed.encode() if isinstance(printed, str) else printed or b"")
"""

_ADVICE = {  # what bcftools says, in small letters, and what to do then
    "unsorted positions": "Sort it with `bcftools sort`.",
    "not continuous": "Sort it with `bcftools sort`.",
    "duplicated sample": "Every person needs an id of its own: `bcftools reheader --samples`.",
    'offending line was: ""': "The file has an empty line: remove it (`sed '/^$/d'`).",
    "unknown file type": "A VCF begins with ##fileformat=VCFv4.2, without a byte order mark before.",
    "spaces are present instead of tabs": "Columns of a VCF are apart by tabs.",
    "truncated": "The file is cut short: copy or make it again.",
    "couldn't read gt data": "Genotypes are two alleles with | or / between them; those that begin "
    "with | or / are VCF 4.4, which the first line must say (##fileformat=VCFv4.4).",
    "invalid character '\\\\' in 'gt'": "Genotypes are two alleles with | or / between them.",
    "in 'gt' format field": "GT must be declared as text: "
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype"> (`bcftools reheader`).',
}
UNDECLARED = "Encountered an error, cannot proceed"  # said of tags that only records have
LARGE_SET = "Extreme FORMAT/PS"  # said of phase sets that it makes missing


def bcftools(path, *commands: list[str], prints: str = "data", refused: str = "") -> str:
    """Run bcftools commands as a pipe, each in a process of its own; return what the last prints.

    prints: "text" for a command that answers on standard output; "data" for commands that
    write records, to a file or to the next in the pipe. refused: a warning that is a failure.

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
        output = upstream.read().decode(errors="replace")
        upstream.close()
        codes = [process.wait() for process in running]
        said = [_errors(log) for log in logs]
        if refused and any(refused in log.read_text(errors="replace") for log in logs):
            raise InputError(f"{path}: {refused}")
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
