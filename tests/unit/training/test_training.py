import hashlib
from dataclasses import replace
from functools import partial

import pytest
import torch

from tests.conftest import settings_of
from transferability.common.errors import InputError, TrainingError
from transferability.jobs.assembly import Start, new_trainer
from transferability.study.architectures import blueprint
from transferability.study.network import Network
from transferability.study.training_settings import Settings
from transferability.tasks.task import Examples, Task
from transferability.training import evaluation, features
from transferability.training.evaluation import Evaluation, summarize
from transferability.training.trainer import Trainer

CPU = torch.device("cpu")
MINI = blueprint("caffenet-mini")
SETTINGS = settings_of(
    iterations=12,
    evaluate_every=4,
    batch_size=16,
    learning_rate=0.01,
    drop_every=5,
    weight_decay=5e-4,
    input_size=32,
    horizontal_flip=True,
)


def changed(**settings) -> Settings:
    return replace(SETTINGS, **settings)


def train(task, start, name="random-0/A3B", settings=SETTINGS, pause=lambda trainer: None, state=None) -> Trainer:
    trainer = new_trainer(name, MINI, task, start, settings, 0, CPU)
    if state is not None:
        trainer.resume(state)
    trainer.run(pause, lambda trainer, train_loss: None)
    return trainer


def checksum(state, layers=slice(None)) -> str:
    """Checksum of the weights of some of the layers in a state dict."""
    names = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"][layers]
    chosen = [state[key].contiguous().numpy().tobytes() for key in sorted(state) if key.split(".")[0] in names]
    return hashlib.sha256(b"".join(chosen)).hexdigest()


@pytest.fixture(scope="module")
def base(task) -> dict[str, torch.Tensor]:
    return train(task, Start.from_scratch(task), "random-0/baseA").result()


def start(base, name: str) -> Start:
    network = Network.parse("random-0", name)
    return Start.from_base(base, network.copied, network.frozen)


def test_a_network_learns_what_can_be_learned(task):
    trainer = train(task, Start.from_scratch(task), settings=changed(iterations=150, evaluate_every=50))
    assert trainer.curve[-1].top1 >= 0.8  # chance is 0.25
    assert [test.iteration for test in trainer.curve] == [50, 100, 150]


def test_in_bfloat16_a_network_learns_and_keeps_its_weights_in_float32(task):
    trained = {}
    for precision in ("float32", "bfloat16"):
        trainer = train(task, Start.from_scratch(task), settings=changed(iterations=150, precision=precision))
        assert trainer.curve[-1].top1 >= 0.8
        trained[precision] = trainer.result()
    assert all(tensor.dtype == torch.float32 for tensor in trained["bfloat16"].values())
    assert checksum(trained["bfloat16"]) != checksum(trained["float32"])


@pytest.mark.parametrize("n", range(1, 8))
@pytest.mark.parametrize("horizontal_flip", [True, False])
def test_frozen_layers_stay_bit_identical_and_the_others_learn(task, base, n, horizontal_flip):
    settings = changed(horizontal_flip=horizontal_flip)
    trained = train(task, start(base, f"A{n}B"), settings=settings).network.model.state_dict()
    assert checksum(trained, slice(n)) == checksum(base, slice(n))
    for layer in range(n, 8):
        assert checksum(trained, slice(layer, layer + 1)) != checksum(base, slice(layer, layer + 1))


def test_fine_tuned_layers_start_as_copies_and_learn(task, base):
    seen = []
    trainer = new_trainer("random-0/A3B+", MINI, task, start(base, "A3B+"), SETTINGS, 0, CPU)
    seen.append(checksum(trainer.network.model.state_dict(), slice(3)))
    trainer.run(lambda trainer: None, lambda trainer, train_loss: None)
    assert seen == [checksum(base, slice(3))]
    for layer in range(3):
        assert checksum(trainer.network.model.state_dict(), slice(layer, layer + 1)) != checksum(
            base, slice(layer, layer + 1)
        )


