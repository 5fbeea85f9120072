import pytest
import torch
from torch import nn
from torch.nn import functional

from transferability.common.errors import InputError
from transferability.models.architectures import caffenet_mini
from transferability.models.layers import as_layers, layer_keys
from transferability.models.libraries import build

# One small model or more of each family, with a size that it takes.
TORCHVISION = {
    "alexnet": 64,
    "convnext_tiny": 32,
    "densenet121": 32,
    "efficientnet_b0": 32,
    "efficientnet_b1": 32,
    "googlenet": 32,
    "inception_v3": 75,
    "mnasnet0_5": 32,
    "mnasnet1_0": 32,
    "mobilenet_v2": 32,
    "mobilenet_v3_large": 32,
    "mobilenet_v3_small": 32,
    "regnet_x_400mf": 32,
    "regnet_x_800mf": 32,
    "regnet_y_400mf": 32,
    "resnet18": 32,
    "resnet50": 32,
    "resnext50_32x4d": 32,
    "shufflenet_v2_x0_5": 32,
    "shufflenet_v2_x1_0": 32,
    "squeezenet1_0": 32,
    "squeezenet1_1": 32,
    "swin_t": 32,
    "swin_v2_t": 32,
    "vit_b_32": 32,
}
TIMM = {
    "convit_tiny": 32,
    "deit_tiny_distilled_patch16_224": 32,
    "dla46_c": 32,
    "edgenext_xx_small": 64,
    "efficientvit_b0": 32,
    "ese_vovnet19b_slim_dw": 32,
    "fastvit_t8": 64,
    "gmlp_ti16_224": 32,
    "ghostnet_050": 32,
    "hrnet_w18_small": 32,
    "lcnet_035": 32,
    "levit_128s": 64,
    "mixer_s32_224": 64,
    "mobilevit_xxs": 64,
    "mobilevitv2_050": 64,
    "poolformer_s12": 32,
    "pvt_v2_b0": 32,
    "resmlp_12_224": 32,
    "rexnet_100": 32,
    "starnet_s050": 32,
    "swin_tiny_patch4_window7_224": 32,
    "test_byobnet": 32,
    "test_convnext2": 32,
    "test_mambaout": 32,
    "test_nfnet": 32,
    "test_resnet": 32,
    "test_vit": 32,
    "test_vit_relpos": 160,
    "tf_efficientnet_lite0": 32,
}
MODELS = {f"torchvision/{name}": size for name, size in TORCHVISION.items()}
MODELS |= {f"timm/{name}": size for name, size in TIMM.items()}


def pytest_generate_tests(metafunc):
    if "cut" in metafunc.fixturenames:  # every other one, of most families, or all
        metafunc.parametrize("cut", [*MODELS] if metafunc.config.getoption("--all-rows") else [*MODELS][1::2])


@pytest.fixture(autouse=True)
def seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def applied(layers, images):
    for layer in layers.values():
        images = layer(images)
    return images


def ran(model, forward, images):
    """All that a step of training and a test afterwards give; the model's state is as before in the end."""
    kept = model.state_dict().keys()
    before = {name: buffer.clone() for name, buffer in model.named_buffers() if name in kept}
    model.train().zero_grad()  # to None: what a former call found stays as it is
    torch.manual_seed(1)  # for dropout and stochastic depth
    output = forward(images)
    output.square().mean().backward()
    found = {"training": output.detach()}
    found |= {f"gradient {name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    found |= {f"buffer {name}": buffer.clone() for name, buffer in model.named_buffers()}
    model.eval()
    with torch.no_grad():
        found["test"] = forward(images)
        for name, buffer in before.items():
            model.get_buffer(name).copy_(buffer)
    return found


def assert_same(model, layers, images):
    own, layered = ran(model, model, images), ran(model, lambda images: applied(layers, images), images)
    assert own.keys() == layered.keys()
    assert [name for name in own if not torch.equal(own[name], layered[name])] == []


def test_the_layers_do_what_the_model_does(cut):
    """Bit by bit: outputs in training and evaluation, all gradients, all buffers. The model stays as it was."""
    size = MODELS[cut]
    model = build(cut, size, 7)
    modules = list(model.modules())
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random = torch.get_rng_state()
    layers = as_layers(model, size)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(module.training for module in modules)
    assert list(model.state_dict()) == list(state)
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    assert sorted(name for keys in layer_keys(model, layers).values() for name in keys) == sorted(state)
    assert len(layers) >= 5
    assert_same(model, layers, torch.randn(2, 3, size, size))


def test_layers_are_whole_blocks_with_what_follows_them():
    layers = as_layers(build("torchvision/resnet18", 32, 7))
    blocks = [f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1)]
    assert list(layers) == ["conv1", *blocks, "fc"]
    assert [type(piece).__name__ for piece in layers["conv1"]] == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    layers = as_layers(build("timm/test_vit", 32, 7))
    assert list(layers) == ["patch_embed", *(f"blocks.{block}" for block in range(6)), "head"]


