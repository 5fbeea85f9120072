"""The errors that a user is meant to read: each says in one message what is wrong, where, and what would do."""


class InputError(Exception):
    """Something that the user gave is wrong."""


class TrainingError(Exception):
    """A network cannot be trained further."""


class StoppedError(Exception):
    """A training was told to stop, and did, with its state saved."""


def first_line(error: Exception) -> str:
    """Return the first line of an exception's message or, if it has none, its kind."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


READABLE = (InputError, TrainingError, StoppedError)
