"""Weights as people have them: taken over whole, or refused with one error."""

import argparse
import copy
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.conftest import settings_of
from transferability.common.errors import InputError
from transferability.jobs.assembly import Start, new_trainer
from transferability.jobs.given import given_layers, import_weights
from transferability.jobs.weights_files import read_weights, weights_says, write_weights
from transferability.models.building import build_model
from transferability.models.layers import as_layers
from transferability.study.architectures import blueprint

NAME, SIZE = "timm/test_resnet", 36
MODEL = blueprint(NAME)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def trained() -> torch.nn.Module:
    """A model as somebody has trained it, for 7 classes: every number differs from what a new one has."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = build_model(MODEL, SIZE, 7)
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor) / 100)
    return model.eval()


def given(path, crop=SIZE, model=MODEL):
    return given_layers(path, model, crop, 40)


def test_a_network_copied_from_given_weights_does_what_the_given_one_does(trained, task, tmp_path):
    save_file(trained.state_dict(), tmp_path / "given.safetensors")
    import_weights(
        tmp_path / "given.safetensors", MODEL, SIZE, 40, "given-mine-0/baseA", tmp_path / "baseA.safetensors"
    )
    base = read_weights(tmp_path / "baseA.safetensors")
    layers = as_layers(trained, SIZE)
    images = torch.randn(5, 3, SIZE, SIZE)
    settings = settings_of(input_size=SIZE, optimizer="sgd")
    for n in (1, len(layers) - 1):
        network = new_trainer("A", MODEL, task, Start.from_base(base, n, n), settings, 0, CPU).network
        network.eval()
        theirs = ours = images
        with torch.no_grad():
            for layer in list(layers.values())[:n]:
                theirs = layer(theirs)
            for layer in list(network.layers.values())[:n]:
                ours = layer(ours)
        assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        assert not torch.equal(network.model.state_dict()["fc.weight"][:4], trained.state_dict()["fc.weight"][:4])


def zeros(state):
    return {name: 0 * tensor for name, tensor in state.items()}


WRAPPERS = {
    "bare": lambda state: state,
    "state_dict": lambda state: {"epoch": 90, "arch": "resnet", "state_dict": state, "best": torch.tensor(0.7)},
    "model": lambda state: {"model": state, "optimizer": {"state": {}}, "args": argparse.Namespace(lr=0.1)},
    "module": lambda state: {
        "module": state,
        "accuracy": np.float64(0.5),
        "best": np.float32(0.5),
        "epoch": np.int64(3),
    },
    "model, options": lambda state: {"model": state, "cfg": {"out": Path("runs"), "losses": np.zeros(3)}},
    "model.state_dict": lambda state: {"model": {"state_dict": state}},
    "averaged": lambda state: {"state_dict": zeros(state), "state_dict_ema": state},
    "model_ema": lambda state: {"model": zeros(state), "model_ema": state},
    "ema": lambda state: {"ema": state, "model": zeros(state)},
    "ema.state_dict": lambda state: {"model": zeros(state), "ema": {"decay": 0.999, "state_dict": state}},
    "ema.module": lambda state: {"state_dict": zeros(state), "ema": {"updates": 7, "module": state}},
    "ema_state_dict": lambda state: {"model": zeros(state), "ema_state_dict": state},
    "model_ema_state_dict": lambda state: {"model_state_dict": zeros(state), "model_ema_state_dict": state},
    "ema_model": lambda state: {"model": zeros(state), "ema_model": state},
    "model_swa": lambda state: {"model": zeros(state), "model_swa": state},
    "averaged_model": lambda state: {"model": zeros(state), "averaged_model": state},
    "shadow": lambda state: {"decay": torch.tensor(0.999), "num_updates": 3, "shadow": state},
    # An average that holds no weights is none.
    "model, ema off": lambda state: {"model": state, "ema": None, "ema_decay": 0.999},
    "model, ema empty": lambda state: {"model": state, "ema": {"decay": torch.tensor(0.999), "updates": 0}},
}
PREFIXES = ["", "module.", "model.", "backbone.", "encoder.", "module.backbone.", "_orig_mod.model.encoder."]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers_are_taken_off(trained, wrapper, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    torch.save(WRAPPERS[wrapper](trained.state_dict()), tmp_path / "given.pth")
    assert_given(trained, given(tmp_path / "given.pth"))
    names = {"averaged": "state_dict_ema"}.get(wrapper, wrapper.partition(",")[0])
    assert (wrapper == "bare") != (f"the weights in its entry {names}" in caplog.text)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("form", ["safetensors", "torch", "old torch"])
def test_prefixes_are_taken_off(trained, prefix, form, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    path = tmp_path / "given"
    state = {f"{prefix}{name}": tensor for name, tensor in trained.state_dict().items()}
    if form == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "torch")
    found = given(path)
    assert_given(trained, found)
    layers = len(as_layers(trained, SIZE)) - 1
    assert f"{len(found)} of {len(found)} entries of {layers} layers" in caplog.text
    assert f"not copied: {prefix}fc.weight, {prefix}fc.bias" in caplog.text.replace(
        f"{prefix}fc.bias, {prefix}fc.weight", f"{prefix}fc.weight, {prefix}fc.bias"
    )
    assert not prefix or f"without the prefix {prefix}" in caplog.text


def assert_given(trained, found):
    state = trained.state_dict()
    assert set(found) == {name for name in state if not name.startswith("fc.")}
    assert all(torch.equal(found[name], state[name]) for name in found)


def test_what_stands_beside_a_backbone_is_told_and_not_copied(trained, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    state = {f"backbone.{name}": tensor for name, tensor in trained.state_dict().items() if "fc" not in name}
    torch.save(state | {"rpn.conv.weight": torch.zeros(3)}, tmp_path / "given.pth")
    assert_given(trained, given(tmp_path / "given.pth"))
    assert "not copied: rpn.conv.weight" in caplog.text


def test_a_file_without_the_counters_of_batchnorm_is_taken(trained, tmp_path):
    state = {name: tensor for name, tensor in trained.state_dict().items() if "num_batches" not in name}
    torch.save(state, tmp_path / "given.pth")
    found = given(tmp_path / "given.pth")
    assert {int(found[name]) for name in found if "num_batches" in name} == {0}
    assert_given(trained, found | {name: trained.state_dict()[name] for name in found if "num_batches" in name})


def test_double_precision_is_taken_as_single(trained, tmp_path):
    torch.save(copy.deepcopy(trained).double().state_dict(), tmp_path / "given.pth")
    assert_given(trained, given(tmp_path / "given.pth"))


def changed(**entries):
    """Save a state dict with entries changed by name (with __ for dots); None drops one."""

    def make(model, path):
        state = dict(model.state_dict())
        for name, change in entries.items():
            name = name.replace("__", ".")
            tensor = change(state[name]) if name in state else change(torch.zeros(3))
            state[name] = tensor
            if tensor is None:
                del state[name]
        torch.save(state, path)

    return make


def to(kind):
    return lambda model, path: torch.save(copy.deepcopy(model).to(kind).state_dict(), path)


def saved(content):
    return lambda model, path: torch.save(content(model) if callable(content) else content, path)


def truncated(save):
    def make(model, path):
        save(model.state_dict(), path)
        path.write_bytes(path.read_bytes()[:-2000])

    return make


def twice(model):
    return {f"{who}.{name}": tensor for who in ("student", "teacher") for name, tensor in model.state_dict().items()}


def poisoned(value):
    def change(tensor):
        tensor = tensor.clone()
        tensor.view(-1)[0] = value
        return tensor

    return change


def other(name):
    return lambda model, path: torch.save(build_model(blueprint(name), 64, 7).state_dict(), path)


def renamed(model):
    """As another library calls the parts of the same network."""
    return {f"embedder.{number}": tensor for number, tensor in enumerate(model.state_dict().values())}


BAD = {
    "empty": (lambda model, path: path.write_bytes(b""), "is empty; get it again"),
    "web page": (lambda model, path: path.write_text("<!DOCTYPE html><html>404"), "begins with b'<!DOCTYPE html"),
    "git lfs": (
        lambda model, path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0"),
        "get it with git lfs pull",
    ),
    "directory": (lambda model, path: path.mkdir(), "is a directory; give a file of weights"),
    "noise": (lambda model, path: path.write_bytes(bytes(range(256)) * 9), "neither a safetensors file nor"),
    "truncated safetensors": (truncated(save_file), "is damaged or no file of weights"),
    "truncated": (truncated(torch.save), "is damaged or no file of weights"),
    "numpy": (lambda model, path: np.savez(path.open("wb"), a=np.zeros(3)), "is damaged or no file of weights"),
    "pickled model": (saved(lambda model: model), "holds more than weights, which is not run"),
    "torchscript": (
        lambda model, path: torch.jit.script(torch.nn.Linear(2, 2)).save(str(path)),
        "holds a TorchScript program, which is not run",
    ),
    "a tensor": (saved(torch.zeros(3)), "holds a Tensor, no state dict; save the weights alone: torch.save(model."),
    "no weights": (saved({"epoch": 3, "optimizer": {}}), "holds no weights, its entries are: epoch, optimizer"),
    "nothing": (saved({}), "holds no weights, its entries are: none"),
    "two networks": (saved(twice), "holds the network more than once, as student.* and teacher.*"),
    "half": (to(torch.float16), "entries are float16; in float32 this network may behave differently"),
    "bfloat16": (to(torch.bfloat16), "entries are bfloat16"),
    "quantised": (changed(conv1__0__weight=lambda tensor: tensor.to(torch.int8)), "1 entries are int8"),
    "nan": (changed(conv1__0__weight=poisoned(np.nan)), "1 entries have NaN or infinite numbers: conv1.0.weight"),
    "infinite": (changed(bn1__running_var=poisoned(np.inf)), "infinite numbers: bn1.running_var"),
    "one missing": (
        changed(conv1__0__weight=lambda _: None),
        "does not fit: 1 missing: conv1.0.weight; give network.arch",
    ),
    "left over": (changed(layer9__weight=lambda tensor: tensor), "does not fit: 1 left over: layer9.weight"),
    "another shape": (
        changed(conv1__0__weight=lambda tensor: tensor[:, :1]),
        "1 of another shape: conv1.0.weight 16x1x3x3 where 16x3x3x3 is expected",
    ),
    "deeper": (other("torchvision/resnet18"), "does not fit"),
    "another kind": (other("timm/test_vit"), "does not fit"),
    "other names": (
        saved(renamed),
        "the same shapes in the same order as the missing ones, under other names: this is probably the same "
        "architecture with another library's names (embedder.0 is conv1.0.weight, embedder.1 is conv1.1.weight, ",
    ),
    "other names, sorted": (
        lambda model, path: save_file(renamed(model), path),
        "the tensors left over have the shapes of the missing ones under other names, as in another library: rename",
    ),
}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("kind", BAD)
def test_weights_that_cannot_be_taken_are_one_error_that_names_the_file(trained, kind, tmp_path):
    make, message = BAD[kind]
    path = tmp_path / "given.weights"
    make(trained, path)
    with pytest.raises(InputError) as error:
        given(path)
    text = str(error.value)
    assert text.startswith(str(path)) and message in text and "\n" not in text, text
    assert len(text) < 900


def test_weights_of_another_size_name_the_key_of_the_size(tmp_path):
    vit = blueprint("timm/test_vit")
    torch.save(build_model(vit, 160, 7).state_dict(), tmp_path / "given.pth")
    with pytest.raises(
        InputError, match=r"of another shape: pos_embed .*; give network.architecture, and the training.input_size"
    ):
        given(tmp_path / "given.pth", 64, vit)


def test_a_base_network_of_another_study_is_taken_with_its_mean_image(tmp_path):
    mini = blueprint("caffenet-mini")
    tensors = build_model(mini, 32, 5).state_dict() | {"mean_image": torch.rand(40, 40, 3)}
    write_weights(tmp_path / "base.safetensors", tensors, "base", "mark")
    found = given_layers(tmp_path / "base.safetensors", mini, 32, 40)
    assert {*found} == {name for name in tensors if not name.startswith("fc8.")}
    for image_size, message in ((48, "mean_image 40x40x3 where 48x48x3 is expected"), (40, "1 missing: mean_image")):
        if image_size == 40:
            del tensors["mean_image"]
            write_weights(tmp_path / "base.safetensors", tensors, "base", "mark")
        with pytest.raises(InputError, match=message):
            given_layers(tmp_path / "base.safetensors", mini, 32, image_size)


def test_the_same_weights_in_another_file_are_the_same_network(trained, tmp_path):
    state = trained.state_dict()
    save_file(state, tmp_path / "one")
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, tmp_path / "two")
    for name in ("one", "two"):
        import_weights(tmp_path / name, MODEL, SIZE, 40, "name", tmp_path / f"{name}.safetensors")
    digests = {weights_says(tmp_path / f"{name}.safetensors").sha256 for name in ("one", "two")}
    assert len(digests) == 1
