"""Messages for errors in the configuration: what is wrong with a key, and what the schema accepts there."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches

from jsonschema.exceptions import ValidationError

Key = tuple[str | int, ...]  # part by part: ("training", "learning_rate")
Problem = tuple[Key, str]  # a key, and what is wrong with it

NEAR = 0.7  # similarity (difflib's ratio) of a misspelt name: `lenght` is close enough, `gpu` for `cpu` is not
BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


def problems_of(error: ValidationError, keys: Iterable[Key]) -> Iterator[Problem]:
    """Yield the problems in a schema's error: one per unknown key, or one for a value. `keys` are all known keys."""
    key = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        for unknown in sorted(set(error.instance) - set(known), key=str):
            elsewhere = [".".join(other) for other in keys if other[-1] == unknown]
            hint = did_you_mean(unknown, known) or (f"did you mean `{elsewhere[0]}`? " if elsewhere else "")
            yield (*key, unknown), f"unknown key; {hint}accepted here: {', '.join(known)}"
    else:
        hint = did_you_mean(error.instance, error.schema.get("enum", ()))
        yield key, f"{error.instance!r} given; {hint}accepted: {accepted(error.schema)}"


def did_you_mean(given: object, names: Iterable, called: Callable[[str], str] = str) -> str:
    """Return "did you mean `length`? " for a name that is similar to an accepted one; "" for other names.

    `called` returns the short form of a name, for example resnet18 for timm/resnet18; several may share one.
    """
    by_lower_case = defaultdict(list)
    for name in names:
        if isinstance(name, str):
            by_lower_case[called(name).lower()].append(name)
    close = get_close_matches(called(str(given)).lower(), by_lower_case, n=1, cutoff=NEAR)
    meant = [f"`{name}`" for short in close for name in by_lower_case[short]]
    return f"did you mean {' or '.join(meant)}? " if meant else ""


def accepted(schema: Mapping) -> str:
    """Return a description of the values that a part of the schema accepts."""
    if "accepted" in schema:
        return schema["accepted"]
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if schema["type"] == "boolean":
        return "true or false"
    words = [_kind(schema)]
    words += [f"{phrase} {schema[bound]}" for bound, phrase in BOUNDS.items() if bound in schema]
    if "uniqueItems" in schema:
        words.append("each value once")
    if "minItems" in schema:
        words.append("not empty")
    return ", ".join(words)


def _kind(schema: Mapping) -> str:
    if isinstance(schema["type"], list):
        return " or ".join(schema["type"])
    if schema["type"] == "array":
        return f"array of ({accepted(schema['items'])})"
    return schema["type"]
