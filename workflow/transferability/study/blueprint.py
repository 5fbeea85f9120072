"""What a network is built from, by value, and the module that builds it: all that a training knows of architectures.

The catalogue (`architectures`) stands apart: an architecture that is added to it retrains no network of another.
"""

from dataclasses import dataclass

LIBRARIES = ("torchvision/", "timm/")


@dataclass(frozen=True)
class Blueprint:
    """What decides how a network is built and fed, by value: a row's name, its pixels, and the library's version.

    `order` is that of the channels, rgb or bgr, and of `mean` and `std`, which are None for networks of the house.
    """

    name: str
    library: str | None
    order: str
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None

    @property
    def is_builtin(self) -> bool:
        """Whether it is one of `models.architectures`, which take pixels as Caffe does."""
        return self.library is None


def is_of_a_library(name: str) -> bool:
    """Whether it is torchvision/NAME or timm/NAME."""
    return name.startswith(LIBRARIES)


def builder(name: str) -> str:
    """Return the library module that builds an architecture, "models.libraries"."""
    return "models.libraries" if is_of_a_library(name) else f"models.architectures.{name.replace('-', '_')}"
