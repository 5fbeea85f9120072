"""The step of `caffenet` in several forms, alone and together: python benchmarks/step.py [--batch N] [form ...]

A step is forward, backward and update on a batch of random pixels that is already on the device. It is compiled; on a
GPU it uses bfloat16 and batches of 1024, as in config/imagenet-fast.yaml. Each form of the network is first compared
with the original network in float64: features and gradients must agree to 1e-12. Each form is then timed in turns of
ten steps; the table lists medians. TFLOP/s count only the operations that the network needs, not additional ones of a
form. Their share is relative to a large matrix product, measured in the same run. The script runs from a checkout, with
torch, pandas and safetensors. With --profile, the kernels of the last form and their times are written beside the
table.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))
import pandas as pd
import torch
from torch import nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from operations import step_operations
from pooling import max_pool
from record import FOLDER, record
from transferability.models.architectures import caffenet
from transferability.models.building import initialize
from transferability.models.fast_forms import FastChannelNorm, fast_form, has_few, in_tiles, space_to_depth
from transferability.training.compilation import compiled
from transferability.training.optimizers import CaffeSGD
from transferability.training.precision import compute_deterministically, precision_context
from transferability.training.trainer import batch_loss

CLASSES, SIZE = 100, 227
STEPS, TURNS = 10, 7
AGREE = 1e-12
DTYPES = {"cuda": torch.bfloat16, "cpu": torch.float32}


class Parts(nn.Module):
    """A convolution with its ReLU and its pooling, if any, computed in the given ways."""

    def __init__(self, conv: nn.Conv2d, pool: nn.Module | None, ways: frozenset):
        super().__init__()
        self.conv, self.pool, self.ways = conv, pool, ways

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return what the three modules return."""
        bias = self.conv.bias[:, None, None]
        if "bias and ReLU after pooling" in self.ways and self.pool:
            outputs = self._pooled(self._convolved(features))
            return functional.relu(outputs + bias.to(outputs.dtype))
        outputs = self._convolved(features)
        return self._pooled(functional.relu(outputs + bias.to(outputs.dtype)))

    def _pooled(self, features: torch.Tensor) -> torch.Tensor:
        if not self.pool:
            return features
        return max_pool(features) if "pooling that keeps bytes" in self.ways else self.pool(features)

    def _convolved(self, features: torch.Tensor) -> torch.Tensor:
        conv, weight = self.conv, self.conv.weight
        if "conv1 in blocks of 4x4" in self.ways and has_few(conv):
            return functional.conv2d(*map(in_tiles, space_to_depth(features, weight, conv.stride[0])))
        if conv.groups == 2 and "groups as two dense convolutions" in self.ways:
            halves = zip(features.chunk(2, 1), weight.chunk(2), strict=True)
            return torch.cat([functional.conv2d(*map(in_tiles, half), padding=conv.padding) for half in halves], 1)
        if conv.groups == 2 and "groups as a block-diagonal one" in self.ways:
            first, second = weight.chunk(2)
            rows = torch.cat([first, torch.zeros_like(first)], 1), torch.cat([torch.zeros_like(second), second], 1)
            return functional.conv2d(features, torch.cat(rows), padding=conv.padding)
        return functional.conv2d(features, weight, None, conv.stride, conv.padding, groups=conv.groups)


def form(network: nn.Sequential, *ways: str) -> nn.Sequential:
    """Return the network with only the given ways of computing its convolutions."""
    modules, forms = [module for layer in network for module in layer], []
    while modules:
        module, *modules = modules
        if isinstance(module, nn.Conv2d):
            pool = modules[1] if isinstance(modules[1], nn.MaxPool2d) else None
            modules = modules[1 + bool(pool) :]
            module = Parts(module, pool, frozenset(ways))
        elif isinstance(module, caffenet.ChannelNorm) and "normalisation with its gradient" in ways:
            module = FastChannelNorm()
        forms.append(module)
    return nn.Sequential(*forms)


def as_it_is(network: nn.Sequential) -> nn.Sequential:
    """Return the network unchanged."""
    return network


ALONE = (
    "conv1 in blocks of 4x4",
    "groups as two dense convolutions",
    "groups as a block-diagonal one",
    "normalisation with its gradient",
    "pooling that keeps bytes",
    "bias and ReLU after pooling",
)
FORMS = {
    "as it is": as_it_is,
    **{way: partial(lambda way, network: form(network, way), way) for way in ALONE},
    "training.compile": fast_form,
    "all, with a block-diagonal one": lambda network: form(network, *(way for way in ALONE if "dense" not in way)),
    "all, with two dense ones": lambda network: form(network, *(way for way in ALONE if "diagonal" not in way)),
}


