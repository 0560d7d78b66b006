"""Where the user's files lie: known to the workflow, and no business of whoever reads a report."""

import os


def folders_of(settings) -> list[str]:
    """Folders of the absolute paths among the values of a configuration, the longest first.

    settings: dictionaries, lists and values, as a model dumps them.
    """
    if isinstance(settings, dict):
        settings = list(settings.values())
    if isinstance(settings, (list, tuple)):
        found = {folder for each in settings for folder in folders_of(each)}
        return sorted(found, key=len, reverse=True)
    return [os.path.dirname(settings)] if _is_path(settings) else []


def by_name(settings):
    """A configuration in which files given by absolute paths go by their names alone."""
    if isinstance(settings, dict):
        return {key: by_name(value) for key, value in settings.items()}
    if isinstance(settings, (list, tuple)):
        return [by_name(each) for each in settings]
    return os.path.basename(settings) if _is_path(settings) else settings


def without_folders(text: str, folders: list[str]) -> str:
    """A text in which the files of these folders go by their names alone."""
    for folder in folders:
        text = text.replace(f"{folder}/", "")
    return text


def _is_path(value) -> bool:
    """Whether a value is an absolute path; /x may be a label, and says nothing of a machine."""
    return isinstance(value, str) and os.path.isabs(value) and os.path.dirname(value) != "/"
