"""How much memory and time a job asks for, by what it will read.

On a cluster a request holds what Snakemake itself takes in the job. `compute.memory_mb` is the most
that a job asks for at its first try. All sizes are in MB.
"""

import csv
import os
from dataclasses import dataclass
from functools import cache
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
    return _within(_wanted_mb(kind, input_mb), most_mb, attempt)


def _wanted_mb(kind: str, input_mb: float) -> float:
    """What a job of a class of rules asks for that may ask for all it wants."""
    need = NEEDS[kind]
    return AROUND_MB + need.fixed_mb + need.per_input_mb * input_mb


def pair_tables_mb(n_people: int, rows_per_person: int) -> float:
    """What the comparison of all pairs of people holds; n_people: most of a group.

    Distances of rows to rows of eight pairs of groups, two of which have half as many, twice while
    they are worked out, and of people to people of three, several times.
    """
    return 4e-6 * n_people**2 * (10 * rows_per_person**2 + 12)


def least_pairs_mb(n_people: int, rows_per_person: int) -> float:
    """What such a comparison takes at least: below it the job ends."""
    return AROUND_MB + pair_tables_mb(n_people, rows_per_person)


def wanted_pairs_mb(n_people: int, rows_per_person: int) -> float:
    """What it asks for, as long as it may, beside the names of what it reads."""
    return _wanted_mb("stream", 0) + pair_tables_mb(n_people, rows_per_person)


def pairs_mb(
    n_people: int, rows_per_person: int, input_mb: float, most_mb: int, attempt: int
) -> int:
    """What a job asks for that compares all pairs of so many people a group."""
    names_mb = NEEDS["stream"].per_input_mb * input_mb
    return _within(wanted_pairs_mb(n_people, rows_per_person) + names_mb, most_mb, attempt)


def risk_mb(n_people: int, input_mb: float, most_mb: int, attempt: int) -> int:
    """What the risk of each released person asks for: 2,000 of them against so many people."""
    tables_mb = 60e-6 * 2_000 * n_people  # bytes of a pair, where calls are missing
    return _within(_wanted_mb("stream", input_mb) + tables_mb, most_mb, attempt)


def most_compared(people: str | Path, drawn: str | Path, limit: int) -> int:
    """Most people of a group that the attacks compare: training or synthetic people, up to a limit.

    people, drawn: tables of the split and of the synthetic people. The limit counts where they are
    not there yet.
    """
    try:
        sizes = [
            _n_people(path, os.stat(path).st_mtime_ns, split)
            for path, split in ((people, "train"), (drawn, None))
        ]
    except (OSError, KeyError, ValueError, csv.Error):  # being written, or damaged
        return limit
    return min(limit, max(sizes))


@cache
def _n_people(path: str | Path, changed_ns: int, split: str | None) -> int:
    """People of a table, or of a split of it; counted once as long as the file does not change."""
    with open(path, newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return sum(split is None or row["split"] == split for row in rows)


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
