"""A network's accuracy file, read and checked. What it holds is put together in `assembly.accuracy_record`."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

from transferability.common.checksums import fingerprint
from transferability.common.errors import InputError


def read_record(file: Path) -> dict:
    """Read an accuracy file; raise InputError if it is damaged."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        digest = record.pop("checksum")
        damage = "" if fingerprint(record) == digest else "its checksum differs"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        damage = repr(error)
    if damage:
        raise InputError(f"{file} is damaged ({damage}); delete it and run again to retrain this network")
    return record


def worse_than_guessing(record: Mapping) -> str:
    """Say that a network's last validation loss is above ln(classes), that of guessing; "" where it is not.

    Such a network diverged, is sure of its errors, or did not undo its initial weights: what it says of the layers that
    it was given is doubtful. `record` is what `read_record` returns, or a row of a table of accuracies.
    """
    guessing = math.log(record["classes"])
    if not record["loss"] > guessing:
        return ""
    return f"its last validation loss, {record['loss']:.2f}, is above that of guessing, {guessing:.2f}"
