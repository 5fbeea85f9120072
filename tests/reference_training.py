"""The oracle of training: the same networks, trained by plain torch.

It is written from the study's description and from what config.schema.yaml says of each key, and it imports nothing of
the library. What a network sees is a function of the study's seed, the network's name ("random-0/A3B"), and what a
number is for; `seed_of` states which.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

# channels, kernel, stride, padding and groups of the convolutions; units and dropout of fc6 and fc7; deviations and
# biases of the initial weights; what pixels less the mean image are multiplied by; whether conv5 is pooled.
CAFFENET = {
    "convolutions": [(96, 11, 4, 0, 1), (256, 5, 1, 2, 2), (384, 3, 1, 1, 1), (384, 3, 1, 1, 2), (256, 3, 1, 1, 2)],
    "places": 6 * 6,
    "units": 4096,
    "dropout": 0.5,
    "stds": [0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.01],
    "biases": [0, 1, 0, 1, 1, 1, 1, 0],
    "scale": 1,
    "norm": True,
}
MINI = {
    "convolutions": [(32, 7, 4, 2, 1), (48, 3, 1, 1, 2), (64, 3, 1, 1, 1), (64, 3, 1, 1, 2), (48, 3, 1, 1, 2)],
    "places": 2 * 2,
    "units": 192,
    "dropout": 0.25,
    "stds": [(2 / 147) ** 0.5 / 6, *((2 / n) ** 0.5 for n in (144, 432, 288, 288, 192, 192)), 0.01],
    "biases": [0] * 8,
    "scale": 1 / 32,
    "norm": False,
}


def seed_of(study: int, network: str, *purpose: str | int) -> int:
    """The first 63 bits of the sha256 of seed, name and purpose, with the unit separator of ASCII between them."""
    text = "\x1f".join(map(str, (study, network, *purpose)))
    return int(hashlib.sha256(text.encode()).hexdigest()[:16], 16) // 2


def drawn(seed: int) -> torch.Generator:
    """A generator of random numbers from a seed."""
    return torch.Generator().manual_seed(seed)


class Caffenet(nn.Module):
    """Caffe's reference network, or the small one of the same eight layers."""

    names = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")

    def __init__(self, table: Mapping, classes: int, seed: Callable[..., int]):
        super().__init__()
        self.table, inputs = table, 3
        for name, (channels, kernel, stride, padding, groups) in zip(self.names, table["convolutions"], strict=False):
            conv = nn.Conv2d(inputs, channels, kernel, stride, padding, groups=groups)
            self.add_module(name, nn.ModuleDict({"conv": conv}))
            inputs = channels
        sizes = [inputs * table["places"], table["units"], table["units"], classes]
        for place, name in enumerate(self.names[5:]):
            self.add_module(name, nn.ModuleDict({"linear": nn.Linear(sizes[place], sizes[place + 1])}))
        for name, std, bias in zip(self.names, table["stds"], table["biases"], strict=True):
            (layer,) = self.get_submodule(name).values()
            layer.weight.data = std * torch.randn(layer.weight.shape, generator=drawn(seed("init", name)))
            layer.bias.data = torch.full_like(layer.bias, bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The scores of images; in training, dropout follows fc6 and fc7, whether they are frozen or not."""
        x = images
        for number in range(1, 6):
            x = functional.relu(self.get_submodule(f"conv{number}.conv")(x))
            if number in (1, 2) or (number == 5 and x.shape[2] > 2):
                x = functional.max_pool2d(x, 3, 2, ceil_mode=True)
                if self.table["norm"] and number < 5:
                    x = functional.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1)
        x = x.flatten(1)
        for full in ("fc6", "fc7"):
            x = functional.relu(self.get_submodule(f"{full}.linear")(x))
            x = functional.dropout(x, self.table["dropout"], self.training)
        return self.get_submodule("fc8.linear")(x)


@dataclass
class Task:
    """Training and validation images, uint8 (count, size, size, 3), RGB, with their labels."""

    train: tuple[torch.Tensor, torch.Tensor]
    val: tuple[torch.Tensor, torch.Tensor]
    classes: int


def task_of(store: np.ndarray, index: Sequence[tuple[str, str]], wnids: Sequence[str], first: int | None) -> Task:
    """The images of some classes; for training the `first` of each class, in the order of the index (wnid, subset)."""
    parts = {}
    for wanted in ("train", "val"):
        rows, taken = [], Counter()
        for row, (wnid, subset) in enumerate(index):
            if subset == wanted and wnid in wnids:
                taken[wnid] += 1
                if wanted == "val" or first is None or taken[wnid] <= first:
                    rows.append(row)
        labels = torch.tensor([list(wnids).index(index[row][0]) for row in rows])
        parts[wanted] = torch.from_numpy(store[rows]), labels
    return Task(parts["train"], parts["val"], len(wnids))


@dataclass
class Pixels:
    """What is done to pixels, (size, size, 3) or (3,): less `mean`, over `std`; blue first where `bgr`."""

    mean: torch.Tensor
    std: torch.Tensor
    bgr: bool

    def of(self, images: torch.Tensor) -> torch.Tensor:
        """Images as numbers, (count, 3, size, size), before they are cut."""
        ordered = images.float().flip(3) if self.bgr else images.float()
        return ((ordered - self.mean) / self.std).permute(0, 3, 1, 2)


def caffe_pixels(images: torch.Tensor, table: Mapping) -> Pixels:
    """Blue, green, red from 0 to 255, less the mean image of the training images of what gives the first layers."""
    return Pixels(images.double().mean(0).to(torch.float32).flip(2), torch.tensor(1 / table["scale"]), bgr=True)


def standard_pixels(mean: Sequence[float], std: Sequence[float]) -> Pixels:
    """Pixels from 0 to 1, less a mean and over a deviation for each channel."""
    return Pixels(255 * torch.tensor(mean), 255 * torch.tensor(std), bgr=False)


def augmented(images: torch.Tensor, how: Mapping) -> torch.Tensor:
    """Training images (count, 3, size, size) cut at random and mirrored at random; draws from torch's generator."""
    count, size, crop = len(images), images.shape[2], how["input_size"]
    if how["augmentation"] == "random-resized-crop":
        return resized(images, how)
    if size == crop and not how["horizontal_flip"]:
        return images
    tops, lefts = torch.randint(size - crop + 1, (2, count)).tolist()
    mirrored = (torch.rand(count) < 0.5).tolist() if how["horizontal_flip"] else [False] * count
    crops = [image[:, t : t + crop, le : le + crop] for image, t, le in zip(images, tops, lefts, strict=True)]
    return torch.stack([one.flip(2) if flip else one for one, flip in zip(crops, mirrored, strict=True)])


def resized(images: torch.Tensor, how: Mapping) -> torch.Tensor:
    """A rectangle of random area, aspect and place of each image, sampled at the middles of crop x crop fields."""
    crops = []
    for image, area, aspect, across, down, side in zip(images, *torch.rand(5, len(images)).double(), strict=True):
        area = how["min_crop_area"] + (1 - how["min_crop_area"]) * area
        aspect = (4 / 3) ** (2 * aspect - 1)
        size, places = image.shape[1], (torch.arange(how["input_size"]) + 0.5).double() / how["input_size"]
        width, height = min(1, math.sqrt(area * aspect)), min(1, math.sqrt(area / aspect))
        columns = size * ((1 - width) * across + width * places) - 0.5
        rows = size * ((1 - height) * down + height * places) - 0.5
        if how["horizontal_flip"] and side < 0.5:
            columns = columns.flip(0)
        crops.append(between(between(image.double(), rows, 1), columns, 2).to(image.dtype))
    return torch.stack(crops)


def between(image: torch.Tensor, places: torch.Tensor, axis: int) -> torch.Tensor:
    """Values between the pixels along an axis, linear from one to the next; beyond the last one, that one's."""
    places = places.clamp(0, image.shape[axis] - 1)
    before = places.floor().long()
    after = (before + 1).clamp(max=image.shape[axis] - 1)
    share = (places - before).view([-1 if k == axis else 1 for k in range(3)])
    return (1 - share) * image.index_select(axis, before) + share * image.index_select(axis, after)


def iterations(span: str, images: int, batch: int) -> int:
    """Iterations of "20 iterations" or "3 epochs", of which a part counts as one."""
    number, unit = span.split()
    return int(number) if unit == "iterations" else math.ceil(int(number) * images / batch)


def rate(k: int, last: int, how: Mapping, images: int) -> float:
    """The learning rate of iteration k = 0, 1, ... of `last`."""
    if how["schedule"] == "step":
        return how["learning_rate"] * how["drop_factor"] ** (
            k // iterations(how["drop_every"], images, how["batch_size"])
        )
    if how["schedule"] == "cosine":
        return how["learning_rate"] * (1 + math.cos(math.pi * k / last)) / 2
    rise = max(1, how["warmup"] * last)
    if k + 1 < rise:
        return how["learning_rate"] * (k + 1) / rise
    left = min(1, (last - k) / max(1, last - rise))
    return how["learning_rate"] * (left if how["schedule"] == "one-cycle" else (1 - math.cos(math.pi * left)) / 2)


class Update:
    """An optimizer of parameters by name; norms and biases (vectors), class tokens and positions do not decay."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], how: Mapping):
        self.parameters, self.how, self.steps = parameters, how, 0
        spared = {name for name, w in parameters.items() if w.dim() < 2 or name in ("cls_token", "pos_embed")}
        self.decay = {name: 0 if name in spared else how["weight_decay"] for name in parameters}
        self.first = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
        adamw = how["optimizer"] == "adamw"
        self.second = {name: torch.zeros_like(parameter) for name, parameter in parameters.items() if adamw}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update all parameters by their gradients."""
        how = self.how
        length = math.sqrt(sum(w.grad.square().sum() for w in self.parameters.values())) if how["clip_norm"] else 0
        shorter = min(1, how["clip_norm"] / (length + 1e-6)) if how["clip_norm"] else 1  # the 1e-6 is torch's
        self.steps += 1
        for name, w in self.parameters.items():
            g, decay, v = shorter * w.grad, self.decay[name], self.first[name]
            if how["optimizer"] == "caffe-sgd":
                v.copy_(how["momentum"] * v + (2 * rate if name.endswith("bias") else rate) * (g + decay * w))
                w -= v
            elif how["optimizer"] == "sgd":
                g = g + decay * w
                v.copy_(how["momentum"] * v + g)
                w -= rate * (g + how["momentum"] * v if how["nesterov"] else v)
            else:  # adamw
                s = self.second[name]
                v.copy_(0.9 * v + 0.1 * g)
                s.copy_(0.999 * s + 0.001 * g * g)
                w *= 1 - rate * decay
                w -= rate * (v / (1 - 0.9**self.steps)) / ((s / (1 - 0.999**self.steps)).sqrt() + 1e-8)
            w.grad = None


def order(images: int, batch: int, k: int, seed: Callable[..., int]) -> torch.Tensor:
    """The places of the images of iteration k's batch: each epoch is shuffled, and batches run on over its end."""
    epochs = range(k * batch // images, ((k + 1) * batch - 1) // images + 1)
    shuffled = torch.cat([torch.randperm(images, generator=drawn(seed("order", epoch))) for epoch in epochs])
    begin = k * batch - epochs[0] * images
    return shuffled[begin : begin + batch]


def learning_mode(model: nn.Module, frozen: Sequence[str]) -> None:
    """Let no parameter of the frozen parts learn, no BatchNorm of theirs move, and none of their modules be random."""
    model.train()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not of(name, frozen))
    for name, module in model.named_modules():
        module.training = not of(name, frozen)


def of(name: str, parts: Sequence[str]) -> bool:
    """Whether a name ("conv1.1.weight") is of one of some parts ("conv1.1")."""
    return any(f"{name}.".startswith(f"{part}.") for part in parts)


def train(
    model: nn.Module,
    frozen: Sequence[str],
    task: Task,
    pixels: Pixels,
    how: Mapping,
    seed: Callable[..., int],
) -> dict:
    """Train a model whose parts `frozen` do not learn.

    Return its tests (iteration, top1, loss), the sum of the losses before each, and what the last had right by label.
    """
    (images, labels), batch = task.train, how["batch_size"]
    last, every = (iterations(how[key], len(images), batch) for key in ("length", "evaluate_every"))
    learning = {name: parameter for name, parameter in model.named_parameters() if not of(name, frozen)}
    update, found, total = Update(learning, how), {"curve": [], "train_loss": [], "right": []}, 0.0
    for k in range(last):
        learning_mode(model, frozen)
        places = order(len(images), batch, k, seed)
        torch.manual_seed(seed("iteration", k))
        seen = augmented(pixels.of(images[places]), how)
        scores = model(seen)
        loss = functional.cross_entropy(scores, labels[places], label_smoothing=how["label_smoothing"])
        loss.backward()
        update.step(rate(k, last, how, len(images)))
        total += loss.item()
        if (k + 1) % every == 0 or k + 1 == last:
            top1, loss, right = tested(model, task, pixels, how["input_size"])
            found["curve"].append((k + 1, top1, loss))
            found["train_loss"].append(total)
            found["right"], total = right, 0.0
    return found


@torch.no_grad()
def tested(model: nn.Module, task: Task, pixels: Pixels, crop: int) -> tuple[float, float, list[int]]:
    """Accuracy, mean loss and the numbers that are right of each label, of the middles of all validation images."""
    images, labels = task.val
    model.eval()
    begin = (images.shape[1] - crop) // 2
    scores = model(pixels.of(images)[:, :, begin : begin + crop, begin : begin + crop])
    right = scores.argmax(1) == labels
    by_label = [int(right[labels == label].sum()) for label in range(task.classes)]
    return right.double().mean().item(), functional.cross_entropy(scores, labels).item(), by_label