def test_the_networks_of_the_house_are_taken_as_they_are():
    network = caffenet_mini.build(32, 7)
    assert list(as_layers(network).items()) == list(network.named_children())


@pytest.mark.parametrize("architecture", ["torchvision/densenet121", "timm/deit_tiny_distilled_patch16_224"])
def test_only_the_last_layer_knows_the_number_of_classes(architecture):
    shapes = []
    for classes in (7, 9):
        model = build(architecture, 32, classes)
        *names, last = layer_keys(model, layers := as_layers(model, 32)).values()
        tensors = model.state_dict()
        shapes.append([tensors[name].shape for keys in names for name in keys])
        assert {tensors[name].shape[0] for name in last} >= {classes}, list(layers)[-1]
    assert shapes[0] == shapes[1]


class Net(nn.Module):
    """A convolution, what `middle` makes of it, a classifier."""

    def __init__(self, **modules: nn.Module):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc = nn.Linear(8, 7)
        for name, module in modules.items():
            self.add_module(name, module)

    def middle(self, features):
        return functional.relu(features)

    def forward(self, images):
        return self.fc(self.middle(self.conv(images)).mean((2, 3)))


def test_functional_dropout_follows_the_mode():
    class Dropping(Net):
        def middle(self, features):
            return functional.dropout(features, 0.5, training=self.training)

    model = Dropping()
    layers, images = as_layers(model), torch.randn(2, 3, 8, 8)
    assert_same(model, layers, images)
    model.train()
    layers["conv"].eval()  # as a frozen layer is
    assert torch.equal(applied(layers, images), applied(layers, images))
    layers["conv"].train()
    assert not torch.equal(applied(layers, images), applied(layers, images))


def test_no_layer_ends_where_a_tuple_or_two_tensors_pass():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(8, 8, 3)

        def forward(self, features):
            return self.conv(features), features

    class First(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(8, 8, 1)

        def forward(self, both):
            return self.conv(both[0])

    class Pair(Net):
        def middle(self, features):
            return self.first(self.two(features))

    class Skipping(Net):
        def middle(self, features):
            return self.first(features) + self.second(self.first(features)) + features

    model = Pair(two=Two(), first=First())
    assert list(as_layers(model)) == ["conv", "two", "fc"]
    assert_same(model, as_layers(model), torch.randn(2, 3, 8, 8))
    model = Skipping(first=nn.Conv2d(8, 8, 1), second=nn.Conv2d(8, 8, 1))
    assert list(as_layers(model)) == ["conv", "first", "fc"]
    assert_same(model, as_layers(model), torch.randn(2, 3, 8, 8))


def test_a_layer_that_begins_in_place_leaves_what_it_gets():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(8, 8, 3)

        def forward(self, features):
            return self.conv(functional.relu(features, inplace=True))

    class Activated(Net):
        def middle(self, features):
            return self.block(features)

    model = Activated(block=Block())
    layers = as_layers(model)
    features = layers["conv"](torch.randn(2, 3, 8, 8)).detach()
    before = features.clone()
    layers["block"](features)
    assert torch.equal(features, before)
    assert_same(model, layers, torch.randn(2, 3, 8, 8))


class Branching(Net):
    def middle(self, features):
        return features if features.sum() > 0 else -features


class Trained(Net):
    def middle(self, features):
        return 2 * features if self.training else features


class Tied(Net):
    def middle(self, features):
        return self.conv2(features)


class Unclassified(Net):
    def forward(self, images):
        return super().forward(images) @ self.fc.weight


class Entangled(Net):
    def forward(self, images):
        return self.fc(self.conv(images).mean((2, 3))) + images.mean()


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Branching(), "symbolically traced variables cannot be used as inputs to control flow"),
        (Trained(), "its forward method does something else in training"),
        (Unclassified(), "its last layer, fc, is not the classifier"),
        (Entangled(), "it has fewer than two layers that one tensor passes between"),
        (nn.Conv2d(3, 8, 3), "it does not give one number per image and class"),
        (nn.Linear(5, 5), "images of 448 pixels: "),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_model_that_cannot_be_cut_is_one_error(model, reason):
    with pytest.raises(InputError) as error:
        as_layers(model)
    assert str(error.value).startswith(f"{type(model).__name__} cannot be cut into layers ({reason}")
    assert str(error.value).endswith(
        "; accepted: another architecture, or a nn.Sequential of named nn.Sequential layers"
    )
    assert "\n" not in str(error.value)


def test_weights_in_two_layers_are_one_error():
    model = Tied(conv2=nn.Conv2d(8, 8, 3))
    model.conv3 = nn.Conv2d(8, 8, 3)
    model.conv3.weight = model.conv2.weight
    model.middle = lambda features: model.conv3(model.conv2(features))
    with pytest.raises(InputError, match="layer conv3 shares weights with one before it"):
        as_layers(model)
