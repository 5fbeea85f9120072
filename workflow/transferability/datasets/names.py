"""Names that look the same and are not: in capitals, spaces, or the ways in which Unicode writes a letter."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import pandas as pd

from transferability.common.errors import some_of


def look_alikes(table: pd.DataFrame) -> Iterator[str]:
    """Yield faults of classes, and of files, of a list of images (path, wnid) whose names look the same."""
    if same := _groups(table["wnid"].unique(), as_seen):
        yield (
            f"{len(same)} class names are written in ways that look alike: {some_of(same)}; write each class in one "
            "way, and give different ones names that differ in more than capitals, spaces or Unicode's forms"
        )
    elif same := _groups((path for path in table["path"] if not path.isascii()), composed):
        yield f"{len(same)} file names are there in two of Unicode's forms: {some_of(same)}; rename or remove one"


def as_seen(name: str) -> str:
    """Return what names that look alike have in common; single letters are what they are: A is not a."""
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    return name if len(name) == 1 else name.casefold()


def composed(name: str) -> str:
    """Return a name as most systems write it, each letter with its accents as one character (Unicode's NFC)."""
    return unicodedata.normalize("NFC", name)


def _groups(names: Iterable[str], key: Callable[[str], str]) -> list[str]:
    """Return the names that have a key in common with others, as text that shows the difference."""
    alike = defaultdict(set)
    for name in names:
        alike[key(name)].add(name)
    return [" and ".join(map(ascii, sorted(group))) for _, group in sorted(alike.items()) if len(group) > 1]
