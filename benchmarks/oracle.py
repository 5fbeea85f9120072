"""An oracle for a study of given networks: python benchmarks/oracle.py RESULTS [--own CLASS=NUMBER ...]

For each given network and each n of the study, it computes the accuracy of ridge regression in closed form on the
features of the first n layers (training images, centre crop, mean over positions), tested on the validation images.
Nothing is trained, and nothing is random. --own gives the number of each class in the given network's own classifier;
with it, the accuracy of that classifier among these classes is computed too, as n = all layers. Writes
RESULTS/oracle.csv.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
import torch
import yaml
from torch.nn import functional

from transferability.common.atomic_files import write_text
from transferability.jobs.given import given_layers
from transferability.models.building import build_model
from transferability.models.given_weights import read_given
from transferability.models.layers import as_layers
from transferability.planning.checks.model_inputs import model_inputs
from transferability.store.reading import StoreFiles
from transferability.store.square import Square
from transferability.study.files import Results
from transferability.study.grid import given_splits
from transferability.study.study_plan import StudyPlan
from transferability.tasks.task import Task, read_task

BATCH = 100
IMAGENET = 1000  # classes of the given networks' own classifiers
PENALTY = 1.0  # times the number of training images; features are standardised


def ridge_accuracy(
    train: tuple[torch.Tensor, torch.Tensor], val: tuple[torch.Tensor, torch.Tensor], penalty: float = PENALTY
) -> float:
    """Return the accuracy on `val` of ridge regression on one-hot labels, fitted to `train`: features, labels (int64).

    The dual form, (K + penalty N I) a = y with K the inner products of standardised features (Hoerl & Kennard 1970).
    """
    (x, labels), (x_val, labels_val) = ((part[0].double(), part[1]) for part in (train, val))
    mean, std = x.mean(0), x.std(0) + 1e-6
    x, x_val = (x - mean) / std, (x_val - mean) / std
    wanted = functional.one_hot(labels).double()
    gram = x @ x.T + penalty * len(x) * torch.eye(len(x), dtype=torch.float64)
    scores = x_val @ x.T @ torch.linalg.solve(gram, wanted - wanted.mean(0)) + wanted.mean(0)
    return float((scores.argmax(1) == labels_val).double().mean())


def task_of(results: Path, config: Mapping) -> Task:
    """Return the task of a study's given networks: all classes."""
    names = ("index.csv", "store.npy", "store.crc32.npy", "store.json")
    manifest = Results(results).manifest(given_splits(config)[0], "B")
    return read_task(StoreFiles(*(results / name for name in names)), Square.of(config["dataset"]), manifest)


def features_of(config: Mapping, file: Path, task: Task) -> Iterator[dict[str, torch.Tensor]]:
    """Yield the outputs of each layer of a given network for the training ("train") and validation images ("val").

    The last layer is the network's own classifier.
    """
    study = StudyPlan(config)
    size = study.input_size
    model = build_model(study.main.blueprint, size, IMAGENET)
    layers = as_layers(model, size)
    taken = given_layers(file, study.main.blueprint, size, study.image_size)
    state = model.state_dict()
    own = {name: tensor for name, tensor in read_given(file).items() if name in state}
    model.load_state_dict(own | taken)
    model.eval()
    subsets = {"train": task.train, "val": task.val}
    values = {name: model_inputs(study, images.store[images.rows]) for name, images in subsets.items()}
    for layer in layers.values():
        values = {name: torch.cat([layer(part) for part in value.split(BATCH)]) for name, value in values.items()}
        yield values


def oracle_table(results: Path, config: Mapping, own: Mapping[str, int]) -> pd.DataFrame:
    """Return the accuracies described in the module's docstring: columns source, n, layer, images, accuracy."""
    task, names, rows = task_of(results, config), StudyPlan(config).layers, []
    labels = {"train": torch.from_numpy(task.train.labels), "val": torch.from_numpy(task.val.labels)}
    for source, file in config["given"]["weights"].items():
        for n, values in enumerate(features_of(config, Path(file).expanduser(), task), 1):
            row = [source, n, names[n - 1], len(task.val)]
            if n in config["network"]["n"]:
                pooled = {k: v.mean((2, 3)) if v.dim() == 4 else v.flatten(1) for k, v in values.items()}
                pairs = [(pooled[subset], labels[subset]) for subset in ("train", "val")]
                rows.append([*row, ridge_accuracy(*pairs)])
            elif n == len(names) and own:
                chosen = values["val"][:, [own[name] for name in task.wnids]].argmax(1)
                rows.append([*row, float((chosen == labels["val"]).double().mean())])
    return pd.DataFrame(rows, columns=["source", "n", "layer", "images", "accuracy"])


def main() -> None:
    """Write the table of a study that is finished, or whose images are at least packed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--own", nargs="+", default=[], metavar="CLASS=NUMBER")
    arguments = parser.parse_args()
    config = yaml.safe_load((arguments.results / "configuration.yaml").read_text(encoding="utf-8"))
    own = {name: int(number) for name, number in (pair.split("=") for pair in arguments.own)}
    with torch.no_grad():
        table = oracle_table(arguments.results, config, own)
    write_text(arguments.results / "oracle.csv", table.to_csv(index=False))
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
