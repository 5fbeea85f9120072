import pytest

from transferability.study.configuration import default_config
from transferability.study.training_settings import read_settings, used_of

TRAINING = default_config()["training"]


def test_spans_count_in_epochs_or_iterations():
    training = TRAINING | {"length": "3 epochs", "evaluate_every": "7 iterations", "batch_size": 50}
    settings = read_settings(training, train_images=120)
    assert (settings.iterations, settings.evaluate_every) == (8, 7)  # 3 x 120 images / 50, rounded up


def test_step_schedule_is_the_reference_networks():
    training = {
        "length": "450000 iterations",
        "learning_rate": 0.01,
        "schedule": "step",
        "drop_every": "100000 iterations",
    }
    settings = read_settings(TRAINING | training, train_images=640_000)
    rates = {0: 0.01, 99_999: 0.01, 100_000: 0.001, 399_999: 1e-5, 449_999: 1e-6}
    assert {iteration: settings.rate_at(iteration) for iteration in rates} == pytest.approx(rates)


def test_one_cycle_rises_and_falls_linearly():
    training = TRAINING | {"length": "100 iterations", "learning_rate": 1.0, "schedule": "one-cycle", "warmup": 0.2}
    settings = read_settings(training, train_images=10)
    assert [settings.rate_at(k) for k in (0, 9, 19, 60, 99)] == pytest.approx([0.05, 0.5, 1.0, 0.5, 0.0125])


def test_warmup_cosine_rises_linearly_and_falls_by_a_cosine():
    training = {"length": "100 iterations", "learning_rate": 1.0, "schedule": "warmup-cosine", "warmup": 0.2}
    settings = read_settings(TRAINING | training, 10)
    assert [settings.rate_at(k) for k in (0, 9, 19, 60, 99)] == pytest.approx([0.05, 0.5, 1.0, 0.5, 0.000386], abs=1e-6)


def test_cosine_falls_from_the_rate_to_nothing():
    settings = read_settings(TRAINING | {"length": "100 iterations", "learning_rate": 1.0, "schedule": "cosine"}, 10)
    assert [settings.rate_at(k) for k in (0, 50, 99)] == pytest.approx([1.0, 0.5, 0.000247], abs=1e-6)


def test_keys_of_fine_tuning_count_for_networks_with_copied_layers_that_learn():
    others = TRAINING | {"head_first": 0.3, "layer_decay": 0.75, "batchnorm": "fixed"}
    assert used_of(others, fine_tunes=False) == used_of(TRAINING, fine_tunes=False)
    assert used_of(others, fine_tunes=True) != used_of(TRAINING, fine_tunes=True)
    assert used_of(TRAINING | {"views": 4}, fine_tunes=False) != used_of(TRAINING, fine_tunes=False)
