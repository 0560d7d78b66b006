"""The compatibility check's part on programs that late jobs run."""

import shutil

from syncohort.cohort.people_checks import Check
from syncohort.formats.beagle import HOW_TO_HAVE_IT, NOT_HERE, PROGRAM


def program_checks(beagle_for: list[str]) -> list[Check]:
    """Whether Beagle is installed; beagle_for: keys of the configuration that need it."""
    if not beagle_for or shutil.which(PROGRAM):
        return []
    found = f"{NOT_HERE}, which {' and '.join(beagle_for)} needs"
    return [Check("programs", found, "stop", f"{HOW_TO_HAVE_IT}, or leave the key out.")]
