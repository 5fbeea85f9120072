"""How a recipe trains the default study: python benchmarks/recipes.py CANDIDATES.yaml [cores]

CANDIDATES.yaml maps names to configurations, of which each says what it changes of config/config.yaml. Of each one 24
networks are trained, on both halves of two random splits: base, all layers copied and trained again (B8B+), the first
seven copied and frozen (B7B, A7B) or fine-tuned (B7B+, A7B+). The table gives their mean accuracies, in percent, base
first, the others as the difference from it in points, and core-seconds per network; `figure2` is an estimate of the
minutes that Figure 2's 120 networks take on two cores, with 40 s for all else. What is finished is not trained again.
"""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml
from record import record

REPOSITORY = Path(__file__).parents[1]
SPLITS = ("random-0", "random-1")
NETWORKS = {"control": "{}8{}+", "B7B": "{}7{}", "B7B+": "{}7{}+", "A7B": "{other}7{}", "A7B+": "{other}7{}+"}
FIGURE2, ELSE = 120, 40  # networks; seconds of a study in which nothing is trained


def networks() -> dict[str, list[str]]:
    """Names of the networks on each split, by what they are in the table."""
    halves = (("A", "B"), ("B", "A"))
    named = {kind: [name.format(half, half, other=other) for half, other in halves] for kind, name in NETWORKS.items()}
    return {"base": ["baseA", "baseB"]} | named


def train(results: Path, changes: dict, cores: str) -> None:
    """Train the networks of one candidate, and draw the first layer's kernels."""
    results.mkdir(parents=True, exist_ok=True)
    config = results / "recipe.yaml"
    changes = {"results_dir": str(results), "splits": {"random": 2, "manmade_natural": False}} | changes
    config.write_text(yaml.safe_dump(changes | {"random_filters": False, "reduced": {"examples_per_class": []}}))
    files = [
        f"{results}/accuracy/{split}/{name}.json" for split in SPLITS for kind in networks().values() for name in kind
    ]
    command = [sys.executable, "-m", "snakemake", *files, f"{results}/filters.png", "--cores", cores, "--quiet", "all"]
    subprocess.run([*command, "--configfile", str(config)], cwd=REPOSITORY, check=True)


def row(name: str, results: Path) -> dict:
    """What the networks of a candidate reach, as a row of the table."""
    accuracy, seconds = {}, []
    for kind, names in networks().items():
        files = [(split, network) for split in SPLITS for network in names]
        tops = [json.loads((results / "accuracy" / s / f"{n}.json").read_text())["top1"] for s, n in files]
        times = [json.loads((results / "provenance" / s / f"{n}.json").read_text())["seconds"] for s, n in files]
        accuracy[kind] = 100 * sum(tops) / len(tops)
        seconds.append(sum(times) / len(times))
    base = accuracy.pop("base")
    differences = {kind: mean - base for kind, mean in accuracy.items()}
    mean = 0.5 * seconds[0] / 29 + (28 / 29) * (seconds[2] + seconds[3]) / 2
    return {"recipe": name, "base": base, **differences, "seconds": mean, "figure2": (FIGURE2 * mean / 2 + ELSE) / 60}


if __name__ == "__main__":
    candidates, cores = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "all"
    rows = []
    for name, changes in yaml.safe_load(candidates.read_text(encoding="utf-8")).items():
        results = REPOSITORY / "results" / "recipes" / name
        train(results, changes or {}, cores)
        rows.append(row(name, results))
        print(pd.DataFrame(rows[-1:]).to_string(index=False, float_format="%.2f"), flush=True)
    record(f"recipes-{candidates.stem}", pd.DataFrame(rows), "accuracies of the last test")
