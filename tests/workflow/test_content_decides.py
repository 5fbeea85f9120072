"""Results of other settings, code or data never pass, whatever Snakemake's metadata and clocks say; nothing is lost."""

import json
import os
import shutil
import time

import pandas as pd
import pytest
import yaml

from tests.conftest import FIGURE, NETWORKS, RESULTS, SPLITS, Checkout, accuracies
from tests.workflow.test_reruns import FEW, checkout, contents, finished_few, trainings  # noqa: F401 (fixtures)

ALL = {"train_base": 2, "train_transfer": 4}
OTHER_RATE = (*FEW, "training={learning_rate: 0.005}")


def forgotten(study: Checkout) -> tuple[str, ...]:
    """Snakemake's records are gone."""
    shutil.rmtree(study.root / ".snakemake")
    return ()


def moved(study: Checkout) -> tuple[str, ...]:
    """The results are on another disk, with their times."""
    shutil.move(study.root / RESULTS, study.root / "results" / "moved")
    return ("results_dir=results/moved",)


def named_whole(study: Checkout) -> tuple[str, ...]:
    """The directory of the results is given with all that is above it."""
    return (f"results_dir={study.root / RESULTS}",)


def touched(study: Checkout) -> tuple[str, ...]:
    """A person told Snakemake that all is well."""
    study.snakemake("--touch", *OTHER_RATE)
    return ()


@pytest.mark.parametrize("how", [forgotten, moved, named_whole, touched])
def test_other_settings_never_pass(checkout, how):  # noqa: F811
    where = how(checkout)
    trained = {rule: count for rule, count in checkout.pending(*OTHER_RATE, *where).items() if rule in ALL}
    assert trained == ALL
    if how is not touched:
        assert trainings(checkout.pending(*FEW, *where)) == {}


def test_other_pictures_and_other_code_never_pass_without_metadata(checkout):  # noqa: F811
    forgotten(checkout)
    assert {"draw_pictures": 1, "index": 1, "pack": 1, **ALL}.items() <= checkout.pending(
        *FEW, "pictures={train: 21}"
    ).items()
    file = checkout.root / "workflow" / "transferability" / "training" / "optimizers.py"
    file.write_text(file.read_text().replace("factor * rate", "factor * factor * rate"))
    assert trainings(checkout.pending(*FEW)) == ALL


def test_the_configuration_that_is_shown_is_the_one_of_the_study(checkout):  # noqa: F811
    forgotten(checkout)
    file = f"{RESULTS}/configuration.yaml"
    checkout.snakemake(file, *OTHER_RATE)
    assert yaml.safe_load((checkout.root / file).read_text())["training"]["learning_rate"] == 0.005


def test_a_report_of_other_settings_is_refused(checkout):  # noqa: F811
    forgotten(checkout)
    run = checkout.snakemake(
        "--reporter", "html", "--report-html-path", f"{RESULTS}/report.html", *OTHER_RATE, check=False
    )
    assert run.returncode != 0 and "a report would show results that do not match this study" in run.stdout
    assert not (checkout.root / RESULTS / "report.html").exists()


def test_weights_of_another_network_are_not_copied_from(checkout):  # noqa: F811
    """Put in its place by cp: the network is trained again, and its copies compare what they would be made from."""
    before, weights = contents(checkout.root / RESULTS), checkout.root / RESULTS / "weights" / "random-0"
    shutil.copy(weights / "baseA.safetensors", weights / "baseB.safetensors")
    checkout.trained(RESULTS)
    checkout.snakemake(SPLITS, *FEW)
    assert checkout.trained(RESULTS) == {"random-0/baseB"}
    assert contents(checkout.root / RESULTS) == before


def test_weights_that_change_places_go_back(checkout):  # noqa: F811
    before, weights = contents(checkout.root / RESULTS), checkout.root / RESULTS / "weights" / "random-0"
    for old, new in ("AC", "BA", "CB"):
        (weights / f"base{old}.safetensors").rename(weights / f"base{new}.safetensors")
    checkout.snakemake(SPLITS, *FEW)
    assert contents(checkout.root / RESULTS) == before


