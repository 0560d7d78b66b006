"""Write requirements.lock and syncohort.yaml from requirements.in and what is installed here.

The lock holds the closure of requirements.in without torch's own dependencies that differ
by machine (CUDA packages): torch is installed first, with its dependencies, the rest with
`pip install --no-deps -r`, because pandas-plink declares numpy < 2 although it works with it.
"""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

FOLDER = Path(__file__).parent
HEADER = "# Written by `make lock` from requirements.in; do not edit.\n"
UNWANTED = {"torch", "pip"}
BEAGLE = "beagle=5.4_22Jul22.46e"  # of Bioconda; phases, when the configuration asks for it


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def direct_requirements() -> list[str]:
    lines = (line.split("#")[0].strip() for line in (FOLDER / "requirements.in").open())
    return [line for line in lines if line]


def closure(names: list[str]) -> dict[str, str]:
    """Name and version of every installed package that `names` need."""
    found, queue = {}, [Requirement(name) for name in names]
    while queue:
        requirement = queue.pop()
        key = (canonical(requirement.name), tuple(sorted(requirement.extras)))
        if key in found:
            continue
        try:
            package = distribution(requirement.name)
        except PackageNotFoundError:
            if requirement.marker is not None and "extra" in str(requirement.marker):
                print(f"left out: {requirement}")  # an optional part nobody here installed
                continue
            raise SystemExit(
                f"{requirement} is needed but not installed; pip install it first"
            ) from None
        found[key] = (package.metadata["Name"], package.version)
        for text in package.requires or []:
            needed = Requirement(text)
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras):
                queue.append(needed)
    return {name: version for name, version in found.values()}


def main() -> None:
    names = direct_requirements()
    torch_version = distribution("torch").version.split("+")[0]
    pins = closure([name for name in names if name != "torch"])
    pins = {name: version for name, version in pins.items() if canonical(name) not in UNWANTED}
    ordered = sorted(pins.items(), key=lambda pin: pin[0].lower())
    lock = [f"{name}=={version}\n" for name, version in ordered]
    (FOLDER / "requirements.lock").write_text(HEADER + "".join(lock))
    (FOLDER / "torch.lock").write_text(f"{HEADER}torch=={torch_version}\n")
    # pip inside conda resolves, and only pandas-plink's wrong bound stands in its way:
    # syncohort.post-deploy.sh adds it afterwards
    resolvable = [line for line in lock if not line.startswith("pandas-plink==")]
    pip_lines = [f"      - {line}" for line in [f"torch=={torch_version}\n", *resolvable]]
    (FOLDER / "syncohort.yaml").write_text(
        HEADER
        + "name: syncohort\nchannels:\n  - conda-forge\n  - bioconda\n"
        + f"dependencies:\n  - python=3.11\n  - {BEAGLE}\n  - pip\n  - pip:\n"
        + "".join(pip_lines)
    )
    (FOLDER / "syncohort.post-deploy.sh").write_text(
        f"#!/usr/bin/env bash\n{HEADER}pip install --no-deps pandas-plink=={pins['pandas-plink']}\n"
    )


if __name__ == "__main__":
    main()
