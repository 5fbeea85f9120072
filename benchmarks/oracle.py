"""An oracle for a study of given networks: python benchmarks/oracle.py RESULTS [--own CLASS=NUMBER ...]

For each given network, each n of the study and all layers but the classifier, it computes the accuracy of ridge
regression in closed form on the features of the first n layers (training images, centre crop, mean over positions),
tested on the validation images, as the mean over folds. Nothing is trained, and nothing is random. --own gives the
number of each class in the given network's own classifier; with it, the accuracy of that classifier among these classes
is computed too, as n = all layers. Writes RESULTS/oracle.csv.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from torch.nn import functional

from transferability.common.atomic_files import write_text
from transferability.common.subsets import in_subset
from transferability.common.tables import read_index
from transferability.jobs.given import given_layers
from transferability.models.building import build_model
from transferability.models.given_weights import read_given
from transferability.models.layers import as_layers
from transferability.planning.checks.model_inputs import model_inputs
from transferability.store.reading import StoreFiles, open_store
from transferability.store.square import Square
from transferability.study.model import given_row
from transferability.study.study_plan import StudyPlan

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


def features_of(study: StudyPlan, name: str, pixels: np.ndarray) -> Iterator[torch.Tensor]:
    """Yield the outputs of each layer of a given network for images, uint8 (images, size, size, 3), RGB.

    The last layer is the network's own classifier.
    """
    model, file = study.given[name], Path(given_row(study.config, name)["weights"]).expanduser()
    network = build_model(model.blueprint, study.input_size, IMAGENET)
    layers = as_layers(network, study.input_size)
    taken = given_layers(file, model.blueprint, study.input_size, study.image_size)
    state = network.state_dict()
    network.load_state_dict({key: tensor for key, tensor in read_given(file).items() if key in state} | taken)
    network.eval()
    values = model_inputs(study, model, pixels)
    for layer in layers.values():
        values = torch.cat([layer(part) for part in values.split(BATCH)])
        yield values


def oracle_table(study: StudyPlan, own: Mapping[str, int]) -> pd.DataFrame:
    """Return the accuracies described in the module's docstring: columns given, n, layer, images, accuracy."""
    results, rows = study.results, []
    index = read_index(results.index)
    files = StoreFiles(results.index, results.store, results.store_checksums, results.store_description)
    pixels = open_store(files, Square.of(study.config["dataset"]))[np.arange(len(index))]
    wnids = sorted(index["wnid"].unique())
    labels = torch.from_numpy(index["wnid"].map(wnids.index).to_numpy())
    folds = range(study.config["dataset"]["folds"] or 1)
    validated = [in_subset(index, "val", study.fold(f"given-{k}")).to_numpy() for k in folds]
    for name, model in study.given.items():
        last = len(model.layers)
        for n, values in enumerate(features_of(study, name, pixels), 1):
            row = [name, n, model.layers[n - 1], sum(map(sum, validated))]
            if n in model.n or n == last - 1:
                pooled = values.mean((2, 3)) if values.dim() == 4 else values.flatten(1)
                parts = [
                    ((pooled[~val], labels[~val]), (pooled[val], labels[val])) for val in map(torch.tensor, validated)
                ]
                rows.append([*row, float(np.mean([ridge_accuracy(*pair) for pair in parts]))])
            elif n == last and own:
                chosen = values[:, [own[wnid] for wnid in wnids]].argmax(1) == labels
                rows.append(
                    [*row, float(np.mean([chosen[val].double().mean() for val in map(torch.tensor, validated)]))]
                )
    return pd.DataFrame(rows, columns=["given", "n", "layer", "images", "accuracy"])


def main() -> None:
    """Write the table of a study that is finished, or whose images are at least packed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--own", nargs="+", default=[], metavar="CLASS=NUMBER")
    arguments = parser.parse_args()
    config = yaml.safe_load((arguments.results / "configuration.yaml").read_text(encoding="utf-8"))
    own = {name: int(number) for name, number in (pair.split("=") for pair in arguments.own)}
    with torch.no_grad():
        table = oracle_table(StudyPlan(config), own)
    write_text(arguments.results / "oracle.csv", table.to_csv(index=False))
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