def test_the_store_of_another_study_is_not_trained_on(checkout):  # noqa: F811
    """Of the same images at another size: the index is the same."""
    results = checkout.root / RESULTS
    other = (*FEW, "dataset={image_size: 40}", "results_dir=results/other")
    checkout.snakemake("results/other/store.npy", *other)
    for name in ("store.npy", "store.crc32.npy", "store.json"):
        shutil.copy(checkout.root / "results" / "other" / name, results / name)
    (accuracies(checkout) / "B3A+.json").unlink()
    before = checkout.pending(SPLITS, *FEW)
    assert before["pack"] == 1
    checkout.snakemake(SPLITS, *FEW)
    assert json.loads((results / "store.json").read_text())["size"] == 32


def test_the_pictures_of_another_study_are_not_trained_on(checkout):  # noqa: F811
    """Of the same names, drawn with another seed."""
    pictures = checkout.root / RESULTS / "pictures"
    checkout.snakemake("results/other/pictures", *FEW, "seed=1", "results_dir=results/other")
    shutil.rmtree(pictures)
    assert checkout.pending(*FEW) == {}, "they may go once they are packed"
    shutil.copytree(checkout.root / "results" / "other" / "pictures", pictures)
    assert checkout.pending(*FEW)["draw_pictures"] == 1


def test_pictures_that_change_places_are_drawn_again(checkout):  # noqa: F811
    """Names and sizes of files do not tell that."""
    pictures = sorted((checkout.root / RESULTS / "pictures" / "train").rglob("*.JPEG"))
    first, size = pictures[0], pictures[0].stat().st_size
    other = next(one for one in pictures if one.parent != first.parent and one.stat().st_size <= size)
    assert checkout.pending(*FEW) == {}
    first.write_bytes(other.read_bytes().ljust(size, b"\0"))  # what follows the end of a JPEG does not count
    assert checkout.pending(*FEW)["draw_pictures"] == 1


def test_a_persons_own_files_among_the_pictures_are_not_deleted(checkout):  # noqa: F811
    own = checkout.root / "results" / "home" / "pictures" / "holiday" / "me.jpg"
    own.parent.mkdir(parents=True)
    own.write_text("precious")
    run = checkout.snakemake("results/home/index.csv", *FEW, "results_dir=results/home", check=False)
    assert run.returncode == 1 and f"{own.relative_to(checkout.root)} was not made by this study" in run.stdout
    assert own.read_text() == "precious"


def test_rules_that_are_left_out_of_a_comparison_are_an_error(checkout):  # noqa: F811
    run = checkout.snakemake(FIGURE, "--allowed-rules", "figure2", "--dry-run", *OTHER_RATE, check=False)
    assert run.returncode == 1
    assert "--allowed-rules given: the results of other rules would not be compared" in run.stdout


def test_modules_in_the_checkout_are_not_those_of_libraries(checkout):  # noqa: F811
    """Snakemake puts the directory of the Snakefile first among those that it imports from."""
    for name in ("torch", "safetensors", "pandas", "yaml", "psutil"):
        (checkout.root / f"{name}.py").write_text("raise SystemExit('a person's own module')")
    run = checkout.snakemake(f"{RESULTS}/configuration.yaml", *FEW, check=False)
    assert run.returncode == 0 and "own module" not in run.stdout


@pytest.mark.parametrize(
    "name", ["index.csv.sha256", "splits/random-0/A.csv.sha256", "accuracy/random-splits.csv.sha256"]
)
def test_a_checksum_that_is_lost_is_written_again(checkout, name):  # noqa: F811
    before, file = contents(checkout.root / RESULTS), checkout.root / RESULTS / name
    text = file.read_text()
    file.unlink()
    (checkout.root / NETWORKS).unlink()
    checkout.trained(RESULTS)
    checkout.snakemake(NETWORKS, *FEW)
    assert file.read_text() == text
    assert checkout.trained(RESULTS) == set() and contents(checkout.root / RESULTS) == before


@pytest.mark.parametrize("fault", ["truncated", "edited"])
def test_a_damaged_table_is_made_again(checkout, fault):  # noqa: F811
    file = checkout.root / RESULTS / "accuracy" / "random-splits.csv"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if fault == "truncated" else whole.replace(b"0.4", b"0.9"))
    assert {"collect", "figure2"} <= checkout.pending(FIGURE, *FEW).keys()
    checkout.snakemake(SPLITS, *FEW)  # drawing the figure takes as long as all else
    assert file.read_bytes() == whole
    assert len(pd.read_csv(file)) == 6


