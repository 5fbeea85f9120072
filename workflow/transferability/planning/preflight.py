"""Is everything in order, before anything trains? All that is wrong is told at once."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pandas as pd
from PIL import Image

from transferability.common.errors import InputError
from transferability.datasets.image_files import ImageFiles, work_through
from transferability.datasets.index import count_images, list_images
from transferability.datasets.wordnet import hypernym_graph
from transferability.store.decoding import check_scale, try_to_decode
from transferability.study.grid import study_networks
from transferability.tasks.splits import class_sides, split_manifests

GB = 1e9


@dataclass(frozen=True)
class Finding:
    """What one check found: `faults`, a sentence each, and in any case a `note`."""

    check: str
    faults: Sequence[str]
    note: str


def preflight(config: Mapping, root: Path, results: Path, processes: int) -> tuple[list[Finding], pd.DataFrame]:
    """Check a study's images, classes, disk and device; return findings, and a table of the classes.

    Every image is decoded, in several processes, with a progress bar; a call that was killed goes on with the next.
    """
    layout = config["dataset"]["layout"]
    index, faults = list_images(layout, root, config["dataset"]["validation"])
    counts = count_images(index)
    files = ImageFiles(layout, root, index["path"].tolist())
    writable = check_writable(results)
    found = ", ".join(f"{counts[subset].sum():,} {name} images" for subset, name in SUBSETS.items())
    sides, classes = check_sides(config, counts)
    findings = [
        Finding("layout", [f"{root}: {fault}" for fault in faults], f"{layout} at {root}: {found}"),
        check_classes(config["dataset"]["expected"], counts),
        check_images(files, None if writable.faults else results, processes),
        sides,
        writable,
        check_disk(config, counts, results),
        check_device(config, len(counts)),
    ]
    return findings, classes


SUBSETS = {"train": "training", "val": "validation"}


def check_classes(expected: Mapping, counts: pd.DataFrame) -> Finding:
    """Compare the numbers of images per class with those that config key dataset.expected names."""
    faults = []
    for subset, name in SUBSETS.items():
        number = int(counts[subset].sum())
        if expected[subset] not in (None, number):
            faults.append(f"{number:,} {name} images, {expected[subset]:,} expected (dataset.expected.{subset})")
    span = "; ".join(f"{counts[s].min()} to {counts[s].max()} {name}" for s, name in SUBSETS.items() if len(counts))
    note = f"{len(counts):,} classes; images per class: {span or 'none'}"
    if expected["classes"] is None:
        return Finding("classes", faults, f"{note}; dataset.expected.classes names none to compare with")
    try:
        wanted = pd.read_csv(expected["classes"], dtype={"wnid": str}).set_index("wnid")
    except (OSError, ValueError, KeyError) as error:
        faults.append(f"config key dataset.expected.classes: {expected['classes']} is no table of wnids ({error})")
        return Finding("classes", faults, note)
    if missing := sorted(set(wanted.index) - set(counts.index)):
        faults.append(f"{len(missing)} of {len(wanted)} expected classes are missing: {', '.join(missing)}")
    if surplus := sorted(set(counts.index) - set(wanted.index)):
        faults.append(f"{len(surplus)} classes are not expected: {', '.join(surplus)}")
    present = wanted.index.intersection(counts.index)
    for subset, name in SUBSETS.items():
        if subset in wanted:
            pairs = zip(present, counts.loc[present, subset], wanted.loc[present, subset], strict=True)
            wrong = [f"{wnid} {number} of {of}" for wnid, number, of in pairs if number != of]
            if wrong:
                faults.append(f"{len(wrong)} classes with another number of {name} images: {', '.join(wrong)}")
    return Finding("classes", faults, f"{note}; compared with {expected['classes']}")


def check_images(files: ImageFiles, results: Path | None, processes: int) -> Finding:
    """Decode every image; notes of what is done are kept below `results` until all are."""
    with tempfile.TemporaryDirectory() as scratch:
        journal = (results / "state" if results else Path(scratch)) / "preflight.jsonl"
        done = work_through(files, _decode, processes, journal, "preflight")
        broken = [pair for result in done for pair in result["broken"]]
        if not broken:
            journal.unlink()
    faults = [f"{files.folder / path} cannot be decoded: {reason}; replace it" for path, reason in broken]
    return Finding("images", faults, f"{len(files.paths) - len(broken):,} of {len(files.paths):,} can be decoded")


def _decode(files: ImageFiles, rows: range, before: dict | None) -> dict:
    """Return the images that cannot be decoded, (path, reason). JPEGs are decoded to an eighth of their size."""
    if before is not None and not before["broken"]:
        return before
    broken = []
    for row in rows:
        _, reason = try_to_decode(partial(files.read, row), _decode_roughly)
        if reason:
            broken.append([files.paths[row], reason])
    return {"broken": broken}


def _decode_roughly(file: BinaryIO) -> None:
    with Image.open(file) as image:
        image.draft(image.mode, (1, 1))
        image.load()
        check_scale(image)


def check_sides(config: Mapping, counts: pd.DataFrame) -> tuple[Finding, pd.DataFrame]:
    """Find every class's side in WordNet; return also the classes with sides and numbers of images."""
    wnids = counts.index.tolist()
    try:
        graph = hypernym_graph(config["wordnet"], wnids)
    except InputError as error:
        return Finding("WordNet", [str(error)], ""), counts.reset_index()
    table = class_sides(wnids, graph, config["splits"]["sides"])
    classes = table.merge(counts.reset_index(), on="wnid", how="left")
    if not config["splits"]["manmade_natural"]:
        return Finding("WordNet", [], "not needed: splits.manmade_natural is false"), classes
    faults = []
    try:
        split_manifests("manmade-natural", wnids, graph, config["splits"]["sides"])
    except InputError as error:
        faults.append(str(error))
    sides = table["side"].value_counts()
    note = f"{sides.get('manmade', 0)} man-made, {sides.get('natural', 0)} natural classes"
    return Finding("WordNet", faults, note), classes


