"""Duration of a dry run over the number of networks: python benchmarks/dry_run.py

The default study is used with different numbers of random splits, of 58 networks each. Either no results exist, or all
networks are finished, so that all their marks are compared with the study. Times are medians of three runs.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import torch

from record import record
from transferability.common.checksums import fingerprint
from transferability.common.tables import write_table
from transferability.jobs.provenance import as_text, not_known
from transferability.jobs.weights_files import write_weights
from transferability.runtime.finished_copies import products_of
from transferability.runtime.up_to_date import code_of, expected_mark
from transferability.study.configuration import complete_config
from transferability.study.study_plan import StudyPlan

REPOSITORY = Path(__file__).parents[1]
REPEATS = 3
CLASSES = [f"n{number:08d}" for number in range(20)]


def write_finished(results: Path, splits: int) -> None:
    """Write the results of all networks of a study with `splits` random splits, with valid marks."""
    config = {"splits": {"random": splits}, "results_dir": str(results)}
    complete_config(config, [])
    write_table(pd.DataFrame(columns=["path", "wnid", "subset"]), results / "index.csv")
    (results / "store.json").write_text("{}", encoding="utf-8")
    study = StudyPlan(config)
    code = code_of(study)
    networks = [network for network in study.networks if network.split.startswith("random")]
    for network in sorted(networks, key=lambda network: network.copied):  # the bases first
        manifest = study.results.manifest(network.split, network.target)
        if not manifest.exists():
            manifest.parent.mkdir(parents=True, exist_ok=True)
            write_table(pd.DataFrame({"label": range(20), "wnid": CLASSES, "name": CLASSES}), manifest)
        products, mark = products_of(study.results, network), expected_mark(study, network, code)
        for path in products.by_kind().values():
            path.parent.mkdir(parents=True, exist_ok=True)
        if products.weights:
            write_weights(products.weights, {"x": torch.zeros(1)}, f"{network.split}/{network.name}", mark)
        products.provenance.write_text(as_text(not_known(mark)), encoding="utf-8")
        curve = [{"iteration": 10 * k, "top1": 0.5, "loss": 1.0} for k in range(20)]
        content = network.facts() | {"curve": curve, "by_class": dict.fromkeys(CLASSES, "10/20"), "fingerprint": mark}
        text = json.dumps(content | {"checksum": fingerprint(content)}, indent=1)
        products.accuracy.write_text(text, encoding="utf-8")


def dry_run(splits: int, results: Path) -> float:
    """Seconds of a dry run for the whole grid of a study."""
    command = [sys.executable, "-m", "snakemake"]
    grid = ["--config", f"splits={{random: {splits}}}", f"results_dir={results}"]
    began = time.perf_counter()
    subprocess.run(
        [*command, f"{results}/figure2.pdf", "--dry-run", "--quiet", "--configfile", "config/config.yaml", *grid],
        check=True,
        capture_output=True,
        cwd=REPOSITORY,
    )
    return time.perf_counter() - began


if __name__ == "__main__":
    rows = []
    for splits in (1, 10, 104):
        with tempfile.TemporaryDirectory() as folder:
            for there in ("nothing", "all networks"):
                if there == "all networks":
                    write_finished(Path(folder), splits)
                seconds = statistics.median(dry_run(splits, Path(folder)) for _ in range(REPEATS))
                rows.append((58 * splits, there, seconds, 1000 * seconds / (58 * splits)))
    table = pd.DataFrame(rows, columns=["networks", "there", "seconds", "ms a network"])
    record("dry_run", table, "snakemake -n results/figure2.pdf")
