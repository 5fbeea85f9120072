"""The square that every image of a store is converted to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

AUTO, FULL = "auto", "full"
Scale = str | Sequence[float]  # config key dataset.scale: AUTO, FULL, or the values of black and white


@dataclass(frozen=True)
class Square:
    """How an image becomes a square of `size` x `size` pixels. The other fields are keys of config section dataset."""

    size: int
    fit: str = "stretch"
    orientation: str = "ignore"
    scale: Scale = AUTO

    @classmethod
    def of(cls, dataset: Mapping) -> "Square":
        """Return the square that config section `dataset` specifies."""
        return cls(dataset["image_size"], dataset["fit"], dataset["orientation"], dataset["scale"])

    def departures(self) -> dict[str, Scale]:
        """The fields other than `size` that differ from the paper's squares; a store's description records them."""
        usual = asdict(Square(self.size))
        return {key: value for key, value in asdict(self).items() if value != usual[key]}
