"""Where a study keeps the files of its networks, below its results directory."""

from pathlib import Path


def accuracy_file(results: Path, split: str, network: str) -> Path:
    """Return the JSON file with a network's accuracies."""
    return results / "accuracy" / split / f"{network}.json"


def provenance_file(results: Path, split: str, network: str) -> Path:
    """Return the JSON file that says where, when and how fast a network was trained."""
    return results / "provenance" / split / f"{network}.json"


def weights_file(results: Path, split: str, network: str) -> Path:
    """Return the file with the weights of a base network."""
    return results / "weights" / split / f"{network}.safetensors"


def manifest_file(results: Path, split: str, half: str) -> Path:
    """Return the table of the classes of a half, or of all."""
    return results / "splits" / split / f"{half}.csv"


def progress_file(results: Path, split: str, network: str) -> Path:
    """Return the JSON file that says, while a network is trained, how far it is."""
    return results / "state" / split / f"{network}.progress"


def training_log(results: Path, split: str, network: str) -> Path:
    """Return the log of the job that trains a network."""
    return results / "logs" / "train" / split / f"{network}.log"
