"""Names that look the same but differ: in capitals, in spaces, or in how Unicode encodes a letter."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import pandas as pd

from transferability.common.errors import some_of


def look_alikes(table: pd.DataFrame) -> Iterator[str]:
    """Yield faults about classes, and about files, whose names look the same in a list of images (path, wnid)."""
    if same := _groups(table["wnid"].unique(), as_seen):
        yield (
            f"{len(same)} class names are written in ways that look alike: {some_of(same)}; write each class in one "
            "way, and give different classes names that differ in more than capitals, spaces or Unicode forms"
        )
    elif same := _groups((path for path in table["path"] if not path.isascii()), composed):
        yield f"{len(same)} file names exist in two Unicode forms: {some_of(same)}; rename or remove one of each"


def as_seen(name: str) -> str:
    """Return the normalised form that names which look alike share; single letters keep their case: A is not a."""
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    return name if len(name) == 1 else name.casefold()


def composed(name: str) -> str:
    """Return a name as most systems write it, each letter with its accents as one character (Unicode's NFC)."""
    return unicodedata.normalize("NFC", name)


def _groups(names: Iterable[str], key: Callable[[str], str]) -> list[str]:
    """Return the groups of names that share a key, each as text that shows how the names differ."""
    alike = defaultdict(set)
    for name in names:
        alike[key(name)].add(name)
    return [" and ".join(map(ascii, sorted(group))) for _, group in sorted(alike.items()) if len(group) > 1]
