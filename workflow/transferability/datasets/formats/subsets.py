"""Which subset people mean by the names that they give to folders, or write into tables."""

from collections.abc import Collection

# In the order in which the first that is there counts.
NAMES = {"train": ("train", "training"), "val": ("val", "validation", "valid", "test")}


def names_of_subsets(found: Collection[str]) -> dict[str, str]:
    """Return which of the names found stands for train and which for val, if any does; capitals do not matter."""
    chosen = {}
    for subset, names in NAMES.items():
        for name in names:
            if same := sorted(other for other in found if other.lower() == name):
                chosen[subset] = same[0]
                break
    return chosen
