"""Training one network: copy, freeze, train the rest, test."""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from transferability.architectures import ARCHITECTURES, initialize
from transferability.compilation import compiled
from transferability.data import TEST_BATCH, Examples, Pixels, Preparation, batch_positions, mean_image, to_device
from transferability.errors import TrainingError
from transferability.optimizer import SGD
from transferability.seeds import derive_seed
from transferability.settings import Settings

MEAN_IMAGE = "mean_image"  # its name among a base network's tensors
FEATURE_BYTES = 2**30  # features of a frozen part are kept, rather than computed anew, up to this size


@dataclass(frozen=True)
class Task:
    """What a network is trained and tested on: training and validation images of a half; `wnids` by label, if known."""

    train: Examples
    val: Examples
    classes: int
    wnids: Sequence[str] = ()


@dataclass(frozen=True)
class Start:
    """What a network starts from: the mean image (see `data.mean_image`) and, if it copies, trained weights.

    `weights` is a state dict whose first `copied` layers are taken over. The first `frozen` layers, copied or drawn at
    random, stay as they are.
    """

    mean: torch.Tensor
    weights: Mapping[str, torch.Tensor] | None = None
    copied: int = 0
    frozen: int = 0

    @classmethod
    def from_scratch(cls, task: Task, frozen: int = 0) -> "Start":
        """Start a network of a task from random weights."""
        return cls(mean_image(task.train), frozen=frozen)

    @classmethod
    def from_base(cls, base: Mapping[str, torch.Tensor], copied: int, frozen: int) -> "Start":
        """Start a network from what `Trainer.result` gave for its source's base network."""
        return cls(base[MEAN_IMAGE], base, copied, frozen)


@dataclass(frozen=True)
class Evaluation:
    """Top-1 accuracy and mean loss over all validation images after `iteration` iterations."""

    iteration: int
    top1: float
    loss: float


def build_network(architecture: str, size: int, classes: int, start: Start, seed: Callable[..., int]) -> nn.Sequential:
    """Build a network on the CPU: the first `start.copied` layers copied, each other one drawn from its own seed."""
    network = ARCHITECTURES[architecture].build(size, classes)
    for number, (name, layer) in enumerate(network.named_children()):
        if number < start.copied:
            layer.load_state_dict({key: start.weights[f"{name}.{key}"] for key in layer.state_dict()})
        else:
            initialize(layer, seed("init", name))
        layer.requires_grad_(number >= start.frozen)
    return network.to(memory_format=torch.channels_last)


