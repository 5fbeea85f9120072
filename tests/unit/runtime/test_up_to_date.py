"""Marks of networks and notes of other results: what changes them, and what does not."""

from types import SimpleNamespace

import pytest
import torch

from tests.study_files import write_study
from transferability.common.errors import InputError
from transferability.jobs import recipe as recipes
from transferability.jobs.weights_files import read_weights, write_weights
from transferability.runtime.finished_copies import Finished, products_of
from transferability.runtime.made_from import is_as_made, noted
from transferability.runtime.up_to_date import check_base, expected_mark, is_up_to_date
from transferability.study.configuration import complete_config
from transferability.study.files import Results
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan

CODE = {"caffenet-mini": "code"}
BASE, COPY = Network("random-0", "A", "A"), Network("random-0", "A", "B", 3)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    write_study(root, 32, 9)
    return root


def mark(root, code="code", of=BASE, **sections) -> str:
    complete_config(config := dict(sections), [])
    study = StudyPlan(config | {"results_dir": str(root)})
    return expected_mark(study, of, dict.fromkeys(study.models, code))


def test_equal_numbers_and_keys_that_do_not_count_have_one_mark(root):
    one_cycle = {"schedule": "one-cycle", "weight_decay": 0, "clip_norm": 1}
    before = mark(root, training=one_cycle)
    same = one_cycle | {"weight_decay": 0.0, "clip_norm": 1.0, "drop_every": "3 epochs", "drop_factor": 0.5}
    assert mark(root, training=same | {"nesterov": True, "min_crop_area": 0.5}) == before
    step = one_cycle | {"schedule": "step"}
    assert mark(root, training=step) != mark(root, training=step | {"drop_factor": 0.5}) != before
    assert mark(root, training=one_cycle | {"warmup": 0.2}) != before
    for key, value in {"momentum": 0.8, "optimizer": "sgd", "augmentation": "random-resized-crop"}.items():
        assert mark(root, training=one_cycle | {key: value}) != before, key


def test_keys_of_fine_tuning_are_in_the_marks_of_networks_that_fine_tune(root):
    path = Results(root).weights("random-0", "baseA")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_weights(path, {"x": torch.ones(2)}, "random-0/baseA", "mark")
    tuned, preserved = Network("random-0", "A", "B", 3, fine_tuned=True), Network("random-0", "A", "B", 3, preserved=1)
    for network, counts in {BASE: False, COPY: False, tuned: True, preserved: True}.items():
        before = mark(root, of=network)
        for key, value in {"head_first": 0.3, "batchnorm": "fixed"}.items():
            assert (mark(root, of=network, training={key: value}) != before) == counts, (network.name, key)


def test_code_seed_and_versions_are_in_the_mark(root, monkeypatch):
    before = mark(root)
    library = {"network": {"architecture": "torchvision/squeezenet1_1", "n": [1]}, "preserved": {"n": []}}
    of_library = mark(root, **library)
    assert mark(root, code="other") != before != mark(root, seed=1)
    monkeypatch.setattr(recipes, "_torch", lambda: "3.0")
    assert mark(root) != before
    monkeypatch.undo()
    monkeypatch.setattr("transferability.study.architectures.library_version", lambda name: "torchvision 9")
    assert mark(root, **library) != of_library
    assert mark(root) == before


def test_who_copies_checks_whose_weights_it_is_given(root):
    complete_config(config := {"results_dir": str(root)}, [])
    study = StudyPlan(config)
    path, tensors = study.results.weights("random-0", "baseA"), {"x": torch.ones(2)}
    path.parent.mkdir(parents=True, exist_ok=True)
    right = expected_mark(study, BASE, CODE)
    write_weights(path, tensors, "random-0/baseB", right)
    with pytest.raises(InputError, match=r"baseA\.safetensors holds the weights of random-0/baseB, not of random-0/b"):
        check_base(study, COPY, CODE)
    with pytest.raises(InputError, match="holds the weights of random-0/baseB"):
        read_weights(path, "random-0/baseA")
    write_weights(path, tensors, "random-0/baseA", "another mark")
    with pytest.raises(InputError, match="trained by other code, settings or data than this study"):
        check_base(study, COPY, CODE)
    write_weights(path, tensors, "random-0/baseA", right)
    check_base(study, COPY, CODE)
    assert not is_up_to_date(study, BASE, CODE), "there is no accuracy file"
    assert not Finished(root / "state", "random-0", "baseA").has(right, products_of(study.results, BASE))


def note_made(results, job):
    with noted(results, job, "code"):
        pass


def job_of(root, **params):
    """A job as Snakemake describes it."""
    outputs = [str(root / "table.csv"), str(root / "folder")]
    return SimpleNamespace(params=params, input=[str(root / "input.csv")], output=outputs)


def test_a_note_says_what_a_result_was_made_from(tmp_path):
    for name in ("table.csv", "input.csv"):
        (tmp_path / name).write_text("1\n")
    (tmp_path / "folder").mkdir()
    job = job_of(tmp_path, size=32)
    assert not is_as_made(tmp_path, job, "code"), "nothing is known of it"
    note_made(tmp_path, job)
    assert is_as_made(tmp_path, job, "code")
    assert not is_as_made(tmp_path, job_of(tmp_path, size=40), "code")
    assert not is_as_made(tmp_path, job, "other code")
    reader = SimpleNamespace(params={}, input=job.output[:1], output=[str(tmp_path / "figure.pdf")])
    (tmp_path / "figure.pdf").write_text("x")
    note_made(tmp_path, reader)
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    job, reader = job_of(moved, size=32), SimpleNamespace(**vars(reader))
    reader.input, reader.output = job.output[:1], [str(moved / "figure.pdf")]
    assert is_as_made(moved, job, "code") and is_as_made(moved, reader, "code"), "notes go where results go"
    (moved / "table.csv").write_text("2\n")
    assert not is_as_made(moved, job, "code") and not is_as_made(moved, reader, "code")
    (moved / "table.csv").unlink()
    assert is_as_made(moved, job, "code"), "what is missing Snakemake makes"
    assert not is_as_made(moved, reader, "code")


def test_inputs_that_are_replaced_meanwhile_are_an_error(tmp_path):
    (tmp_path / "input.csv").write_text("1\n")
    job = job_of(tmp_path)
    with pytest.raises(InputError, match="an input was replaced while it was being made"), noted(tmp_path, job, "code"):
        (tmp_path / "input.csv").write_text("2\n")
    assert not is_as_made(tmp_path, job, "code")


def test_of_a_large_file_both_ends_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("transferability.runtime.made_from.LARGE", 100)
    monkeypatch.setattr("transferability.runtime.made_from.END", 10)
    (tmp_path / "input.csv").write_text("1\n")
    job = job_of(tmp_path)
    for content, same in {"a" * 200: True, "b" + "a" * 199: False, "a" * 199 + "b": False, "a" * 201: False}.items():
        (tmp_path / "table.csv").write_text(content)
        note_made(tmp_path, job) if same else None
        assert is_as_made(tmp_path, job, "code") == same
