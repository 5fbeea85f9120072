"""The same images in every layout, from files to what Figure 2 is drawn from: the same accuracies."""

import json

import pytest

from tests.trees import MAKERS, make_tree

STUDY = ("treatments=[AnB]", "network={n: [3]}")


def accuracies(checkout, tmp_path, layout: str, target: str = "accuracy/random-splits.csv") -> dict[str, dict]:
    """Do the study of a layout's small set; return the accuracy files without what tells where images lay."""
    root = make_tree(layout, tmp_path / layout)
    where = f"results/{layout}"
    dataset = f"dataset={{layout: {layout}, root: {root}, fit: stretch, orientation: ignore}}"
    options = ("--configfile", "config/smoke.yaml", "--config", dataset, f"results_dir={where}", *STUDY)
    checkout.snakemake(f"{where}/{target}", *options)
    made = (checkout.root / where / target).read_bytes()
    assert made.startswith(b"%PDF" if target.endswith(".pdf") else b"network,")
    records = {file.stem: json.loads(file.read_text()) for file in checkout.root.glob(f"{where}/accuracy/*/*.json")}
    for record in records.values():
        del record["fingerprint"], record["checksum"]
    return records


@pytest.fixture(scope="module")
def reference(checkout, tmp_path_factory) -> dict[str, dict]:
    return accuracies(checkout, tmp_path_factory.mktemp("reference"), "imagefolder", "figure2.pdf")


@pytest.mark.parametrize("layout", [layout for layout in MAKERS if layout != "imagefolder"])
def test_the_same_images_give_the_same_accuracies(checkout, tmp_path, layout, reference):
    assert sorted(reference) == ["A3B", "B3A", "baseA", "baseB"]
    assert reference["baseA"]["train_images"] == 48
    assert accuracies(checkout, tmp_path, layout) == reference
