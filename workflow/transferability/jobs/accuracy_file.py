"""Reading and checking a network's accuracy file. Its content is made by `assembly.accuracy_record`."""

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
    """Return a message if a network's last validation loss is above ln(classes), the loss of guessing; otherwise "".

    Such a network diverged, is overconfident in its errors, or did not unlearn its initial weights. Its accuracy is
    doubtful evidence about the layers that it copied. `record` is the result of `read_record`, or a row of a table of
    accuracies.
    """
    guessing = math.log(record["classes"])
    if not record["loss"] > guessing:
        return ""
    return f"its last validation loss, {record['loss']:.2f}, is above that of guessing, {guessing:.2f}"