class Trainer:
    """Trains one network. After `run`, `network` holds its weights, `curve` its tests, and `correct` how many images
    of each label the last test had right.

    `name` is what every seed is derived from besides the study's seed: "random-0/A3B+". Training can stop after any
    iteration and go on from `state()` in another process, to the same result bit for bit.
    """

    def __init__(
        self,
        name: str,
        architecture: str,
        task: Task,
        start: Start,
        settings: Settings,
        study_seed: int,
        device: torch.device,
    ):
        compute_deterministically(device)
        self.name, self.settings, self.device = name, settings, device
        self.iteration = 0
        self.curve: list[Evaluation] = []
        self.correct: list[int] = []
        self._train_loss = torch.zeros((), device=device)  # since the last test
        self._study_seed, self._mean, self._classes = study_seed, start.mean, task.classes
        self.network = build_network(architecture, settings.crop, task.classes, start, self._seed).to(device)
        preparation = Preparation(
            start.mean.to(device), settings.crop, settings.mirror, ARCHITECTURES[architecture].pixel_scale
        )
        self._arithmetic = partial(arithmetic, settings.precision, device)
        fixed, self._head = split_fixed(self.network, start.frozen)
        fast = compiled if settings.compile else _as_it_is
        self._loss = fast(partial(batch_loss, self._head))
        centre = partial(_head_inputs, preparation.test, fixed)
        drawn = fast(partial(_head_inputs, preparation.train, fixed)) if preparation.random else centre
        self._train = Inputs(task.train, self._without_gradients(drawn), device, preparation.random)
        self._val = Inputs(task.val, self._without_gradients(centre), device, random=False)
        self._optimizer = SGD(self.network.parameters(), settings.momentum, settings.weight_decay)

    def run(self, pause: Callable[["Trainer"], None], report: Callable[["Trainer", float], None]) -> None:
        """Train to the end, calling `pause` after every iteration and `report` after every test.

        `pause` may save the state, or stop the training by raising; `report` also gets the sum of the training losses
        since the last test. Raises TrainingError if the loss is not finite.
        """
        generator = _default_generator(self.device)
        batches = self._train.batches(self._positions())
        while self.iteration < self.settings.iterations:
            generator.manual_seed(self._seed("iteration", self.iteration))  # for its crops, mirrors and dropout
            self._train_loss += self._step(*next(batches))
            self.iteration += 1
            if self.iteration % self.settings.test_every == 0 or self.iteration == self.settings.iterations:
                self.curve.append(self.test())
                self._check_finite()
                report(self, self._train_loss.item())
                self._train_loss.zero_()
            pause(self)

    def state(self) -> dict:
        """Return all that a later `resume` needs; tensors are shared with the training, not copied.

        Raises TrainingError if the loss is not finite: from there no training goes on.
        """
        self._check_finite()
        return {
            "iteration": self.iteration,
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "curve": [asdict(test) for test in self.curve],
            "correct": self.correct,
        }

    def result(self) -> dict[str, torch.Tensor]:
        """Return all that transferring from this network needs: its weights and its mean image, on the CPU."""
        tensors = self.network.state_dict() | {MEAN_IMAGE: self._mean}
        return {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}

    def resume(self, state: Mapping) -> None:
        """Go on from a state that `state` returned."""
        self.iteration = state["iteration"]
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.curve = [Evaluation(**test) for test in state["curve"]]
        self.correct = state["correct"]

    def _positions(self) -> Iterator[torch.Tensor]:
        images, last = len(self._train), self.settings.iterations
        return batch_positions(images, self.settings.batch_size, self.iteration, last, partial(self._seed, "order"))

    def _seed(self, *purpose: str | int) -> int:
        return derive_seed(self._study_seed, self.name, *purpose)

    def _step(self, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with self._arithmetic():
            loss = self._loss(inputs, labels)
        loss.backward()
        self._optimizer.step(self.settings.rate_at(self.iteration))
        return loss.detach()

    def _without_gradients(self, compute: Callable[[torch.Tensor], torch.Tensor]) -> Callable:
        def computed(images: torch.Tensor) -> torch.Tensor:
            """What `compute` gives, in the arithmetic of this training."""
            with torch.no_grad(), self._arithmetic():
                return compute(images)

        return computed

    def test(self) -> Evaluation:
        """Test on all validation images."""
        self.network.eval()
        right = []
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        with torch.inference_mode(), self._arithmetic():
            for inputs, labels in self._val.batches(torch.arange(len(self._val)).split(TEST_BATCH)):
                scores = self._head(inputs)
                right.append(scores.argmax(1) == labels)
                loss += functional.cross_entropy(scores.float(), labels, reduction="sum").double()
        self.network.train()
        correct = self._val.labels[torch.cat(right)]
        self.correct = torch.bincount(correct, minlength=self._classes).tolist()
        return Evaluation(self.iteration, len(correct) / len(self._val), loss.item() / len(self._val))

    def _check_finite(self) -> None:
        tests = [test.loss for test in self.curve[-1:]]
        if not all(map(math.isfinite, [self._train_loss.item(), *tests])):
            raise TrainingError(
                f"{self.name}: the loss is not finite at iteration {self.iteration}; lower config key training.rate"
            )


def summarize(curve: list[Evaluation]) -> dict:
    """Return what a network's tests come to: top1 and loss of the last one, top1_best10, and the curve itself.

    top1_best10, the mean of the ten highest accuracies (of all, if there are fewer), is what the paper plots.
    """
    best = sorted((test.top1 for test in curve), reverse=True)[:10]
    return {
        "top1": curve[-1].top1,
        "top1_best10": sum(best) / len(best),
        "loss": curve[-1].loss,
        "curve": [asdict(test) for test in curve],
    }


class Inputs:
    """What the head of a network sees of a subset: `compute` makes it of images as `data.Pixels` gives them.

    Where nothing is drawn at random, that is a function of the image alone: it is computed once per image and kept.
    """

    def __init__(self, examples: Examples, compute: Callable, device: torch.device, random: bool):
        self.labels = torch.from_numpy(examples.labels).to(device)
        self._compute, self._device = compute, device
        pixels = Pixels(examples, device)
        keep = not random and self._feature_bytes(pixels) * len(examples) <= FEATURE_BYTES
        self._features = self._compute_all(pixels) if keep else None
        self._pixels = None if keep else pixels

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, positions: Iterable[torch.Tensor]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield the head's inputs and the labels of batch after batch of positions (int64, on the CPU)."""
        if self._features is None:
            for places, images in self._pixels.batches(positions):
                yield self._compute(images), self.labels.index_select(0, places)
            return
        for batch in positions:
            places = to_device(batch, self._device)
            # Twelve times as fast as indexing, which goes element by element.
            yield _channels_first(self._features.index_select(0, places)), self.labels.index_select(0, places)

    def _feature_bytes(self, pixels: Pixels) -> int:
        [(_, image)] = pixels.batches([torch.arange(1)])
        return self._compute(image).nbytes

    def _compute_all(self, pixels: Pixels) -> torch.Tensor:
        batches = pixels.batches(torch.arange(len(self)).split(TEST_BATCH))
        # Channels last, so that a row of the array is what a batch wants in memory.
        return torch.cat([_channels_last(self._compute(images)) for _, images in batches])


def compute_deterministically(device: torch.device) -> None:
    """Let torch compute the same bits in every run on this device; on a CPU all that training does is so as it is."""
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # a pass over memory that nothing reads


def arithmetic(precision: str, device: torch.device) -> AbstractContextManager:
    """Return a context in which networks compute in float32, tf32 (which CPUs have not) or bfloat16.

    In bfloat16, weights, gradients and updates stay float32 (torch.autocast).
    """
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "float32"
    return torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()


def _head_inputs(prepare: Callable, fixed: nn.Sequential, images: torch.Tensor) -> torch.Tensor:
    return fixed(prepare(images))


def batch_loss(network: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean loss of a batch, whose gradients train a network: a scalar."""
    return functional.cross_entropy(network(inputs), labels)


def _as_it_is(function: Callable) -> Callable:
    return function


def _channels_last(features: torch.Tensor) -> torch.Tensor:
    return features.permute(0, 2, 3, 1).contiguous() if features.dim() == 4 else features


def _channels_first(features: torch.Tensor) -> torch.Tensor:
    return features.permute(0, 3, 1, 2) if features.dim() == 4 else features


def _default_generator(device: torch.device) -> torch.Generator:
    # Not torch.manual_seed, which seeds every kind of device and keeps a stack trace of each call for those not in use.
    return (
        torch.cuda.default_generators[torch.cuda.current_device()] if device.type == "cuda" else torch.default_generator
    )


def split_fixed(network: nn.Sequential, frozen: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Split a network's modules into those whose output is a fixed function of their input, and the rest.

    Fixed are the modules of the first `frozen` layers up to the first dropout, which stays active in frozen layers.
    """
    modules = [(place, module) for place, layer in enumerate(network) for module in layer]
    fixed = 0
    while fixed < len(modules) and modules[fixed][0] < frozen and not isinstance(modules[fixed][1], nn.Dropout):
        fixed += 1
    return nn.Sequential(*(m for _, m in modules[:fixed])), nn.Sequential(*(m for _, m in modules[fixed:]))
