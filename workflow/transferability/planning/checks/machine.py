"""Checks of the machine: the disk and the device have room for the study."""

import shutil
import tempfile
from pathlib import Path

import pandas as pd

from transferability.planning.checks import Finding
from transferability.study.study_plan import StudyPlan

GB = 1e9


def check_writable(results: Path) -> Finding:
    """Check that the results directory is writable, by writing a file."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=results, prefix=".preflight"):
            pass
    except OSError as error:
        return Finding("results", [f"config key results_dir: cannot write to {results} ({error})"], "")
    return Finding("results", [], f"{results} is writable")


def check_disk(study: StudyPlan, counts: pd.DataFrame) -> Finding:
    """Compare the disk space that the study needs with the free space."""
    from transferability.planning.costs import disk_needs

    classes = dict.fromkeys(study.tasks, len(counts))  # an upper bound: a half has fewer
    needs = disk_needs(study, int(counts.to_numpy().sum()), classes)
    place = _existing(study.results.root)
    shelf = _existing(Path(study.config["dataset"]["store"] or study.results.root).expanduser())
    there = study.results.store
    store = max(0, needs.store - (there.stat().st_size if there.is_file() else 0))
    free, elsewhere = shutil.disk_usage(place).free, shelf.stat().st_dev != place.stat().st_dev
    left = free - needs.weights - (0 if elsewhere else store)
    note = (
        f"{free / GB:,.1f} GB free at {place}; needed: store {needs.store / GB:,.1f} GB, weights of base networks "
        f"{needs.weights / GB:,.2f} GB, states of each training under way {needs.state / GB:,.2f} GB"
    )
    if elsewhere:
        note += f"; {shutil.disk_usage(shelf).free / GB:,.1f} GB free for the store at {shelf}"
    if left < needs.state or (elsewhere and shutil.disk_usage(shelf).free < store):
        return Finding("disk", [f"{note}: free disk space or set results_dir (or dataset.store)"], note)
    return Finding("disk", [], f"{note}: enough for {int(left // max(needs.state, 1)):,} trainings at a time")


def _existing(place: Path) -> Path:
    """Return a directory, or its nearest parent that exists."""
    return next(path for path in (place.absolute(), *place.absolute().parents) if path.is_dir())


def check_device(study: StudyPlan, classes: int) -> Finding:
    """Check that there is a GPU, if one is requested, and that its memory is large enough for training."""
    import torch

    wanted = study.config["device"]
    if wanted == "cpu":
        return Finding("device", [], "the CPU, from config key device")
    if torch.cuda.is_available():
        return _check_gpu(study, classes)
    if wanted == "cuda":
        return Finding("device", ["config key device: cuda given, but torch sees no CUDA device here"], "")
    if study.config["jobs"]["gpu"]:
        return Finding(
            "device",
            [],
            "NOT CHECKED: there is no GPU here; run this on a node that trains: snakemake --profile slurm preflight",
        )
    return Finding("device", [], "no GPU here: trainings run on the CPU")


def _check_gpu(study: StudyPlan, classes: int) -> Finding:
    """Train for a moment at full batch size, as jobs do, and measure the memory."""
    import torch

    from transferability.planning.costs import measure_speeds
    from transferability.runtime.devices import leased_hardware

    sharing = study.config["jobs"]["gpu_jobs_per_device"]
    with leased_hardware("cuda", sharing) as device:
        properties = torch.cuda.get_device_properties(device)
        if study.config["training"]["precision"] == "bfloat16" and not torch.cuda.is_bf16_supported(
            including_emulation=False
        ):
            fault = f"{properties.name} has no bfloat16: give float32 or tf32 as config key training.precision"
            return Finding("device", [fault], "")
        try:
            measure_speeds(study, {(name, 0) for name in study.models}, classes, device)
        except torch.OutOfMemoryError:
            shared = f", shared by {sharing} jobs (jobs.gpu_jobs_per_device)" if sharing > 1 else ""
            fault = f"a batch does not fit on {properties.name}{shared}: lower config key training.batch_size"
            return Finding("device", [fault], "")
        peak, total = torch.cuda.max_memory_reserved(device), properties.total_memory
    return Finding("device", [], f"{properties.name}: a training takes {peak / GB:.1f} of {total / GB:.1f} GB")
