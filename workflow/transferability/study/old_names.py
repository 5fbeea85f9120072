"""Keys and values with the names of earlier versions: this version accepts them, and reports the new names."""

from collections.abc import Mapping, Sequence

import yaml

from transferability.common.errors import InputError

KEYS = {
    "rate": "learning_rate",
    "mirror": "horizontal_flip",
    "test_every": "evaluate_every",
    "smallest_area": "min_crop_area",
    "crop": "input_size",
}
AUGMENTATIONS = {"crop": "random-crop", "resized-crop": "random-resized-crop"}
VALUES = {
    ("dataset", "fit"): {"cut": "center-crop"},
    ("training", "augmentation"): AUGMENTATIONS,
    ("reduced", "training", "augmentation"): AUGMENTATIONS,
}
TRAININGS = (("training",), ("reduced", "training"))
# Keys that switched experiments off or on before the key `experiments` was introduced.
SWITCHES = {
    ("splits", "random"): ("random-splits", "preserved"),
    ("splits", "manmade_natural"): ("manmade-natural",),
    ("splits", "mixed"): ("mixed",),
    ("preserved", "n"): ("preserved",),
    ("preserved", "m"): ("preserved",),
    ("random_filters",): ("random-filters",),
    ("reduced", "examples_per_class"): ("reduced",),
    ("given", "weights"): ("given",),
}
GONE = (("splits", "manmade_natural"), ("random_filters",))  # switches that have been removed
ADDED = (*GONE, ("splits", "mixed"), ("given", "weights"))  # switches whose default was off, or that were removed

Key = tuple[str, ...]


def accept_old_names(config: dict, layers: Sequence[dict], default: Sequence[str]) -> list[str]:
    """Rename keys and values, in place, in a merged configuration and in the `layers` that it was merged from.

    Later layers override earlier ones; without layers, the configuration itself is what the user gave. `default` is
    that of the key `experiments`. Returns remarks for the user. Raises InputError if a layer gives both names of a key.
    """
    renamed = {}
    for layer in layers or [config]:
        renamed |= _rename(layer)
    for section, name, _ in _old_keys(config):
        del section[name]
    for path in _renamed_keys():
        values = [value for layer in layers if (value := _value(layer, path)) is not None]
        if values and isinstance(section := _value(config, path[:-1]), dict):
            section[path[-1]] = values[-1]
    remarks = [f"{old} is now called {new}" for old, new in renamed.items()]
    return remarks + _experiments(config, layers or [config], list(default))


def with_new_names(content: dict) -> dict:
    """Rename keys and values in the content of a file, in place, and return it."""
    _rename(content)
    return content


def _rename(content: dict) -> dict[str, str]:
    """Rename in place; return old and new names."""
    renamed = {}
    for section, name, new in _old_keys(content):
        if new in section:
            raise InputError(f"{name} and {new} given: two names of one configuration key; give {new} only")
        section[new] = section.pop(name)
        renamed[name] = new
    for path, values in VALUES.items():
        value = _value(content, path)
        if isinstance(value, str) and value in values:
            _value(content, path[:-1])[path[-1]] = values[value]
            renamed[f"{'.'.join(path)}: {value}"] = values[value]
    return renamed


def _old_keys(content: Mapping) -> list[tuple[dict, str, str]]:
    """Return section, old name and new name of every key that has an old name."""
    sections = [section for path in TRAININGS if isinstance(section := _value(content, path), dict)]
    return [(section, name, KEYS[name]) for section in sections for name in list(section) if name in KEYS]


def _renamed_keys() -> list[Key]:
    return [*((*path, new) for path in TRAININGS for new in KEYS.values()), *VALUES]


def _experiments(config: dict, layers: Sequence[Mapping], default: list[str]) -> list[str]:
    """Apply switches of earlier versions to the key `experiments`, unless a later layer gives that key.

    Returns remarks for the user.
    """
    chosen, switched = list(config.get("experiments", default)), []
    for layer in layers:
        if list(layer.get("experiments", default)) != default:
            switched = []
            continue
        for key, names in SWITCHES.items():
            if (value := _value(layer, key)) is None:
                continue
            on = bool(yaml.safe_load(value) if isinstance(value, str) else value)
            switched += [(key, on, name) for name in names if not on or key in ADDED]
    changes = []
    for key, on, name in switched:
        if (name in chosen) != on:
            chosen = [*chosen, name] if on else [one for one in chosen if one != name]
            changes.append(key)
    for key in {key for key, _, _ in switched} & set(GONE):
        _value(config, key[:-1]).pop(key[-1], None)
    if not changes:
        return []
    config["experiments"] = chosen
    keys = ", ".join(dict.fromkeys(map(".".join, changes)))
    return [f"{keys} is replaced by experiments: [{', '.join(chosen)}]"]


def _value(content: object, path: Key) -> object:
    """The value at a path of keys; None if there is none."""
    for name in path:
        if not isinstance(content, Mapping) or name not in content:
            return None
        content = content[name]
    return content
