import csv
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from catalogue import FILE, built_on_meta, names, row
from catalogue_page import page
from tests.conftest import REPOSITORY
from timm_names import TIMM
from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.models.building import build_model, build_network
from transferability.models.classifier import start_at_chance
from transferability.models.layers import as_layers
from transferability.models.tracing import weights
from transferability.study.architectures import blueprint, catalogue, house_names

ROWS = {given["architecture"]: given for given in csv.DictReader(FILE.open(encoding="utf-8", newline=""))}
# The rows that every run makes again: one of each kind of network, and of its sizes. --all-rows makes all, which takes
# 9 minutes on two slow cores.
SAMPLE = [
    "timm/convnext_atto",
    "timm/mixer_s32_224",
    "timm/swin_tiny_patch4_window7_224",
    "timm/test_byobnet",
    "timm/test_coatnet",
    "timm/test_efficientnet",
    "timm/test_mambaout",
    "timm/test_nfnet",
    "timm/test_vit3",
    "timm/tf_efficientnet_lite0",
    "torchvision/alexnet",
    "torchvision/mobilenet_v3_small",
    "torchvision/resnet18",
    "torchvision/vgg16",
]
# Heads of each kind: drawn wide, behind a ReLU, two side by side, with hidden layers.
HEADS = [
    "torchvision/mnasnet0_5",
    "torchvision/squeezenet1_1",
    "timm/levit_128s",
    "timm/caformer_s18",
    "timm/volo_d1_224",
]
CPU = torch.device("cpu")


def pytest_generate_tests(metafunc):
    """The rows to make again."""
    if "row_of" in metafunc.fixturenames:
        given = [name for name in ROWS if "/" in name] if metafunc.config.getoption("--all-rows") else SAMPLE
        metafunc.parametrize("row_of", given)


def test_the_rows_are_sorted_and_those_of_the_house_come_first():
    assert list(ROWS) == [*house_names(), *(name for name in names() if name in ROWS)]
    assert [name for name in names() if name in ROWS] == sorted({*ROWS} - {*house_names()})
    assert len(set(TIMM)) == len(TIMM)


@pytest.mark.parametrize("name", house_names())
def test_the_networks_of_the_house_are_as_the_catalogue_says(name):
    given = catalogue()[name]
    for size in given.sizes:
        network = build_model(blueprint(name), size, 1000)
        assert tuple(layer for layer, _ in network.named_children()) == given.layers
        assert sum(parameter.numel() for parameter in network.parameters()) == given.parameters
    assert given.mean is given.std is None


def test_a_row_is_what_the_model_says(row_of):
    assert {key: str(value) for key, value in row(row_of).items()} == ROWS[row_of]


@pytest.mark.parametrize("architecture", HEADS)
def test_a_new_network_gives_all_classes_the_same_score_and_its_classifier_learns(architecture):
    assert_starts_at_chance(architecture)


def test_a_new_network_of_any_row_starts_at_chance(row_of):
    assert_starts_at_chance(row_of)


def assert_starts_at_chance(architecture):
    size = catalogue()[architecture].sizes[0]
    network = build_network(blueprint(architecture), size, 7, lambda *_: 0, CPU)
    loss = functional.cross_entropy(network.model(torch.randn(4, 3, size, size)), torch.arange(4))
    assert loss.item() == pytest.approx(math.log(7), rel=0.01), "the first loss is not ln(classes)"
    loss.backward()
    *_, last = network.layers.values()
    scoring = [weight for weight in weights(last) if weight.shape[0] == 7]
    assert scoring and all(weight.grad.any() for weight in scoring), "its classifier has no gradient: it never learns"


def test_only_the_module_that_gives_the_scores_starts_at_zero():
    layer = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 7))
    hidden = layer[0].weight.clone()
    start_at_chance(nn.Sequential(layer), layer, 7)
    assert torch.equal(layer[0].weight, hidden) and not layer[2].weight.any() and not layer[2].bias.any()
    assert isinstance(layer[1], nn.ReLU)


def test_scores_do_not_pass_a_relu():
    """As SqueezeNet's do in torchvision: after a step that makes all of them negative it would never learn again."""
    network = build_network(blueprint("torchvision/squeezenet1_1"), 32, 7, lambda *_: 0, CPU)
    with torch.no_grad():
        network.layers["classifier.1"][0].bias.fill_(-1.0)
    for scores in (network.model, nn.Sequential(*network.layers.values())):
        assert torch.equal(scores(torch.randn(2, 3, 32, 32)), torch.full((2, 7), -1.0))


@pytest.mark.parametrize("name", house_names())
def test_the_paper_s_classifier_keeps_its_gaussian(name):
    network = build_network(blueprint(name), catalogue()[name].sizes[0], 500, lambda *_: 0, CPU)
    weight = network.layers["fc8"][0].weight
    assert weight.std().item() == pytest.approx(0.01, rel=0.02) and not network.layers["fc8"][0].bias.any()


def test_the_layers_are_the_same_at_the_smallest_and_the_largest_size(row_of):
    given = catalogue()[row_of]
    for size in (given.sizes[0], given.sizes[-1]):
        assert tuple(as_layers(built_on_meta(row_of, size), size)) == given.layers
    if given.sizes[0] > 16 and given.sizes.step == 1:
        with pytest.raises(InputError):
            as_layers(built_on_meta(row_of, given.sizes[0] - 1), given.sizes[0] - 1)


def test_what_cannot_be_cut_or_has_few_layers_is_not_in_the_catalogue():
    for architecture in ("timm/crossvit_tiny_240", "timm/pit_ti_224"):
        assert architecture not in ROWS
        with pytest.raises(InputError):
            row(architecture)


def test_the_page_of_architectures_is_up_to_date(request):
    file = REPOSITORY / "docs" / "architectures.md"
    if request.config.getoption("--write-docs"):
        file.write_text(page(), encoding="utf-8")
    assert file.read_text(encoding="utf-8") == page(), (
        f"{file.name} and {RESOURCES.name}/{FILE.name} differ: pytest tests/libraries/test_catalogue.py --write-docs"
    )
