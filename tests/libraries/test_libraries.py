import subprocess
import sys
from importlib import metadata

import pytest
import torch

from transferability.common.errors import InputError
from transferability.models.decay import no_decay
from transferability.models.libraries import build
from transferability.study.architectures import library_version


@pytest.mark.parametrize("architecture", ["torchvision/shufflenet_v2_x0_5", "timm/test_vit", "timm/test_resnet"])
def test_initial_weights_are_the_model_s_own_from_the_global_generator(architecture):
    library, _, name = architecture.partition("/")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        ours = build(architecture, 160, 7).state_dict()
        torch.manual_seed(3)
        if library == "torchvision":
            from torchvision.models import get_model

            theirs = get_model(name, num_classes=7).state_dict()
        else:
            import timm

            theirs = timm.create_model(name, num_classes=7).state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(
    ("architecture", "size", "message"),
    [
        (
            "torchvision/resnet81",
            32,
            "torchvision/resnet81 is unknown to torchvision; accepted: torchvision/resnet",
        ),
        ("timm/resnet19", 32, "timm/resnet19 is unknown to timm; accepted: timm/resnet"),
        ("timm/", 32, "timm/ is unknown to timm; accepted: the names of timm"),
        ("keras/resnet18", 32, "keras/resnet18 is unknown; accepted: torchvision/NAME, timm/NAME"),
        ("torchvision/vit_b_16", 33, "torchvision/vit_b_16 does not take images of 33 pixels (Input shape indivisible"),
        ("torchvision/alexnet", 16, "torchvision/alexnet does not take images of 16 pixels ("),
        ("timm/vit_tiny_patch16_224", 8, "timm/vit_tiny_patch16_224 does not take images of 8 pixels ("),
    ],
)
def test_what_a_library_does_not_have_is_one_error(architecture, size, message):
    with pytest.raises(InputError) as error:
        build(architecture, size, 7)
    assert str(error.value).startswith(message)
    assert "accepted: " in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("architecture", ["torchvision/resnet18", "timm/test_vit"])
def test_a_built_model_is_in_memory_and_in_training_mode(architecture):
    model = build(architecture, 32, 7)
    assert all(module.training for module in model.modules())
    assert {tensor.device.type for tensor in model.state_dict().values()} == {"cpu"}


def test_a_module_that_stands_in_several_places_keeps_its_weights():
    assert not any(parameter.is_meta for parameter in build("timm/coat_lite_tiny", 32, 7).parameters())


def test_the_version_of_a_library_is_known_without_importing_it():
    assert library_version("timm/resnet18") == f"timm {metadata.version('timm')}"
    assert library_version("torchvision/resnet18") == f"torchvision {metadata.version('torchvision')}"
    assert library_version("caffenet") is None
    code = "import sys; from transferability.study.architectures import catalogue, library_version as v; catalogue(); "
    code += "v('timm/resnet18'); sys.exit(any(name in sys.modules for name in ('torch', 'torchvision', 'timm')))"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("architecture", "size", "inputs"),
    [
        ("torchvision/vit_b_16", 32, {"class_token", "encoder.pos_embedding"}),
        ("torchvision/swin_t", 32, {"features.1.0.attn.relative_position_bias_table"}),
        ("torchvision/swin_v2_t", 32, {"features.1.0.attn.logit_scale"}),
        ("torchvision/convnext_tiny", 32, {"features.1.0.layer_scale"}),
        ("timm/vit_tiny_patch16_224", 32, {"cls_token", "pos_embed"}),
        ("timm/test_vit3", 160, {"pos_embed", "reg_token"}),
        ("timm/deit_tiny_distilled_patch16_224", 32, {"cls_token", "dist_token", "pos_embed"}),
        ("timm/convnext_atto", 32, {"stages.0.blocks.0.gamma"}),
        ("timm/levit_128s", 224, {"stages.0.blocks.0.attn.attention_biases"}),
        ("timm/resmlp_12_224", 32, {"blocks.0.norm1.alpha", "blocks.0.ls1"}),
    ],
)
def test_only_matrices_of_weights_decay(architecture, size, inputs):
    with torch.device("meta"):
        model = build(architecture, size, 7)
    spared = no_decay(model)
    assert inputs <= spared
    assert {name for name, parameter in model.named_parameters() if parameter.dim() <= 1} <= spared
    decaying = {name.rpartition(".")[2] for name, _ in model.named_parameters() if name not in spared}
    assert decaying <= {"weight", "in_proj_weight"}