def test_preserved_layers_start_as_copies_and_learn(task, base):
    trainer = new_trainer("random-0/A3~2B", MINI, task, start(base, "A3~2B"), SETTINGS, 0, CPU)
    before = [checksum(trainer.network.model.state_dict(), slice(layer, layer + 1)) for layer in range(8)]
    source = [checksum(base, slice(layer, layer + 1)) for layer in range(8)]
    assert [one == other for one, other in zip(before, source, strict=True)] == [True] * 5 + [False] * 3
    trainer.run(lambda trainer: None, lambda trainer, train_loss: None)
    after = [checksum(trainer.network.model.state_dict(), slice(layer, layer + 1)) for layer in range(8)]
    assert [one == other for one, other in zip(after, source, strict=True)] == [True] * 3 + [False] * 5


@pytest.mark.parametrize("n", [1, 5])
def test_random_layers_are_never_trained(task, n):
    trainer = new_trainer(f"whole/random{n}", MINI, task, Start.from_scratch(task, n), SETTINGS, 0, CPU)
    before = trainer.network.model.state_dict()
    frozen, learning = checksum(before, slice(n)), [checksum(before, slice(k, k + 1)) for k in range(n, 8)]
    trainer.run(lambda trainer: None, lambda trainer, train_loss: None)
    after = trainer.network.model.state_dict()
    assert checksum(after, slice(n)) == frozen
    assert not set(learning) & {checksum(after, slice(k, k + 1)) for k in range(n, 8)}


def test_layers_above_n_are_drawn_anew_for_each_network(task, base):
    networks = [new_trainer(name, MINI, task, start(base, "A3B"), SETTINGS, 0, CPU) for name in ("x", "x", "y")]
    above = [checksum(trainer.network.model.state_dict(), slice(3, None)) for trainer in networks]
    assert above[0] == above[1]
    assert len({*above, checksum(base, slice(3, None))}) == 3


def test_dropout_is_active_in_frozen_layers(task, base):
    trainer = new_trainer("random-0/A7B", MINI, task, start(base, "A7B"), SETTINGS, 0, CPU)
    inputs, _ = next(trainer._val.batches([torch.arange(16)]))
    assert not torch.equal(trainer._head(inputs), trainer._head(inputs))
    fixed, head = trainer.network.split()
    assert [type(module).__name__ for module in head].count("Dropout") == 2
    assert len(fixed) + len(head) == sum(len(layer) for layer in trainer.network.model)


@pytest.mark.parametrize("name", ["A2B", "A5B", "A7B", "A3B+"])
def test_keeping_fixed_features_gives_the_same_result(task, base, name, monkeypatch):
    settings = changed(input_size=32, horizontal_flip=False, iterations=12)
    small = Task(shrink(task.train), shrink(task.val), task.classes)
    origin = start({key: value[2:34, 2:34] if key == "mean_image" else value for key, value in base.items()}, name)
    kept = train(small, origin, settings=settings)
    assert kept._train._features is not None
    monkeypatch.setattr(features, "FEATURE_BYTES", 0)
    computed = train(small, origin, settings=settings)
    assert computed._train._features is None
    for key, value in kept.network.model.state_dict().items():
        assert torch.allclose(value, computed.network.model.state_dict()[key], atol=1e-5), key


def shrink(examples):
    return Examples(examples.store[:, 2:34, 2:34], examples.rows, examples.labels)


class KilledError(Exception):
    """Raised in the middle of a training."""


def kill(trainer, at, path):
    if trainer.iteration == at:
        torch.save(trainer.state(), path)
        raise KilledError


@pytest.mark.parametrize("name", ["baseB", "A3B", "A3B+"])
@pytest.mark.parametrize("stops", [[1], [4, 5, 11]])
def test_a_training_that_was_interrupted_ends_bit_identical(task, base, name, stops, tmp_path):
    origin = start(base, name) if name != "baseB" else Start.from_scratch(task)
    undisturbed = train(task, origin, name)
    state = None
    for stop in stops:
        with pytest.raises(KilledError):
            train(task, origin, name, pause=partial(kill, at=stop, path=tmp_path / "state"), state=state)
        state = torch.load(tmp_path / "state", weights_only=True)
        torch.rand(1000)  # whatever else happens to the random state
    trainer = train(task, origin, name, state=state)
    assert trainer.curve == undisturbed.curve
    assert torch.equal(trainer.answers.predicted, undisturbed.answers.predicted)
    assert torch.equal(trainer.answers.confidence, undisturbed.answers.confidence)
    assert checksum(trainer.network.model.state_dict()) == checksum(undisturbed.network.model.state_dict())


