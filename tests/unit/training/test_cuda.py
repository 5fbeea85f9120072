"""On a GPU: the same bits again, in every precision, compiled or not, resumed or not."""

from dataclasses import replace

import pytest
import torch

from tests.conftest import make_examples, settings_of
from transferability.common.checksums import fingerprint
from transferability.jobs.assembly import Start, new_trainer
from transferability.runtime.devices import leased_hardware
from transferability.study.architectures import blueprint
from transferability.tasks.task import Task
from transferability.training import batches

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
FAST = {"precision": "bfloat16", "compile": True}
HOUSE = settings_of(iterations=4, evaluate_every=2, batch_size=8, learning_rate=1e-4, horizontal_flip=True)
MODERN = replace(
    HOUSE, optimizer="sgd", nesterov=True, augmentation="random-resized-crop", label_smoothing=0.1, clip_norm=1.0
)
ADAMW = replace(MODERN, optimizer="adamw")
NETWORKS = [
    ("caffenet-mini", 32, HOUSE),
    ("caffenet", 227, HOUSE),
    ("torchvision/resnet18", 64, MODERN),
    ("torchvision/mobilenet_v3_small", 64, MODERN),
    ("timm/test_vit", 64, ADAMW),
]


def trained(architecture, size, settings, start=None, stop=None) -> tuple[dict, dict]:
    """Train a network on the GPU; return checksums of all its tensors, and its state at iteration `stop`."""
    images = Task(make_examples(32, 2, size + 8, seed=0), make_examples(4, 2, size + 8, seed=1), classes=2)
    state = {}

    def pause(trainer) -> None:
        if trainer.iteration == stop:
            state.update(to_cpu(trainer.state()))

    with leased_hardware("cuda", 1) as device:
        start = start or Start.from_scratch(images)
        settings = replace(settings, input_size=size)
        trainer = new_trainer("random-0/B1A", blueprint(architecture), images, start, settings, 0, device)
        trainer.run(pause, lambda *_: None)
        again = new_trainer("random-0/B1A", blueprint(architecture), images, start, settings, 0, device)
        if state:
            again.resume(state)
            again.run(lambda trainer: None, lambda *_: None)
    return trainer.result(), again.result() if state else {}


def to_cpu(value):
    if isinstance(value, torch.Tensor):
        return value.cpu().clone()
    if isinstance(value, dict):
        return {key: to_cpu(part) for key, part in value.items()}
    return [to_cpu(part) for part in value] if isinstance(value, list) else value


def bits(tensors: dict) -> str:
    return fingerprint({name: tensor.numpy().tobytes().hex() for name, tensor in tensors.items()})


@pytest.mark.parametrize(("architecture", "size", "settings"), NETWORKS, ids=[name for name, *_ in NETWORKS])
@pytest.mark.parametrize("fast", [{}, FAST], ids=["float32", "bfloat16-compiled"])
def test_cuda_trains_the_same_twice_and_after_an_interruption(architecture, size, settings, fast):
    settings = replace(settings, **fast)
    once, resumed = trained(architecture, size, settings, stop=2)
    twice, _ = trained(architecture, size, settings)
    assert bits(once) == bits(twice)
    assert bits(once) == bits(resumed)


@pytest.mark.parametrize("fast", [{}, FAST], ids=["float32", "bfloat16-compiled"])
def test_images_that_are_read_ahead_give_the_same_bits_as_those_on_the_device(fast, monkeypatch):
    resident, _ = trained("caffenet-mini", 32, replace(HOUSE, **fast))
    monkeypatch.setattr(batches, "resident_bytes", lambda device: 0)
    read, _ = trained("caffenet-mini", 32, replace(HOUSE, **fast))
    assert bits(resident) == bits(read)


@pytest.mark.parametrize("architecture", ["torchvision/resnet18", "timm/test_vit"])
def test_frozen_layers_stay_on_cuda(architecture):
    base, _ = trained(architecture, 64, MODERN)
    copy, _ = trained(architecture, 64, MODERN, Start.from_base(base, 2, 2))
    first = [name for name in copy if name.startswith(("conv1", "bn1", "layer1.0", "patch_embed"))]
    assert first
    assert all(torch.equal(copy[name], base[name]) for name in first)
