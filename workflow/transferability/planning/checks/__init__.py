"""The checks of preflight, one module per topic: images, training, given networks, network inputs, the machine.

The input is the configuration and the image set; each check returns a Finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The result of one check: `faults` and `warnings`, a sentence each, and a `note`. Only faults are errors."""

    check: str
    faults: Sequence[str]
    note: str
    warnings: Sequence[str] = ()
