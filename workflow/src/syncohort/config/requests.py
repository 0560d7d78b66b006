"""How much memory and time a job asks for, by what it will read.

On a cluster a request holds what Snakemake itself takes in the job. `compute.memory_mb` is the most
that a job asks for at its first try. All sizes are in MB.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

AROUND_MB = 450  # Snakemake, twice, around a rule's script
LEAST_MB = 700
PROGRAM_MB = 500  # Python with torch
MARGIN = 1.25  # over what a training is estimated to take


@dataclass(frozen=True)
class Need:
    """What a class of rules holds and how long it takes: so much, and for each MB of its input
    files so much more."""

    fixed_mb: float
    per_input_mb: float
    minutes_per_input_mb: float


NEEDS = {
    "table": Need(300, 15, 0.1),  # pandas' text of a table, pictures of it
    # one chunk of everybody (genotypes.HELD_CALLS), all variants' names
    "stream": Need(900, 0.1, 0.1),
    "cohort": Need(1_100, 40, 0.5),  # dosages as float32 where files hold packed calls
}
LEAST_MINUTES = 10  # a program takes minutes to start from a busy file system


def request_mb(kind: str, input_mb: float, most_mb: int, attempt: int) -> int:
    """What a job of a class of rules asks for; kind: one of NEEDS.

    most_mb: `compute.memory_mb`. A job that is tried again asks for as many times more, and for
    no less than the attempt before it could have asked for.
    """
    need = NEEDS[kind]
    return _within(AROUND_MB + need.fixed_mb + need.per_input_mb * input_mb, most_mb, attempt)


def pairs_mb(
    n_people: int, rows_per_person: int, input_mb: float, most_mb: int, attempt: int
) -> int:
    """What the comparison of all pairs of so many people a group asks for.

    Distances of rows to rows of eight pairs of groups, twice while they are worked out, and of
    people to people of three, several times. Fewer people than that ask for what they read.
    """
    tables_mb = 4e-6 * n_people**2 * (10 * rows_per_person**2 + 12)
    by_input = request_mb("cohort", input_mb, most_mb, attempt)
    return min(by_input, _within(AROUND_MB + 900 + tables_mb, most_mb, attempt))


def request_minutes(kind: str, input_mb: float, most_minutes: int, attempt: int) -> int:
    """How long a job of a class of rules asks for [minutes]; kind: one of NEEDS.

    most_minutes: the most at a first try. A job that is tried again asks for four times as long,
    so that a group of many small jobs still asks for less than the most for each.
    """
    first = LEAST_MINUTES + NEEDS[kind].minutes_per_input_mb * input_mb
    return round(min(first * 4 ** (attempt - 1), most_minutes * attempt))


def simulation_mb(n_people: int, length_mb: float, most_mb: int, attempt: int) -> int:
    """What the simulation of a chromosome of so many megabases asks for: its trees are held."""
    trees_mb = length_mb * (12 + n_people / 125)  # 2,504 people: 24 to 30 MB a megabase
    return _within(AROUND_MB + 300 + trees_mb, most_mb, attempt)


def training_request_mb(bytes_needed: float) -> int:
    """What a training that needs so many bytes asks for, as long as it may."""
    return round(AROUND_MB + MARGIN * bytes_needed / 1e6)


def least_training_mb(request: float) -> int:
    """What a training takes that asks for `request`: below it the job ends."""
    return round(AROUND_MB + (request - AROUND_MB) / MARGIN)


def training_mb(
    estimates: str | Path,
    generator: str,
    part: str,
    latents_mb: float | None,
    most_mb: int,
    attempt: int,
) -> int:
    """What the training of a network asks for; part: "all", or its chromosome.

    estimates: table of the check, made when the number of blocks was not yet known; latents_mb: of
    the latents that were made since, None where none were. All that a training holds beside its
    program is in proportion to them.
    """
    fixed_mb = training_request_mb(PROGRAM_MB * 1e6)
    try:
        with open(estimates, newline="") as file:
            table = csv.DictReader(file, delimiter="\t")
            own = {(row["generator"], row["part"]): row for row in table}[generator, part]
        share = 1 if latents_mb is None else latents_mb / float(own["latents_mb"])
        wanted_mb = fixed_mb + share * (float(own["request_mb"]) - fixed_mb)
    except (OSError, KeyError, TypeError, ValueError, ZeroDivisionError, csv.Error):
        wanted_mb = most_mb  # not written yet, being written, or damaged
    return _within(wanted_mb, most_mb, attempt)


def _within(wanted_mb: float, most_mb: int, attempt: int) -> int:
    first = min(max(wanted_mb, LEAST_MB), max(most_mb, LEAST_MB))
    return round(max(first * attempt, most_mb * (attempt - 1)))
