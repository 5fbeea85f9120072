"""The operations of trainings, against those that torchvision publishes and against formulas."""

import pandas as pd
import pytest
from torchvision import models

from transferability.planning.operations import operations, per_image, relative_costs, study_operations, times_computed
from transferability.study.architectures import AS_KNOWN, blueprint, layer_names
from transferability.study.configuration import complete_config
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "densenet121", "mobilenet_v2"])
def test_a_forward_pass_has_the_operations_that_torchvision_publishes(name):
    """In 10^9 multiply-adds, for 1000 classes; what is not counted, such as pooling, is a small part."""
    published = models.get_model_weights(name).DEFAULT.meta["_ops"]
    layers = len(layer_names(f"torchvision/{name}"))
    model = blueprint(f"torchvision/{name}", AS_KNOWN)
    classifier = per_image(model, 224, 1000, layers - 1)
    nothing_frozen = per_image(model, 224, 1000, 0)
    forward = classifier.frozen + classifier.learning / 2  # the gradients of its weights cost as much again
    assert forward / 1e9 == pytest.approx(published, rel=0.02)
    assert nothing_frozen.frozen == 0
    assert 2.6 < nothing_frozen.learning / forward < 3, "images need no gradients, the rest does"


def test_a_linear_classifier_costs_twice_its_forward_pass():
    """Its inputs need no gradients: 512 x 10 for the scores, as many for the gradients of the weights."""
    one = per_image(blueprint("torchvision/resnet18", AS_KNOWN), 64, 10, 9)
    assert one.learning == 2 * 512 * 10
    assert one.feature_bytes == 4 * 512, "the last block ends with the mean over places"


def test_frozen_layers_count_once_per_view_if_their_features_are_kept():
    one = per_image(blueprint("torchvision/resnet18", AS_KNOWN), 64, 10, 9)
    config = {"network": {"architecture": "torchvision/resnet18", "n": [9]}, "experiments": [], "preserved": {"n": []}}
    config |= {"dataset": {"image_size": 64}}
    training = {"input_size": 64, "length": "6 epochs", "batch_size": 10, "horizontal_flip": True}

    def of(images: int, **keys) -> float:
        complete_config(found := config | {"training": training | keys}, [])
        study = StudyPlan(found)
        settings = study.settings(images)
        return operations(one, settings, images, times_computed(study, one, settings, images))

    assert of(100) == 600 * (one.learning + one.frozen), "each pass draws new mirrors"
    assert of(100, views=4) == 600 * one.learning + 400 * one.frozen
    assert of(100, horizontal_flip=False) == 600 * one.learning + 100 * one.frozen
    many = 2**30 // one.feature_bytes + 12
    assert of(many, horizontal_flip=False) == 6 * many * (one.learning + one.frozen), "features do not fit"


def test_layers_that_wait_cost_as_if_they_were_frozen():
    """For the first half of the training only the classifier learns, then all layers do."""
    config = {
        "experiments": ["given"],
        "treatments": ["An~B"],
        "network": {"architecture": "torchvision/resnet18", "n": [8]},
        "dataset": {"image_size": 64},
        "given": {"weights": {"x": "f"}, "repeats": 1},
    }
    training = {"input_size": 64, "length": "4 epochs", "batch_size": 10, "optimizer": "adamw"}
    tasks = {("given-x-0", "B"): pd.DataFrame({"train": [50, 50], "val": [5, 5]}, index=["a", "b"])}
    found = {}
    for share in (0, 0.5):
        complete_config(one := config | {"training": training | {"head_first": share}}, [])
        study = StudyPlan(one)
        names = [network.name for network in study.networks]
        found[share] = dict(zip(names, study_operations(study, tasks), strict=True))
    frozen, learning = (per_image(study.main.blueprint, 64, 2, n) for n in (9, 0))
    waiting = 200 * frozen.learning + 100 * frozen.frozen  # nothing is random: features are computed once
    assert found[0.5]["A9B+"] == waiting + 200 * learning.learning
    assert found[0]["A9B+"] == 400 * learning.learning == found[0.5]["baseB"]
    assert found[0.5]["A9B"] == found[0]["A9B"]


def test_costs_are_relative_to_training_all_layers_on_the_same_task():
    networks = [Network("given-x-0", "B", "B"), Network("given-x-0", "A", "B", 3), Network("given-x-1", "B", "B")]
    assert relative_costs(networks, [8.0, 2.0, 5.0]).tolist() == [1.0, 0.25, 1.0]
