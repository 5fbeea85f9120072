"""Compare training recipes on the default study: python benchmarks/recipes.py CANDIDATES.yaml [cores]

CANDIDATES.yaml maps names to configurations, each with its changes to config/config.yaml. For each candidate, 24
networks are trained, on both halves of two random splits: base, all layers copied and trained again (B8B+), and the
first seven layers copied and frozen (B7B, A7B) or fine-tuned (B7B+, A7B+). The table lists the mean accuracy of base in
percent, the differences of the others from it in points, and the seconds for a base network and for one with seven
frozen layers. Finished networks are not trained again.
"""

import json
import subprocess
import sys
from pathlib import Path
from statistics import mean

import pandas as pd
import yaml

from record import record

REPOSITORY = Path(__file__).parents[1]
SPLITS = ("random-0", "random-1")
NETWORKS = {"control": "{}8{}+", "B7B": "{}7{}", "B7B+": "{}7{}+", "A7B": "{other}7{}", "A7B+": "{other}7{}+"}


def networks() -> dict[str, list[str]]:
    """Return the names of the networks on each split, by their name in the table."""
    halves = (("A", "B"), ("B", "A"))
    named = {kind: [name.format(half, half, other=other) for half, other in halves] for kind, name in NETWORKS.items()}
    return {"base": ["baseA", "baseB"]} | named


def train(results: Path, changes: dict, cores: str) -> None:
    """Train the networks of one candidate, and draw the first layer's kernels."""
    results.mkdir(parents=True, exist_ok=True)
    config = results / "recipe.yaml"
    changes = {"results_dir": str(results), "splits": {"random": 2}} | changes
    text = yaml.safe_dump(changes | {"experiments": ["random-splits", "preserved"]})
    config.write_text(text, encoding="utf-8")
    files = [
        f"{results}/accuracy/{split}/{name}.json" for split in SPLITS for kind in networks().values() for name in kind
    ]
    command = [sys.executable, "-m", "snakemake", *files, f"{results}/filters.png", "--cores", cores, "--quiet", "all"]
    subprocess.run([*command, "--configfile", str(config)], cwd=REPOSITORY, check=True)


def row(name: str, results: Path) -> dict:
    """Return the accuracies and times of a candidate as a row of the table."""
    accuracy, seconds = {}, {}
    for kind, names in networks().items():
        files = [Path(split) / f"{network}.json" for split in SPLITS for network in names]
        accuracy[kind] = 100 * mean(content(results / "accuracy" / file)["top1"] for file in files)
        seconds[kind] = mean(content(results / "provenance" / file)["seconds"] for file in files)
    base = accuracy.pop("base")
    differences = {kind: reached - base for kind, reached in accuracy.items()}
    return {"recipe": name, "base": base, **differences, "base, s": seconds["base"], "B7B, s": seconds["B7B"]}


def content(file: Path) -> dict:
    """Return the content of a JSON file."""
    return json.loads(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    candidates, cores = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "all"
    rows = []
    for name, changes in yaml.safe_load(candidates.read_text(encoding="utf-8")).items():
        results = REPOSITORY / "results" / "recipes" / name
        train(results, changes or {}, cores)
        rows.append(row(name, results))
        print(pd.DataFrame(rows[-1:]).to_string(index=False, float_format="%.2f"), flush=True)
    record(f"recipes-{candidates.stem}", pd.DataFrame(rows), "accuracies of the last test")
