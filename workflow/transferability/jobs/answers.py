"""A network's answers to its validation images as text: the form in which an accuracy file holds them."""

import base64
from collections.abc import Mapping

import numpy as np

CONFIDENCE = 255  # the confidence that stands for a probability of 1


def pack_answers(predicted: np.ndarray, confidence: np.ndarray, classes: int) -> dict[str, str]:
    """Return the answers as base64: predicted labels, and their probabilities in 255ths (uint8), image by image."""
    parts = {"predicted": predicted.astype(_labels(classes)), "confidence": confidence.astype(np.uint8)}
    return {name: base64.b64encode(part.tobytes()).decode() for name, part in parts.items()}


def unpack_answers(record: Mapping) -> tuple[np.ndarray, np.ndarray]:
    """Return the predicted labels (int64) and their probabilities (0 to 1) in an accuracy file's content."""
    packed = {name: base64.b64decode(text) for name, text in record["answers"].items()}
    predicted = np.frombuffer(packed["predicted"], _labels(record["classes"])).astype(np.int64)
    return predicted, np.frombuffer(packed["confidence"], np.uint8) / CONFIDENCE


def _labels(classes: int) -> str:
    """The type of labels, little-endian: the smallest of 16 and 32 bits that holds them."""
    return "<u2" if classes <= 2**16 else "<u4"
