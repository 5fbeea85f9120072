import shutil

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from tests.conftest import REPOSITORY
from tests.trees import TRAIN, VAL, WNIDS, make_tree
from transferability.datasets.image_files import ImageFiles
from transferability.datasets.index import index_images
from transferability.planning.checks.images import check_images
from transferability.planning.checks.machine import check_disk
from transferability.study.study_plan import StudyPlan

CLOUD = "n09247410"  # a class of CIFAR-100 that is neither an artifact nor an organism
TENCH = "n01440764"


@pytest.fixture
def tree(tmp_path):
    """A good image folder, and the table of what is expected of it."""
    root = make_tree("imagefolder", tmp_path / "images")
    table = pd.DataFrame({"wnid": WNIDS, "train": TRAIN, "val": VAL})
    table.to_csv(tmp_path / "expected.csv", index=False)
    return root, tmp_path / "expected.csv"


def options(root, expected, results) -> list[str]:
    dataset = f"dataset={{layout: imagefolder, root: {root}, expected: {{classes: {expected}}}}}"
    return ["preflight", "--configfile", "config/smoke.yaml", "--config", dataset, f"results_dir={results}"]


def test_a_good_tree_is_in_order(checkout, tree):
    root, expected = tree
    run = checkout.snakemake(*options(root, expected, "results/good"))
    page = (checkout.root / "results" / "good" / "preflight.md").read_text()
    assert "**Everything is in order.**" in page
    assert page in run.stdout
    classes = pd.read_csv(checkout.root / "results" / "good" / "preflight.csv")
    assert classes.columns.tolist() == ["wnid", "name", "side", "decided_by", "train", "val"]
    assert classes["train"].tolist() == [TRAIN] * len(WNIDS)


def test_twelve_faults_are_told_in_one_run(checkout, tree):
    root, expected = tree
    table = pd.concat([pd.read_csv(expected), pd.DataFrame({"wnid": [CLOUD], "train": TRAIN, "val": VAL})])
    table.to_csv(expected, index=False)
    for subset in ("train", "val"):
        shutil.copytree(root / subset / WNIDS[1], root / subset / CLOUD)
        shutil.copytree(root / subset / WNIDS[1], root / subset / TENCH)
        shutil.rmtree(root / subset / WNIDS[0])
    shutil.rmtree(root / "val" / WNIDS[4])
    images = {wnid: sorted((root / "train" / wnid).iterdir()) for wnid in WNIDS[1:]}
    images[WNIDS[2]][3].unlink()
    images[WNIDS[3]][0].write_bytes(images[WNIDS[3]][0].read_bytes()[:-300])
    images[WNIDS[5]][1].write_text("<html>404 Not Found</html>")
    images[WNIDS[6]][2].write_bytes(b"")
    images[WNIDS[7]][3].rename(images[WNIDS[7]][3].with_name("a\rb.JPEG"))
    costly = ["splits={random: 1000}", "network={architecture: caffenet, n: [3]}", "treatments=[AnB]"]
    sizes = ["training={input_size: 227}", "device=cuda"]
    dataset = f"dataset={{layout: imagefolder, root: {root}, image_size: 256, expected: {{classes: {expected}}}}}"
    given = ["--config", dataset, "results_dir=Makefile/results", *costly, *sizes]
    run = checkout.snakemake("preflight", "--configfile", "config/smoke.yaml", *given, check=False)
    assert run.returncode != 0
    told = [
        f"1 of 9 expected classes are missing: {WNIDS[0]}",
        f"1 class not expected: {TENCH}",
        f"1 class with a wrong number of training images: {WNIDS[2]} 11 of 12",
        f"no val images for 1 of 9 classes: {WNIDS[4]}",
        f"{images[WNIDS[3]][0]} cannot be decoded: it is truncated: it ends at byte",
        f"{images[WNIDS[5]][1]} cannot be decoded: it is a web page or other markup, not an image",
        f"{images[WNIDS[6]][2]} cannot be decoded: it is empty",
        "1 file names have unprintable characters",
        f"1 of 9 classes lie under neither or both of artifact and organism: {CLOUD} (cloud)",
        "config key device: cuda given, but torch sees no CUDA device here",
        "config key results_dir: cannot write to Makefile/results",
    ]
    if shutil.disk_usage(checkout.root).free < 480e9:  # the weights of 2002 base networks
        told.append("free disk space or set results_dir")
    report = run.stdout[run.stdout.index("# Preflight") :]
    missing = [fault for fault in told if fault not in report]
    assert missing == []


def test_decoding_goes_on_where_it_was_and_sees_what_was_replaced(tree, tmp_path, monkeypatch):
    root, _ = tree
    monkeypatch.setattr("transferability.datasets.image_files.CHUNK", 8)
    index = index_images("imagefolder", root)
    files = ImageFiles("imagefolder", root, index["path"].tolist())
    broken = root / files.paths[9]
    content = broken.read_bytes()
    broken.write_bytes(content[:100])
    found = check_images(files, index, tmp_path / "results", 1)
    assert [fault.split(" cannot")[0] for fault in found.faults] == [str(broken)]
    broken.write_bytes(content)
    read = []
    monkeypatch.setattr(
        ImageFiles, "read", lambda self, row: read.append(row) or (root / files.paths[row]).read_bytes()
    )
    monkeypatch.setattr("transferability.common.worker_pool.ProcessPoolExecutor", InThisProcess)
    assert check_images(files, index, tmp_path / "results", 1).faults == []
    assert read == list(range(8, 16))
    assert list((tmp_path / "results" / "state").iterdir()) == []


class InThisProcess:
    """Does what a ProcessPoolExecutor does, where a test can look."""

    def __init__(self, _processes, initializer, initargs):
        initializer(*initargs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    map = staticmethod(map)


@pytest.mark.parametrize(("free", "faults"), [(2e12, 0), (1e11, 1)])
def test_the_disk_has_to_hold_store_weights_and_a_state(free, faults, tmp_path, monkeypatch):
    config = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    update_config(config, yaml.safe_load((REPOSITORY / "config" / "imagenet.yaml").read_text()))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": int(free)}))
    counts = pd.DataFrame({"train": [1281] * 1000, "val": [50] * 1000}, index=[f"n{k:08d}" for k in range(1000)])
    config["results_dir"] = str(tmp_path)
    found = check_disk(StudyPlan(config), counts)
    assert "store 261.7 GB" in found.note  # 1,331,000 images of 256 x 256 x 3 bytes
    assert "states of each training under way 1.46 GB" in found.note  # 60,965,224 parameters, 4 bytes, twice, 3 states
    assert len(found.faults) == faults
