"""What preflight looks at, one module a topic: images, what is trained, what the network is fed, the machine.

In come the configuration and the image set; each check gives a Finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What one check found: `faults` and `warnings`, a sentence each, and in any case a `note`. Only faults fail."""

    check: str
    faults: Sequence[str]
    note: str
    warnings: Sequence[str] = ()
