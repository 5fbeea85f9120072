"""Edits in every module that a training job runs: the dry run plans retraining, or the edit changes no result.

An edit that decides a result has to show in what Snakemake compares: the parameters of the training rules (recipes) or
the code of the rules that make what they train on. One that decides none is tried: networks have the same bytes.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .. import warm
from ..conftest import REPOSITORY

LIBRARY = "workflow/transferability"

# What Snakemake compares, of every network of the default study and of the stages before training.
COMPARED = """
import json, sys
from dataclasses import asdict
from pathlib import Path
import yaml
from transferability.fingerprint import code_fingerprint
from transferability.marks import recipe_of
from transferability.networks import study_networks
config = yaml.safe_load(Path("config/config.yaml").read_text(encoding="utf-8"))
code = code_fingerprint("assembly")
recipes = [asdict(recipe_of(config, network, code)) for network in study_networks(config)]
stages = [code_fingerprint(*names) for names in (["picture_files"], ["layouts"], ["images", "layouts"], ["splits"])]
print(json.dumps([recipes, stages]))
"""

DECIDE = [
    ("architectures", "nn.MaxPool2d(3, 2, ceil_mode=True)", "nn.MaxPool2d(3, 2, ceil_mode=False)"),
    ("architectures", "pixel_scale=1 / 64", "pixel_scale=1 / 32"),
    ("architectures", "module.bias.fill_(bias)", "module.bias.fill_(0)"),
    ("assembly", "read_weights(source.weights), recipe.copied, recipe.frozen", "read_weights(source.weights), 1, 1"),
    ("assembly", '"train", examples)', '"train")'),
    ("assembly", "Start(_kept_mean_image(task, recipe, source, means)", "Start(0 * mean_image(task.train)"),
    ("assembly", '"val_images": len(task.val)', '"val_images": 0'),
    ("compilation", '"fallback_random": True', '"fallback_random": False'),
    ("data", "cumcount() < per_class", "cumcount() <= per_class"),
    ("data", "torch.rand(batch, device=device) < 0.5", "torch.rand(batch, device=device) < 0.4"),
    ("data", "TEST_BATCH = 500", "TEST_BATCH = 400"),
    ("optimizer", "alpha=factor * rate * decay", "alpha=rate * decay"),
    ("seeds", ">> 1", ">> 2"),
    ("settings", "math.ceil(int(number)", "math.floor(int(number)"),
    ("settings", 'config["reduced"]["training"] if examples else {}', "{}"),
    ("store", "images = self._pixels[rows]", "images = self._pixels[rows][:, ::-1]"),
    ("tables", "keep_default_na=False", "keep_default_na=True"),
    ("training", "torch.use_deterministic_algorithms(True)", "torch.use_deterministic_algorithms(False)"),
    ("training", "requires_grad_(number >= start.frozen)", "requires_grad_(number > start.frozen)"),
    ("training", "if number < start.copied", "if number <= start.copied"),
    ("training", 'self._seed("iteration", self.iteration)', 'self._seed("iteration")'),
    ("weights", "file.get_tensor(name)", "2 * file.get_tensor(name)"),
    ("networks", "return 0 if self.fine_tuned else self.n", "return self.n"),
    ("networks", "else self.n + self.preserved", "else self.n"),
    ("networks", 'return "base"\n        if self.source == RANDOM', 'return "basis"\n        if self.source == RANDOM'),
    ("networks", '"target": self.target,', '"target": self.source,'),
    ("marks", "frozen=network.frozen", "frozen=network.copied"),
    ("marks", 'name=f"{network.split}/{network.name}"', "name=network.name"),
    ("marks", 'seed=config["seed"]', "seed=1"),
    ("fingerprint", "sort_keys=True", "sort_keys=False, indent=1"),
    ("picture_files", "quality=92", "quality=80"),
    ("pictures", "import", "import os\nimport"),
    ("wordnet", 'ARTIFACT = "n00021939"', 'ARTIFACT = "n00021938"'),
    ("images", "Resampling.BILINEAR", "Resampling.BICUBIC"),
    ("layouts/rows", 'or name == "MPO"', ""),
    ("layouts/folders", '("train", "val")', '("val", "train")'),
    ("layouts/archives", "sorted(name for name in found", "list(name for name in found"),
    ("layouts/cifar", "planes.transpose(1, 2, 0)", "planes.transpose(2, 1, 0)"),
    ("layouts/__init__", '["subset", "wnid", "path"]', '["subset", "path", "wnid"]'),
    ("splits", "RandomState([k])", "RandomState(k)"),
]

DO_NOT = [
    ("architectures", '"""A convolutional layer', '"""One convolutional layer'),
    ("assembly", "lists no {subset} images of", "has no {subset} images of"),
    ("assembly", "computing the mean of", "computes the mean of"),
    (
        "assembly",
        "except OSError as error:\n        log.warning",
        "except (OSError, MemoryError) as error:\n        log.warning",
    ),
    ("compilation", "give false, or a C++ compiler", "give false or a C++ compiler"),
    ("data", "# Reversing all axes", "# To reverse all axes"),
    ("errors", "free disk space and run again", "make room and run again"),
    ("files", 'UNFINISHED = ".unfinished"', 'UNFINISHED = ".part"'),
    ("finished", "mark[:16]", "mark[:20]"),
    ("fingerprint", "the code was edited after", "code was edited after"),
    ("leases", "POLL = 0.5", "POLL = 0.1"),
    ("lifeline", "GRACE = 600.0", "GRACE = 300.0"),
    ("logs", "%(asctime)s %(message)s", "%(message)s"),
    (
        "marks",
        "delete it and run again to train this base network",
        "remove it and run again to train this base network",
    ),
    ("networks", "accepted are names like baseA", "accepted are baseA"),
    ("optimizer", "# For all parameters of a group", "# For every parameter of a group"),
    ("progress", "EVERY = 10.0", "EVERY = 0.2"),
    ("results", "delete it and run again to train this network", "remove it and run again to train this network"),
    ("runs", '"reads its images"', '"reads images"'),
    ("seeds", '"""Return a seed of 63 bits', '"""Return 63 bits'),
    ("settings", '"""Training in iterations', '"""A training in iterations'),
    ("slurm", "timeout=30", "timeout=20"),
    ("state", 'PREVIOUS = ".previous"', 'PREVIOUS = ".before"'),
    ("store", "(ValueError, EOFError, IndexError, AttributeError)", "(ValueError, EOFError)"),
    ("store", "is damaged at image", "has a damaged image"),
    ("tables", "(its checksum differs)", "(another checksum)"),
    ("training", "lower config key training.rate", "give a lower config key training.rate"),
    ("weights", "(SafetensorError, ValueError, KeyError)", "(SafetensorError, ValueError)"),
]


class Copy:
    """A copy of library and configuration, to edit."""

    def __init__(self, root: Path):
        self.root = root
        for part in ("workflow", "config", "resources"):
            shutil.copytree(REPOSITORY / part, root / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))

    def edit(self, module: str, old: str, new: str) -> str:
        """Replace the first `old` in a module; return what it held."""
        file = self.root / LIBRARY / f"{module}.py"
        before = file.read_text(encoding="utf-8")
        assert old in before, f"{module}.py holds no {old!r} any more"
        file.write_text(before.replace(old, new, 1), encoding="utf-8")
        return before

    def compared(self) -> str:
        """What Snakemake would compare with this copy's code."""
        environment = os.environ | {"PYTHONPATH": str(self.root / "workflow")}
        run = warm.python("-c", COMPARED, cwd=self.root, environment=environment)
        assert run.returncode == 0, run.stdout
        return run.stdout

    def python(self, *command: str) -> str:
        """Run Python on this copy; return what it prints."""
        environment = os.environ | {"PYTHONPATH": f"{self.root / 'workflow'}{os.pathsep}{REPOSITORY}"}
        run = subprocess.run([sys.executable, *command], cwd=self.root, env=environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return run.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("mutations") / "copy")