def new_network(device: torch.device, dtype: torch.dtype = torch.float32, layers: int = 8) -> nn.Sequential:
    """Return the first layers of the network with their initial weights."""
    with torch.device("meta"):  # initialising fully connected layers takes most of the time, and may not be needed
        network = caffenet.build(SIZE, CLASSES)[:layers]
    network.to_empty(device="cpu")
    for number, layer in enumerate(network):
        initialize(layer, number)
    return network.to(dtype).to(memory_format=torch.channels_last).to(device)


def difference(way: Callable, device: torch.device) -> float:
    """Return the largest relative difference, in float64, of a form's features and gradients (convolutional layers)."""
    network = new_network(device, torch.float64, layers=5)
    images = 60 * torch.randn(2, 3, 67, 67, dtype=torch.float64, device=device)
    results = []
    for modules in (network, way(network)):
        features = modules(images)
        torch.manual_seed(0)
        gradients = torch.autograd.grad(features, list(network.parameters()), torch.randn_like(features))
        results.append([features.detach(), *gradients])
    return max(((a - b).norm() / a.norm()).item() for a, b in zip(*results, strict=True))


def new_step(way: Callable, batch: int, device: torch.device) -> Callable[[], None]:
    """Return a function that does a training step of a form of the network."""
    network = new_network(device)
    optimizer = CaffeSGD(network.parameters(), 0.9, 0.0005)
    images = (60 * torch.randn(batch, 3, SIZE, SIZE, device=device)).to(memory_format=torch.channels_last)
    images, labels = images.to(DTYPES[device.type]), torch.randint(CLASSES, (batch,), device=device)
    loss = compiled(partial(batch_loss, way(network), 0))

    def step() -> None:
        with precision_context(str(images.dtype).removeprefix("torch."), device):
            value = loss(images, labels)
        value.backward()
        optimizer.step(1e-4)

    return step


def seconds(work: Callable[[], None], device: torch.device, times: int = STEPS, turns: int = TURNS) -> float:
    """Return the seconds that `work` takes: the median over turns of `times` calls each, after two warm-up calls."""
    work(), work()
    return statistics.median(_turn(work, device, times) / times for _ in range(turns))


def _turn(work: Callable[[], None], device: torch.device, times: int) -> float:
    if device.type != "cuda":
        began = time.perf_counter()
        for _ in range(times):
            work()
        return time.perf_counter() - began
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(times):
        work()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3


def limit(device: torch.device) -> float:
    """Return the operations per second in a large product of random matrices, in bfloat16 on a GPU."""
    side = 8192 if device.type == "cuda" else 1024
    left, right = (torch.randn(side, side, device=device).to(DTYPES[device.type]) for _ in range(2))
    return 2 * side**3 / seconds(partial(torch.mm, left, right), device)


def kernels(step: Callable[[], None], batch: int) -> str:
    """Return the kernels of a step on a GPU, with the milliseconds of each, as text."""
    step()
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        for _ in range(3):
            step()
        torch.cuda.synchronize()
    rows = [(event.device_time_total / 3e3, event.count / 3, event.key) for event in profiled.key_averages()]
    rows = [f"{ms:8.3f} ms {times:5.1f} x {name}" for ms, times, name in sorted(rows, reverse=True) if ms]
    return "\n".join([f"a step of {batch} images", *rows]) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--batch", type=int, default=1024 if torch.cuda.is_available() else 2)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("forms", nargs="*", default=list(FORMS), metavar="form", help=", ".join(FORMS))
    given = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    compute_deterministically(device)
    highest, rows = limit(device), []
    needed = step_operations(new_network(device), 0, torch.randn(2, 3, SIZE, SIZE, device=device))
    for name in given.forms:
        apart = difference(FORMS[name], device)
        if not apart <= AGREE:
            sys.exit(f"{name}: features or gradients differ from the network's by {apart:.1e}, more than {AGREE:.0e}")
        step = new_step(FORMS[name], given.batch, device)
        speed = given.batch / seconds(step, device, *(() if device.type == "cuda" else (1, 3)))
        flops = speed * needed
        rows.append((name, apart, speed, speed / (rows[0][2] if rows else speed), flops / 1e12, flops / highest))
        print(f"{name}: {speed:,.0f} images/s", flush=True)
    if given.profile and device.type == "cuda":
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / "step-kernels.txt").write_text(kernels(step, given.batch), encoding="utf-8")
    columns = ["form", "difference in float64", "images/s", "times", "TFLOP/s", "share of the limit"]
    notes = f"batches of {given.batch}; the limit is {highest / 1e12:.4g} TFLOP/s; {needed / 1e9:.3g} GFLOP an image"
    record("step", pd.DataFrame(rows, columns=columns), notes)