def test_a_result_depends_on_the_study_seed_and_the_name_alone(task):
    first, again, other = (
        train(task, Start.from_scratch(task), name) for name in ("random-0/baseA", "random-0/baseA", "random-1/baseA")
    )
    assert first.curve == again.curve
    assert checksum(first.network.model.state_dict()) == checksum(again.network.model.state_dict())
    assert checksum(first.network.model.state_dict()) != checksum(other.network.model.state_dict())


def test_every_test_sees_each_validation_image_once(task, monkeypatch):
    monkeypatch.setattr(evaluation, "TEST_BATCH", 7)  # 40 images: the last batch is not full
    trainer = train(task, Start.from_scratch(task), settings=changed(iterations=4))
    scores = trainer.network.model.eval()(trainer._val._features.permute(0, 3, 1, 2))
    assert trainer.curve[-1].top1 == (scores.argmax(1).numpy() == task.val.labels).mean()
    assert torch.equal(trainer.answers.predicted, scores.argmax(1))
    probabilities = torch.softmax(scores, 1).max(1).values
    torch.testing.assert_close(trainer.answers.confidence / 255, probabilities, atol=0.6 / 255, rtol=0)


def test_a_transfer_network_subtracts_the_mean_image_of_its_source(task, base):
    dark = base | {"mean_image": torch.zeros_like(base["mean_image"])}
    curves = [train(task, start(tensors, "A3B")).curve for tensors in (base, dark)]
    assert curves[0] != curves[1]
    assert torch.equal(train(task, start(base, "A3B")).result()["mean_image"], base["mean_image"])


def test_a_diverged_loss_ends_the_training_with_a_readable_error(task):
    with pytest.raises(TrainingError, match=r"random-0/A3B: the loss is not finite at iteration \d+; lower config key"):
        train(task, Start.from_scratch(task), settings=changed(learning_rate=1e6))


def test_a_summary_is_of_the_last_test_and_of_the_ten_best():
    curve = [Evaluation(iteration, top1=iteration / 100, loss=1 / iteration) for iteration in range(1, 13)]
    summary = summarize([*curve, Evaluation(13, top1=0.0, loss=9.0)])
    assert (summary["top1"], summary["loss"]) == (0.0, 9.0)
    assert summary["top1_best10"] == pytest.approx(sum(range(3, 13)) / 1000)


@pytest.mark.slow
def test_compiled_steps_give_the_same_result_with_one_compilation_per_shape(task, base):
    settings, steps = changed(iterations=8, evaluate_every=3), torch._dynamo.utils.counters["stats"]
    trained = {}
    for compile in (False, True, True):
        steps.clear()
        trained.setdefault(compile, []).append(
            train(task, start(base, "A3B"), settings=changed(**settings.__dict__ | {"compile": compile}))
        )
        assert steps["unique_graphs"] == compile
    [plain], [first, again] = trained[False], trained[True]
    assert checksum(first.result()) == checksum(again.result())
    assert first.curve == again.curve
    for key, value in plain.network.model.state_dict().items():
        assert torch.allclose(value, first.network.model.state_dict()[key], atol=1e-5), key
    assert checksum(plain.result()) != checksum(first.result())  # compiled it was


def test_where_nothing_can_be_compiled_the_error_names_key_and_remedy(task, tmp_path):
    # Not by monkeypatch, which takes away what torch's configuration gives by default.
    patched = torch._inductor.config.patch({"cpp.cxx": [str(tmp_path / "no-compiler")], "force_disable_caches": True})
    with (
        patched,
        pytest.raises(InputError, match=r"config key training\.compile: true given, but torch.compile fails here"),
    ):
        train(task, Start.from_scratch(task), settings=changed(compile=True))
