"""The subsets that common names of folders, or entries in tables, stand for."""

from collections.abc import Collection

# In order of precedence: the first name that is found counts.
NAMES = {"train": ("train", "training"), "val": ("val", "validation", "valid", "test")}


def names_of_subsets(found: Collection[str]) -> dict[str, str]:
    """Return which of the names found stands for train and which for val, if any; case does not matter."""
    chosen = {}
    for subset, names in NAMES.items():
        for name in names:
            if same := sorted(other for other in found if other.lower() == name):
                chosen[subset] = same[0]
                break
    return chosen
