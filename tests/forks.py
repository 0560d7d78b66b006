"""A function in a process of its own, that may die of what it does."""

import multiprocessing
from collections.abc import Callable

from syncohort.errors import InputError


def told(function, *args, first: Callable = lambda: None) -> tuple[int, str]:
    """Run a function in a fork of this process: its exit code, and the InputError it raised.

    first: what the process does before, such as to limit itself.
    """

    def run(pipe):
        first()
        try:
            function(*args)
        except InputError as error:
            pipe.send(str(error))
        else:
            pipe.send("nothing was raised")

    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=run, args=(theirs,))
    process.start()
    theirs.close()
    try:
        words = mine.recv() if mine.poll(120) else "no answer"
    except EOFError:
        words = "no answer"
    process.join(10)
    return process.exitcode, words
