"""The smoke study of models of torchvision and timm, end to end."""

import pandas as pd
import pytest

from tests.conftest import RESULTS, SMOKE, Checkout
from transferability.study.architectures import catalogue

WHOLE = {"timm/test_resnet": 20}  # networks; the other two are of the same code
ONE_SPLIT = "splits={random: 1, manmade_natural: false}"
MADE = ["accuracy.csv", "figure2.pdf", "advice.md"]
OF_THE_WHOLE = ["filters.pdf", "curves.pdf", "figure3.pdf", "figureS1.pdf", "claims.md", "effects.md", "table1.md"]
OTHERS = ["preserved={n: [], m: []}", "reduced={examples_per_class: []}", "random_filters=false", "treatments=[AnB]"]


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["timm/test_resnet", "timm/test_vit", "torchvision/mobilenet_v3_small"])
def test_the_smoke_study_of_a_model_of_a_library_runs_end_to_end(tmp_path, architecture):
    study = Checkout(tmp_path / "checkout")
    n = "[2]" if architecture in WHOLE else "[3]"
    config = [f"network={{architecture: {architecture}, n: {n}}}", ONE_SPLIT]
    config += ["training={optimizer: sgd, learning_rate: 0.05, length: 2 epochs}"]
    config += [] if architecture in WHOLE else OTHERS
    made = [*MADE, *(OF_THE_WHOLE if architecture in WHOLE else [])]
    targets = [f"{RESULTS}/{name}" for name in made]
    study.snakemake(*targets, *SMOKE, "--config", *config)
    results = study.root / "results" / "smoke"
    accuracies = pd.read_csv(results / "accuracy.csv")
    assert len(accuracies) == WHOLE.get(architecture, 4)
    assert set(accuracies["n"]) >= {0, 2 if architecture in WHOLE else 3}
    for name in made:
        assert (results / name).stat().st_size > (5000 if name.endswith(".pdf") else 100), name
    layer = catalogue()[architecture].layers[1 if architecture in WHOLE else 2]
    assert layer in (results / "advice.md").read_text(encoding="utf-8")
    assert "claims.md" not in made or "eight layers" in (results / "claims.md").read_text(encoding="utf-8")
    assert len(study.trained("results/smoke")) == len(accuracies)
    assert study.pending(*targets, *SMOKE, "--config", *config) == {}