def check_writable(results: Path) -> Finding:
    """Write a file where results go."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=results, prefix=".preflight"):
            pass
    except OSError as error:
        return Finding("results", [f"config key results_dir: cannot write to {results} ({error})"], "")
    return Finding("results", [], f"{results} is writable")


def check_disk(config: Mapping, counts: pd.DataFrame, results: Path) -> Finding:
    """Compare what the study needs of the disk with what is free."""
    from transferability.planning.costs import disk_needs

    networks = study_networks(config)
    classes = {(network.split, network.target): len(counts) for network in networks}  # of a half, at most
    needs = disk_needs(config, networks, int(counts.to_numpy().sum()), classes)
    place = next(path for path in (results.absolute(), *results.absolute().parents) if path.is_dir())
    there = results / "store.npy"
    free = shutil.disk_usage(place).free + (there.stat().st_size if there.is_file() else 0)
    left = free - needs.store - needs.weights
    note = (
        f"{free / GB:,.1f} GB free at {place}; needed: store {needs.store / GB:,.1f} GB, weights of base networks "
        f"{needs.weights / GB:,.2f} GB, states of each training under way {needs.state / GB:,.2f} GB"
    )
    if left < needs.state:
        return Finding("disk", [f"{note}: free disk space or set results_dir"], note)
    return Finding("disk", [], f"{note}, so that {int(left // max(needs.state, 1)):,} trainings at a time have room")


def check_device(config: Mapping, classes: int) -> Finding:
    """See whether there is a GPU, if one is wanted, and whether it holds a training."""
    import torch

    wanted = config["device"]
    if wanted == "cpu":
        return Finding("device", [], "the CPU, as config key device says")
    if torch.cuda.is_available():
        return _check_gpu(config, classes)
    if wanted == "cuda":
        return Finding("device", ["config key device: cuda given, but torch sees no CUDA device here"], "")
    if config["jobs"]["gpu"]:
        return Finding(
            "device",
            [],
            "NOT CHECKED: there is no GPU here; run this where trainings run: snakemake --profile slurm preflight",
        )
    return Finding("device", [], "no GPU here: trainings run on the CPU")


def _check_gpu(config: Mapping, classes: int) -> Finding:
    """Train for an iteration at full batch size, as jobs do, and look at the memory."""
    import torch

    from transferability.jobs.devices import leased_hardware
    from transferability.planning.costs import measure_speeds

    sharing = config["jobs"]["gpu_jobs_per_device"]
    with leased_hardware("cuda", sharing) as device:
        properties = torch.cuda.get_device_properties(device)
        if config["training"]["precision"] == "bfloat16" and not torch.cuda.is_bf16_supported(
            including_emulation=False
        ):
            fault = f"{properties.name} has no bfloat16: give float32 or tf32 as config key training.precision"
            return Finding("device", [fault], "")
        try:
            measure_speeds(config, [0], classes, device)
        except torch.OutOfMemoryError:
            shared = f", shared by {sharing} jobs (jobs.gpu_jobs_per_device)" if sharing > 1 else ""
            fault = f"a batch does not fit on {properties.name}{shared}: lower config key training.batch_size"
            return Finding("device", [fault], "")
        peak, total = torch.cuda.max_memory_reserved(device), properties.total_memory
    return Finding("device", [], f"{properties.name}: a training takes {peak / GB:.1f} of {total / GB:.1f} GB")


def report(findings: Sequence[Finding]) -> str:
    """Return the findings as a page in Markdown."""
    faults = [(finding.check, fault) for finding in findings for fault in finding.faults]
    verdict = f"**{len(faults)} faults.**" if faults else "**Everything is in order.**"
    lines = ["# Preflight", "", verdict, "", "| check | faults | found |", "| --- | --- | --- |"]
    lines += [f"| {finding.check} | {len(finding.faults) or 'none'} | {finding.note} |" for finding in findings]
    lines += ["", *(f"{number}. {check}: {fault}" for number, (check, fault) in enumerate(faults, 1))]
    return "\n".join(lines).rstrip() + "\n"
