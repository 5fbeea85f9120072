"""How a recipe trains the default study: python benchmarks/recipes.py CANDIDATES.yaml [cores]

CANDIDATES.yaml maps names to configurations, of which each says what it changes of config/config.yaml. Of each one 24
networks are trained, on both halves of two random splits: base, all layers copied and trained again (B8B+), the first
seven copied and frozen (B7B, A7B) or fine-tuned (B7B+, A7B+). The table gives their mean accuracies, in percent, base
first, the others as the difference from it in points, and the seconds that a base network and one with seven frozen
layers take. What is finished is not trained again.
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
    """Names of the networks on each split, by what they are in the table."""
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
    """What the networks of a candidate reach, as a row of the table."""
    accuracy, seconds = {}, {}
    for kind, names in networks().items():
        files = [Path(split) / f"{network}.json" for split in SPLITS for network in names]
        accuracy[kind] = 100 * mean(content(results / "accuracy" / file)["top1"] for file in files)
        seconds[kind] = mean(content(results / "provenance" / file)["seconds"] for file in files)
    base = accuracy.pop("base")
    differences = {kind: reached - base for kind, reached in accuracy.items()}
    return {"recipe": name, "base": base, **differences, "base, s": seconds["base"], "B7B, s": seconds["B7B"]}


def content(file: Path) -> dict:
    """What a JSON file holds."""
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
