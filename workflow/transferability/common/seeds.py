"""Seeds of all random numbers: each is derived from its purpose, never from the order of jobs."""

import hashlib


def derive_seed(study_seed: int, *purpose: str | int) -> int:
    """Return a seed of 63 bits for a purpose, e.g. derive_seed(seed, "random-0/A3B+", "order", epoch)."""
    text = "\x1f".join(map(str, (study_seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
