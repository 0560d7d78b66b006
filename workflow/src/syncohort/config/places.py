"""Where the user's files lie: known to the workflow, and no business of whoever reads a report."""

import os
import re

# Keys of the configuration whose values are files of the user, wherever they stand; a test sees that
# every text of the configuration is one of them or none.
FILES = {
    "path",
    "bim",
    "fam",
    "pvar",
    "psam",
    "sample",
    "reference",
    "table",
    "kinship_table",
    "statistics",
    "annotation",
    "recombination_map",
    "panel",
    "causal_snps",
}


def folders_of(settings, key: str = "") -> list[str]:
    """Folders of the files that a configuration names, the longest first.

    settings: dictionaries, lists and values, as a model dumps them; key: whose value they are.
    """
    if isinstance(settings, dict):
        found = {folder for name, each in settings.items() for folder in folders_of(each, name)}
    elif isinstance(settings, (list, tuple)):
        found = {folder for each in settings for folder in folders_of(each, key)}
    else:
        found = {os.path.dirname(settings.rstrip("/"))} if _is_file(settings, key) else set()
    return sorted(found - {"", "/"}, key=lambda folder: (-len(folder), folder))


def by_name(settings, key: str = ""):
    """A configuration in which the user's files go by their names alone; see `folders_of`."""
    if isinstance(settings, dict):
        return {name: by_name(each, name) for name, each in settings.items()}
    if isinstance(settings, (list, tuple)):
        return [by_name(each, key) for each in settings]
    return os.path.basename(settings.rstrip("/")) if _is_file(settings, key) else settings


def without_folders(text: str, folders: list[str]) -> str:
    """A text in which the files of these folders go by their names alone."""
    for folder in folders:
        text = re.sub(rf"(?<![\w.~/-]){re.escape(folder)}/+", "", text)
    return text


def _is_file(value, key: str) -> bool:
    return key in FILES and isinstance(value, str)
