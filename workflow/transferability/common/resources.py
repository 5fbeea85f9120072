"""The directory of small data files: WordNet's snapshot, hand-assigned classes, the paper's accuracies."""

from pathlib import Path

RESOURCES = Path(__file__).parents[3] / "resources"