def test_an_accuracy_file_that_is_edited_is_made_again(checkout):  # noqa: F811
    before, file = contents(checkout.root / RESULTS), accuracies(checkout) / "A3B+.json"
    with file.open("r+") as opened:  # as an editor does that writes in place
        opened.write("{?")
    checkout.trained(RESULTS)
    checkout.snakemake(SPLITS, *FEW)
    assert checkout.trained(RESULTS) == {"random-0/A3B+"}
    assert contents(checkout.root / RESULTS) == before


def test_links_to_where_the_content_is_are_followed(checkout):  # noqa: F811
    """As git-annex and DataLad leave them: relative ones."""
    before, store = contents(checkout.root / RESULTS), checkout.root / "annex"
    store.mkdir()
    for name in before:
        file = checkout.root / RESULTS / name
        file.rename(store / name.replace("/", "_"))
        file.symlink_to(os.path.relpath(store / name.replace("/", "_"), file.parent))
    assert trainings(checkout.pending(*FEW)) == {}
    checkout.trained(RESULTS)
    (checkout.root / RESULTS / "index.csv").touch()
    checkout.snakemake(SPLITS, *FEW)
    assert checkout.trained(RESULTS) == set()
    assert contents(checkout.root / RESULTS) == before


def test_what_snakemake_rejects_is_not_trained_again(checkout):  # noqa: F811
    """A manifest from the future, as of a file server whose clock is ahead: Snakemake refuses what is made from it."""
    manifest, tomorrow = checkout.root / RESULTS / "splits" / "random-0" / "A.csv", time.time() + 86400
    os.utime(manifest, (tomorrow, tomorrow))
    before = contents(checkout.root / RESULTS)
    (accuracies(checkout) / "B3A+.json").unlink()
    checkout.trained(RESULTS)
    trained = []
    for _ in range(3):
        run = checkout.snakemake(SPLITS, *FEW, check=False)
        assert run.returncode != 0
        trained.append(checkout.trained(RESULTS))
    assert trained == [{"random-0/B3A+"}, set(), set()]
    os.utime(manifest)
    checkout.snakemake(SPLITS, *FEW)
    assert checkout.trained(RESULTS) == set()
    assert contents(checkout.root / RESULTS) == before


def test_equal_numbers_and_keys_that_do_not_count_train_nothing(checkout):  # noqa: F811
    same = "training={weight_decay: 0.0010, clip_norm: 0.0, drop_every: 3 epochs, min_crop_area: 0.5, nesterov: true}"
    assert trainings(checkout.pending(*FEW, same)) == {}


def test_the_store_may_go_once_all_is_done(checkout):  # noqa: F811
    (checkout.root / RESULTS / "store.npy").unlink()
    assert checkout.pending(*FEW) == {}


def test_what_cannot_be_made_again_is_not_deleted(checkout, image_tree):  # noqa: F811
    """The images may go once they are packed; then the store is all that there is of them."""
    for folder in ("train", "val"):
        shutil.copytree(image_tree / folder / "n01440764", image_tree / folder / "n02086240")
    mine = (*FEW, f"dataset={{layout: imagefolder, root: {image_tree}}}", "results_dir=results/mine")
    checkout.snakemake("results/mine/store.npy", *mine)
    shutil.rmtree(image_tree)
    (checkout.root / "results/mine/state/made/store.npy.json").unlink()
    run = checkout.snakemake("results/mine/store.npy", *mine, check=False)
    assert run.returncode != 0 and "is missing, from which it would be made again; restore it" in run.stdout
    assert (checkout.root / "results/mine/store.npy").exists()


def test_notes_and_finished_networks_go_where_the_results_go(checkout):  # noqa: F811
    """Nothing of the study lies outside of its directory."""
    results = checkout.root / RESULTS
    assert not list((results / "state" / "finished").rglob("accuracy"))
    notes = {file.name for file in (results / "state" / "made").glob("*.json")}
    assert {"index.csv.json", "store.npy.json"} <= notes
