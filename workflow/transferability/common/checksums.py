"""Checksums of content: anything that JSON can hold, or the bytes of a file."""

import hashlib
import json
from pathlib import Path


def fingerprint(content) -> str:
    """Return a checksum (64 hexadecimal digits) of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
