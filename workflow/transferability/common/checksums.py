"""Checksums of JSON-serialisable objects and of files."""

import hashlib
import json
from pathlib import Path


def fingerprint(content) -> str:
    """Return a checksum (64 hexadecimal digits) of a JSON-serialisable object."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
