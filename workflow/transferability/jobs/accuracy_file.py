"""A network's accuracy file, read and checked. What it holds is put together in `assembly.accuracy_record`."""

import json
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
