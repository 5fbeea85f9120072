"""kill -9 of a network whose layers hold more than weights: the averages of its BatchNorm."""

from importlib import import_module

import pytest

from tests.faults.conftest import Study

KILLS = 15
MODERN = {"optimizer": "sgd", "nesterov": True, "augmentation": "random-resized-crop", "label_smoothing": 0.1}


@pytest.fixture(scope="module")
def undisturbed_resnet(tmp_path_factory) -> Study:
    # In this process, which jobs are forked from: they would take seconds to import them.
    import_module("timm")
    import_module("torch._dynamo")  # which torch's optimizers import
    study = Study(tmp_path_factory.mktemp("resnet"), "timm/test_resnet", **MODERN)
    study.make_inputs()
    for name in ("baseA", "A3B+"):
        assert study.run(name) == 0, study.log(name)
    return study


def test_kills_of_a_network_with_batchnorm(undisturbed_resnet, tmp_path, table):
    study = undisturbed_resnet.copy(tmp_path)
    study.train_under_kills(KILLS, 2, undisturbed_resnet)
    table.append(
        ("kill -9 of a network with BatchNorm", f"{KILLS} times, over baseA and A3B+ of timm/test_resnet", "same bytes")
    )
