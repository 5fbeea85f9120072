"""Tests on the validation images, and a summary of all tests of a training run."""

from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from transferability.training.batches import TEST_BATCH
from transferability.training.features import Inputs

BEST = 10  # tests


@dataclass(frozen=True)
class Evaluation:
    """Top-1 accuracy and mean loss over all validation images after `iteration` iterations."""

    iteration: int
    top1: float
    loss: float


class Answers(NamedTuple):
    """A network's answer for each image, on the CPU: the label of the highest score (int64), and its probability.

    Probabilities are uint8, in 255ths.
    """

    predicted: torch.Tensor
    confidence: torch.Tensor


def evaluate(head: nn.Module, inputs: Inputs, iteration: int) -> tuple[Evaluation, Answers]:
    """Test on all images of `inputs`; return the test, and the answers in the order of the images."""
    predicted, confidence = [], []
    loss = torch.zeros((), dtype=torch.float64, device=inputs.labels.device)
    for features, labels in inputs.batches(torch.arange(len(inputs)).split(TEST_BATCH)):
        scores = head(features).float()
        predicted.append(scores.argmax(1))
        confidence.append((255 * scores.softmax(1).amax(1)).round().to(torch.uint8))
        loss += functional.cross_entropy(scores, labels, reduction="sum").double()
    answers = Answers(torch.cat(predicted).cpu(), torch.cat(confidence).cpu())
    right = int((answers.predicted == inputs.labels.cpu()).sum())
    return Evaluation(iteration, right / len(inputs), loss.item() / len(inputs)), answers


def summarize(curve: list[Evaluation]) -> dict:
    """Summarise a network's tests: return top1 and loss of the last test, top1_best10, and the curve itself.

    top1_best10, the mean of the ten highest accuracies, is the measure that the paper plots; it is None if there are
    fewer than ten tests.
    """
    best = sorted((test.top1 for test in curve), reverse=True)[:BEST]
    return {
        "top1": curve[-1].top1,
        "top1_best10": reduce(add, best) / BEST
        if len(best) == BEST
        else None,  # not sum, which rounds differently since Python 3.12
        "loss": curve[-1].loss,
        "curve": [asdict(test) for test in curve],
    }
