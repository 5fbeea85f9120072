"""The description from which a network is built, and the module that builds it. Training uses nothing else.

The catalogue (`architectures`) is separate, so that a new architecture in it does not retrain networks of others.
"""

from dataclasses import dataclass

LIBRARIES = ("torchvision/", "timm/")


@dataclass(frozen=True)
class Blueprint:
    """All values that determine how a network is built and fed: its name, its pixels, and the library's version.

    `order` is the order of the channels, rgb or bgr, also in `mean` and `std`, which are None for built-in networks.
    """

    name: str
    library: str | None
    order: str
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None

    @property
    def is_builtin(self) -> bool:
        """Whether it is one of `models.architectures`, which take pixels in the form that Caffe uses."""
        return self.library is None


def is_of_a_library(name: str) -> bool:
    """Whether an architecture is torchvision/NAME or timm/NAME."""
    return name.startswith(LIBRARIES)


def builder(name: str) -> str:
    """Return the library module that builds an architecture, "models.libraries"."""
    return "models.libraries" if is_of_a_library(name) else f"models.architectures.{name.replace('-', '_')}"
