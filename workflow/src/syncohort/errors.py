"""The one exception that means "the user can fix this"."""


class InputError(Exception):
    """Something the user gave cannot be used.

    The message is complete: it says which file, line, sample or key, what was found,
    what is allowed and what to do. Scripts print it without a traceback.
    """


def raise_all(problems: list[str], heading: str) -> None:
    """Raise one `InputError` that lists every problem; do nothing when there is none."""
    if problems:
        raise InputError("\n  - ".join([f"{heading} ({len(problems)}):", *problems]))


def examples(values, limit: int = 5) -> str:
    """The first few of `values`, comma-separated, with how many more there are."""
    values = [str(value) for value in values]
    shown = ", ".join(values[:limit])
    return shown if len(values) <= limit else f"{shown} and {len(values) - limit:,} more"
