"""A network to take home runs without this library, and gives the accuracy that its description states."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from packaging.requirements import Requirement
from PIL import Image
from safetensors.torch import load_file

from transferability.common.errors import InputError
from transferability.common.tables import write_table
from transferability.datasets.image_files import ImageFiles
from transferability.jobs import predict
from transferability.jobs.accuracy_file import read_record
from transferability.jobs.answers import unpack_answers
from transferability.jobs.given import import_weights
from transferability.jobs.recipe import recipe_of, source_of
from transferability.jobs.take_home import check_can_be_taken_home, replaced_by_identity, write_model
from transferability.models.building import build_model
from transferability.runtime.finished_copies import products_of
from transferability.runtime.job import Job, train_or_restore
from transferability.runtime.take_home import trained_with_weights
from transferability.runtime.up_to_date import code_of
from transferability.store.decoding import read_image
from transferability.store.packing import pack
from transferability.store.reading import StoreFiles
from transferability.store.square import Square
from transferability.study.architectures import blueprint
from transferability.study.configuration import complete_config
from transferability.study.given_arms import first_repeat
from transferability.study.study_plan import StudyPlan

CLASSES = ["ant", "bee", "caf\u00e9"]
CAFFE = {"order": "bgr", "mean": [0.41, 0.46, 0.48], "std": [1 / 255] * 3}
# Architecture, pixels, stored size, input size, network: SqueezeNet has a ReLU behind its scores.
CASES = {
    "squeezenet": ("torchvision/squeezenet1_1", CAFFE, 40, 33, "A1~8B"),
    "timm": ("timm/test_efficientnet", {}, 36, 32, "A3B+"),
}


def photographs(root: Path) -> pd.DataFrame:
    """Write photographs of other shapes, some on their side, some with transparency; return their index."""
    generator, rows = np.random.default_rng(0), []
    for subset, count in (("train", 14), ("val", 9)):
        for label, name in enumerate(CLASSES):
            (root / subset / name).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 120, (50, 70, 4 if number % 3 == 0 else 3), dtype=np.uint8)
                pixels[..., label] += 60
                image = Image.fromarray(pixels)
                image.getexif()[0x0112] = 6
                path = f"{subset}/{name}/{number}.{'png' if number % 3 == 0 else 'jpg'}"
                image.save(root / path, exif=image.getexif())
                rows.append((path, name, subset))
    return pd.DataFrame(rows, columns=["path", "wnid", "subset"])


def study_of(case: str, root: Path) -> StudyPlan:
    """The files of a study of a given network, up to its trainings; the network has random weights."""
    architecture, pixels, image_size, input_size, _ = CASES[case]
    config = {"results_dir": str(root / "results"), "dataset": {"root": str(root / "mine"), "image_size": image_size}}
    config |= {"network": {"architecture": architecture, "n": [1], "pixels": pixels}, "treatments": ["An~B", "AnB+"]}
    config |= {"experiments": ["given"], "given": {"weights": {"some": "some.pth"}, "repeats": 2}, "device": "cpu"}
    config["training"] = {"length": "2 epochs", "evaluate_every": "2 epochs", "batch_size": 6, "optimizer": "adamw"}
    config["training"] |= {"learning_rate": 0.003, "input_size": input_size}
    config["network"]["n"] = [int(re.search(r"\d+", CASES[case][-1])[0])]
    complete_config(config, [])
    study = StudyPlan(config)
    results, index = study.results, photographs(root / "mine")
    manifest = results.manifest("given-some-0", "B")
    manifest.parent.mkdir(parents=True)
    write_table(pd.DataFrame({"label": range(3), "wnid": CLASSES, "name": CLASSES}), manifest)
    write_table(index, results.index)
    where = StoreFiles(results.index, results.store, results.store_checksums, results.store_description)
    files = ImageFiles("imagefolder", root / "mine", index["path"].tolist())
    pack(files, where, Square.of(config["dataset"]), processes=1, code="code", notes=root / "pack.jsonl")
    torch.manual_seed(0)
    torch.save(build_model(study.main.blueprint, input_size, 5).state_dict(), root / "some.pth")
    weights = results.weights("given-some-0", "baseA")
    weights.parent.mkdir(parents=True)
    import_weights(root / "some.pth", study.main.blueprint, input_size, image_size, "given-some-0/baseA", weights)
    return study


@pytest.fixture(scope="module", params=CASES)
def taken(request, tmp_path_factory):
    """The directory of a network, the folder of its images, and its accuracy file."""
    root = tmp_path_factory.mktemp(request.param)
    study = study_of(request.param, root)
    network = first_repeat(study, CASES[request.param][-1])
    code = code_of(study)
    recipe = recipe_of(study, network, code[study.main.architecture])
    theirs = products_of(study.results, network)
    train_or_restore(recipe, source_of(study.results, network), theirs, Job.of(study, 1, 60.0))
    products = trained_with_weights(study, network, code, 1, 60.0)
    assert products.accuracy.read_bytes() == theirs.accuracy.read_bytes() and theirs.weights is None
    write_model(root / "model", recipe, read_record(products.accuracy), products.weights, None)
    return root / "model", root / "mine", read_record(products.accuracy)


def site_of(folder: Path, *packages: str) -> Path:
    """A directory with links to packages and to what they require, and to nothing else."""
    folder.mkdir()
    todo, seen = list(packages), set()
    while todo:
        name = todo.pop()
        try:
            found = distribution(name)
        except PackageNotFoundError:  # required on other systems
            continue
        if found.metadata["Name"] in seen:
            continue
        seen.add(found.metadata["Name"])
        needs = [Requirement(text) for text in found.requires or []]
        todo += [need.name for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
        for top in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            place = Path(found.locate_file(top))
            if not (folder / top).exists():
                (folder / top).symlink_to(place)
    return folder


def run_alone(model: Path, place: Path, library: str) -> subprocess.CompletedProcess:
    """Run predict.py where torch and one library of models are installed, and this library is not."""
    site = site_of(model.parent / "site", "torch", library)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
    python = [sys.executable, "-S", "-P"]
    alone = subprocess.run([*python, "-c", "import transferability"], env=environment, capture_output=True, text=True)
    assert "No module named 'transferability'" in alone.stderr
    command = [*python, str(model / "predict.py"), str(place)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8")


def test_the_accuracy_is_the_stated_one_to_the_image_without_this_library(taken):
    model, images, record = taken
    described = json.loads((model / "model.json").read_text(encoding="utf-8"))
    library = described["architecture"].partition("/")[0]
    run = run_alone(model, images / "val", library)
    assert run.returncode == 0, run.stderr
    validation = described["validation"]
    assert run.stderr.splitlines()[-1].startswith(f"{validation['right']} of {validation['images']} right")
    assert validation["right"] > 9 and validation["images"] == 27, "it has learned something, so that errors would show"
    low, high = validation["interval"]
    assert 0 <= low < validation["accuracy"] < high <= 1 or validation["accuracy"] == 1
    table = [line.split(",") for line in run.stdout.splitlines()]
    assert table[0] == ["path", "predicted", "confidence"] and len(table) == 28
    ours = {path: (predicted, float(confidence)) for path, predicted, confidence in table[1:]}
    files = [images / "val" / name / f"{k}.{'png' if k % 3 == 0 else 'jpg'}" for name in CLASSES for k in range(9)]
    for file, label, confidence in zip(files, *unpack_answers(record), strict=True):
        predicted, probability = ours[str(file)]
        assert predicted == CLASSES[label] and abs(probability - confidence) < 0.0025, "rounded to 255ths"
    assert described["classes"] == CLASSES and described["training_images"] == 42
    assert described["identity"] == (["classifier.2"] if library == "torchvision" else [])


def test_weights_load_strictly_by_the_librarys_names_and_others_are_refused(taken):
    model, *_ = taken
    spec = json.loads((model / "model.json").read_text(encoding="utf-8"))
    ours = predict.load_model(model, spec).state_dict()
    theirs = load_file(model / "model.safetensors")
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
    with pytest.raises(SystemExit, match="does not fit"):
        predict.load_model(model, spec | {"classes": [*CLASSES, "more"]})


@pytest.mark.parametrize("fit", ["stretch", "center-crop"])
@pytest.mark.parametrize("orientation", ["ignore", "apply"])
def test_images_are_decoded_as_the_store_decodes_them(tmp_path, fit, orientation):
    generator = np.random.default_rng(1)
    spec = {"image_size": 20, "input_size": 15, "fit": fit, "orientation": orientation}
    for mode in ("RGB", "RGBA", "L", "LA", "P", "CMYK", "1", "YCbCr", "PA"):
        image = Image.fromarray(generator.integers(0, 255, (33, 47, 4), dtype=np.uint8)).convert("RGBA")
        image = image.convert("LA").convert(mode) if mode == "PA" else image.convert(mode)
        exif = image.getexif()
        exif[0x0112] = 6
        file = tmp_path / f"{mode}.{'tif' if mode in ('CMYK', 'YCbCr', 'PA') else 'png'}"
        image.save(file, exif=exif)
        assert np.array_equal(predict.read_image(file, spec), read_image(file, 20, fit, orientation)[2:17, 2:17]), mode
    Image.fromarray(np.full((20, 20), 60000, np.uint16)).save(tmp_path / "deep.png")
    (tmp_path / "empty.png").write_bytes(b"")
    assert (
        predict.read_image(tmp_path / "deep.png", spec) is None
        and predict.read_image(tmp_path / "empty.png", spec) is None
    )


def test_built_in_architectures_and_other_names_are_one_clear_error(tmp_path):
    config = {"experiments": ["given"], "given": {"weights": {"a": "a", "b": "b"}}, "treatments": ["An~B"]}
    complete_config(config, [])
    study = StudyPlan(config)
    network = first_repeat(study, "b/A7B")
    assert (network.split, network.name) == ("given-b-0", "A7B")
    with pytest.raises(InputError, match="several given networks have it; accepted: a/baseB"):
        first_repeat(study, "A7B")
    with pytest.raises(InputError, match="the study has no such network"):
        first_repeat(study, "b/A8B")
    with pytest.raises(InputError, match="a built-in architecture"):
        check_can_be_taken_home(recipe_of(study, network, "code"))


def test_a_model_without_a_relu_behind_its_scores_stays_as_it_is():
    assert replaced_by_identity(blueprint("timm/test_resnet"), 32, 3) == []