@pytest.fixture(scope="module")
def unedited(copy):
    return copy.compared()


@pytest.mark.parametrize(("module", "old", "new"), DECIDE, ids=[f"{edit[0]}-{edit[2][:24]}" for edit in DECIDE])
def test_what_decides_a_result_is_seen(copy, unedited, module, old, new):
    before = copy.edit(module, old, new)
    try:
        assert copy.compared() != unedited
    finally:
        (copy.root / LIBRARY / f"{module}.py").write_text(before, encoding="utf-8")


RUN = """
import sys
from pathlib import Path
import transferability
assert transferability.__file__.startswith(sys.argv[2]), transferability.__file__
from tests.faults.conftest import Study
study = Study(Path(sys.argv[1]))
for name in ("baseA", "A3B+"):
    assert study.run(name) == 0, study.log(name)
"""


def test_what_decides_nothing_is_not_seen_and_changes_no_result(tmp_path, unedited, undisturbed, study, table):
    copy = Copy(tmp_path / "copy")
    for module, old, new in DO_NOT:
        copy.edit(module, old, new)
    assert copy.compared() == unedited
    study.forget("baseA")
    copy.python("-c", RUN, str(study.root), str(copy.root))
    for name in ("baseA", "A3B+"):
        assert study.results(name) == undisturbed.results(name)
    how = f"{len(DECIDE)} edits that decide results, {len(DO_NOT)} that do not, in every module of a training job"
    table.append(("the code is edited", how, "the former retrain, the latter do not: same bytes"))


def test_every_module_that_a_training_job_runs_is_edited():
    code = (
        "import json, sys, transferability.runs; print(json.dumps([m for m in sys.modules if 'transferability.' in m]))"
    )
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    edited = {module for module, _, _ in DECIDE + DO_NOT}
    assert {module.removeprefix("transferability.").replace(".", "/") for module in loaded} <= edited
