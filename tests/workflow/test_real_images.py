"""On real images, where they are at hand: forty classes of Tiny ImageNet."""

import json
import tarfile

import pandas as pd
import pytest

from tests.conftest import SHARED

ARCHIVE = SHARED / "data" / "tiny-imagenet-mini.tar"


@pytest.mark.skipif(not ARCHIVE.is_file(), reason=f"{ARCHIVE} is not there")
def test_tiny_imagenet_goes_from_jpegs_to_a_network_that_has_learned(checkout, tmp_path):
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    where = ("--config", f"dataset={{root: {tmp_path / 'tiny-imagenet-mini'}}}", "training={length: 8 epochs}")
    target = "results/tiny-imagenet/accuracy/random-0/baseA.json"
    halves = [f"results/tiny-imagenet/splits/manmade-natural/{half}.csv" for half in "AB"]
    checkout.snakemake(target, *halves, "--configfile", "config/tiny-imagenet.yaml", *where)
    record = json.loads((checkout.root / target).read_text())
    assert (record["classes"], record["train_images"], record["val_images"]) == (20, 5000, 1000)
    assert record["top1"] > 0.15  # chance is 0.05
    assert [len(pd.read_csv(checkout.root / half)) for half in halves] == [22, 18]
