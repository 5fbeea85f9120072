"""The paths of a study's files."""

from dataclasses import dataclass
from pathlib import Path

# The files of a network to take home; model.onnx only if onnx is installed.
MODEL_FILES = ("model.safetensors", "model.json", "predict.py", "README.md", "model.onnx")


def is_foreign_to_model(file: Path) -> bool:
    """Whether a file in the directory of a network to take home is not one of MODEL_FILES."""
    return file.name not in MODEL_FILES and not file.name.startswith(".")


@dataclass(frozen=True)
class Results:
    """The files of a study, below its results directory `root`.

    `network` is a name such as "A3B+"; `half` is A, B or all. Rules pass "{split}" and "{network}" instead, and get
    file name patterns.
    """

    root: Path

    @property
    def index(self) -> Path:
        """The table of all images."""
        return self.root / "index.csv"

    @property
    def store(self) -> Path:
        """The decoded images, uint8 (images, size, size, 3)."""
        return self.root / "store.npy"

    @property
    def store_checksums(self) -> Path:
        """The checksums of the images in the store."""
        return self.root / "store.crc32.npy"

    @property
    def store_description(self) -> Path:
        """The JSON file that describes how the store was made, with a checksum of its content."""
        return self.root / "store.json"

    @property
    def state(self) -> Path:
        """The directory of checkpoints, locks and progress files."""
        return self.root / "state"

    @property
    def logs(self) -> Path:
        """The directory of logs."""
        return self.root / "logs"

    @property
    def model(self) -> Path:
        """The directory of the network to take home."""
        return self.root / "model"

    def manifest(self, split: str, half: str) -> Path:
        """The table of the classes of one half of a split."""
        return self.root / "splits" / split / f"{half}.csv"

    def accuracy(self, split: str, network: str) -> Path:
        """The JSON file with a network's accuracies."""
        return self.root / "accuracy" / split / f"{network}.json"

    def provenance(self, split: str, network: str) -> Path:
        """The JSON file that records where, when and how fast a network was trained."""
        return self.root / "provenance" / split / f"{network}.json"

    def weights(self, split: str, network: str) -> Path:
        """The weights of a base network."""
        return self.root / "weights" / split / f"{network}.safetensors"

    def rates(self, split: str, family: str) -> Path:
        """The JSON file with the learning rate that was found for a family of networks, on the first repeat."""
        return self.root / "rates" / split / f"{family}.json"

    def progress(self, split: str, network: str) -> Path:
        """The JSON file in which a training job reports its progress."""
        return self.state / split / f"{network}.progress"

    def training_log(self, split: str, network: str) -> Path:
        """The log of the job that trains a network."""
        return self.logs / "train" / split / f"{network}.log"

    def experiment(self, name: str, by_class: bool = False) -> Path:
        """The table of the accuracies of an experiment, one row per network, or one per network and class."""
        return self.root / "accuracy" / f"{name}{'-by-class' if by_class else ''}.csv"
