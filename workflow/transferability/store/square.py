"""What every image of a store is made into."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

AUTO, FULL = "auto", "full"
Scale = str | Sequence[float]  # config key dataset.scale: AUTO, FULL, or the values that are black and white


@dataclass(frozen=True)
class Square:
    """What an image becomes: a square of `size` pixels. The others are config keys of section dataset."""

    size: int
    fit: str = "stretch"
    orientation: str = "ignore"
    scale: Scale = AUTO

    @classmethod
    def of(cls, dataset: Mapping) -> "Square":
        """Return what the configuration's section `dataset` makes of images."""
        return cls(dataset["image_size"], dataset["fit"], dataset["orientation"], dataset["scale"])

    def departures(self) -> dict[str, Scale]:
        """What a store's description says beyond the size: nothing for squares as in the paper."""
        usual = asdict(Square(self.size))
        return {key: value for key, value in asdict(self).items() if value != usual[key]}
