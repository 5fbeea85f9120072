"""Edits in every module that a training job runs: the dry run plans retraining, or the edit changes no result.

An edit that decides a result has to show in what Snakemake compares: the code of a training or of the rules that make
what it trains on, or the parameters of the training rules (recipes). One that decides none is tried: networks have the
same bytes.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import warm
from tests.conftest import REPOSITORY
from tests.unit.runtime.test_code import code_of
from transferability.jobs.recipe import training_code
from transferability.runtime.code import code_fingerprint

LIBRARY = "workflow/transferability"

# What Snakemake compares, of every network of the default study and of the stages before training.
COMPARED = """
import json, sys
from dataclasses import asdict
from pathlib import Path
import yaml
from transferability.runtime.code import code_fingerprint
from transferability.jobs.recipe import recipe_of, training_code
from transferability.study.study_plan import StudyPlan
config = yaml.safe_load(Path("config/config.yaml").read_text(encoding="utf-8"))
code = code_fingerprint(*training_code(config["network"]["architecture"]))
study = StudyPlan(config)
recipes = [asdict(recipe_of(study, network, code)) for network in study.networks]
stages = [code_fingerprint(*names) for names in json.loads(sys.argv[1])]
print(json.dumps([recipes, stages]))
"""
CODE = [training_code("caffenet-mini"), *([f"scripts.{name}"] for name in ("draw_pictures", "index", "pack", "split"))]

DECIDE = [
    ("models/architectures/caffenet", "nn.MaxPool2d(3, 2, ceil_mode=True)", "nn.MaxPool2d(3, 2, ceil_mode=False)"),
    ("models/architectures/caffenet_mini", "PIXEL_SCALE = 1 / 32", "PIXEL_SCALE = 1 / 16"),
    ("models/building", "module.bias.fill_(bias)", "module.bias.fill_(0)"),
    ("models/classifier", "module.weight.zero_()", "module.weight.fill_(1)"),
    (
        "jobs/assembly",
        "read_weights(source.weights, base), recipe.copied, recipe.frozen",
        "read_weights(source.weights, base), 1, 1",
    ),
    ("tasks/task", 'index[subsets["train"]], manifest, examples)', 'index[subsets["train"]], manifest)'),
    ("jobs/assembly", "mean = _kept_mean_image(task, recipe, source, means)", "mean = 0 * mean_image(task.train)"),
    ("jobs/assembly", '"val_images": len(task.val)', '"val_images": 0'),
    ("training/compilation", '"fallback_random": True', '"fallback_random": False'),
    ("tasks/task", "cumcount() < per_class", "cumcount() <= per_class"),
    ("training/preprocessing", "generator=generator) < 0.5", "generator=generator) < 0.4"),
    ("training/batches", "TEST_BATCH = 500", "TEST_BATCH = 400"),
    ("training/optimizers", "alpha=factor * rate * decay", "alpha=rate * decay"),
    ("common/seeds", ">> 1", ">> 2"),
    ("study/training_settings", "math.ceil(int(number)", "math.floor(int(number)"),
    ("study/training_settings", 'config["reduced"]["training"] if examples else {}', "{}"),
    ("store/reading", "images = self._pixels[rows]", "images = self._pixels[rows][:, ::-1]"),
    ("common/tables", "keep_default_na=False", "keep_default_na=True"),
    ("training/precision", "torch.use_deterministic_algorithms(True)", "torch.use_deterministic_algorithms(False)"),
    ("models/layered", "place >= layers", "place > layers"),
    ("models/layered", "list(keys)[:layers]", "list(keys)[: layers + 1]"),
    ("training/trainer", 'self._seed_of("iteration", self.iteration)', 'self._seed_of("iteration")'),
    ("training/evaluation", "scores.argmax(1)", "scores.argmin(1)"),
    ("models/layered", "modules[fixed][0] < self.frozen", "modules[fixed][0] <= self.frozen"),
    ("jobs/weights_files", "file.get_tensor(key)", "2 * file.get_tensor(key)"),
    ("study/network", "return 0 if self.fine_tuned else self.n", "return self.n"),
    ("study/network", "else self.n + self.preserved", "else self.n"),
    (
        "study/network",
        'return "base"\n        if self.source == RANDOM',
        'return "basis"\n        if self.source == RANDOM',
    ),
    ("study/network", '"target": self.target,', '"target": self.source,'),
    ("jobs/recipe", "frozen=network.frozen", "frozen=network.copied"),
    ("jobs/recipe", 'name=f"{network.split}/{network.name}"', "name=network.name"),
    ("jobs/recipe", 'seed=study.config["seed"]', "seed=1"),
    (
        "study/study_plan",
        "networks in self.experiments.values() for network in networks))",
        "networks in self.experiments.values() for network in networks[1:]))",
    ),
    ("study/grid", 'for k in range(config["splits"]["random"])]', "for k in range(1)]"),
    ("common/checksums", "sort_keys=True", "sort_keys=False, indent=1"),
    ("datasets/pictures", "quality=92", "quality=80"),
    ("datasets/drawing", "MUTATION = 1.0", "MUTATION = 1.5"),
    ("datasets/wordnet", 'ARTIFACT = "n00021939"', 'ARTIFACT = "n00021938"'),
    ("store/decoding", "Resampling.BILINEAR", "Resampling.BICUBIC"),
    ("store/meaning", "grey = 255 - grey", "pass"),
    ("datasets/formats/suffixes", 'or name == "MPO"', ""),
    ("datasets/formats/imagefolder", '"train" if "val" in chosen', '"val" if "val" in chosen'),
    ("datasets/formats/subsets", '("val", "validation", "valid", "test")', '("test", "val", "validation", "valid")'),
    ("datasets/holding_out", 'wnid"].value_counts() + 0.5)', 'wnid"].value_counts())'),
    ("datasets/groups", "duplicated(keep=False)", "duplicated()"),
    ("common/subsets", 'held_out if subset == "val"', 'held_out if subset == "train"'),
    ("jobs/answers", '"<u2" if classes', '">u2" if classes'),
    ("datasets/formats/archives", "sorted(name for name in found", "list(name for name in found"),
    ("datasets/formats/cifar100", "planes.transpose(1, 2, 0)", "planes.transpose(2, 1, 0)"),
    ("datasets/index", '["subset", "wnid", "path"]', '["subset", "path", "wnid"]'),
    ("tasks/splits", "RandomState([k])", "RandomState(k)"),
    (
        "jobs/assembly",
        "except OSError as error:\n        log.warning",
        "except (OSError, MemoryError) as error:\n        log.warning",
    ),
    ("store/reading", "(ValueError, EOFError, IndexError, AttributeError, TypeError)", "(ValueError, EOFError)"),
    ("store/square", 'fit: str = "stretch"', 'fit: str = "center-crop"'),
    ("jobs/weights_files", "(SafetensorError, ValueError, KeyError)", "(SafetensorError, ValueError)"),
    ("models/decay", "(class|cls|", "(cls|"),
    ("models/layers", "SIZES = (224, 32,", "SIZES = (32, 224,"),
    ("models/tracing", "len(weights(module)) > 1", "len(weights(module)) > 2"),
    ("training/features", "keep = self._feature_bytes", "keep = 0 * self._feature_bytes"),
    ("training/views", "batch % len(self._pixels)", "(batch + 1) % len(self._pixels)"),
    ("models/fast_forms", "1.5 * ALPHA", "1.4 * ALPHA"),
    ("study/blueprint", "return self.library is None", "return self.library is not None"),
    ("jobs/assembly", "if (state := watch.saved()) is not None", "if (state := watch.saved()) is None"),
    ("jobs/assembly", "        trainer.resume(state)\n", ""),
    ("store/packing", "image[:] = pixels", "image[:] = 255 - pixels"),
    ("datasets/image_files", "self.paths[row])", "self.paths[-row])"),
    ("datasets/wordnet", "row.hypernyms.split()", "row.hypernyms.split()[:1]"),
]

DO_NOT = [
    ("models/architectures/caffenet", '"""A convolutional layer', '"""One convolutional layer'),
    ("tasks/task", "lists no {subset} images of", "has no {subset} images of"),
    ("jobs/assembly", "computing the mean of", "computes the mean of"),
    ("training/compilation", "give false, or install a C++", "give false or install a C++"),
    ("training/preprocessing", "# Reversing all axes", "# To reverse all axes"),
    ("common/errors", "free disk space and run again", "make room and run again"),
    ("common/atomic_files", 'UNFINISHED = ".unfinished"', 'UNFINISHED = ".part"'),
    ("study/files", 'self.logs / "train"', 'self.logs / "training"'),
    ("study/unlisted", '"unlisted.json"', '"described.json"'),
    ("jobs/provenance", "round(seconds, 2)", "round(seconds, 3)"),
    ("runtime/finished_copies", "mark[:16]", "mark[:20]"),
    ("runtime/code", "the code was edited after", "code was edited after"),
    ("common/own_process", "check=False", "check=bool()"),
    ("common/resources", "small data files", "data files"),
    ("study/architectures", " in steps of {sizes.step}", " by {sizes.step}"),
    ("runtime/devices", "uses device %s", "has device %s"),
    ("runtime/locks", "POLL = 0.5", "POLL = 0.1"),
    ("common/worker_pool", "GRACE = 600.0", "GRACE = 300.0"),
    ("runtime/processes", "TRANSFERABILITY_SNAKEMAKE", "TRANSFERABILITY_PARENT"),
    ("runtime/logs", "%(asctime)s %(message)s", "%(message)s"),
    ("jobs/recipe", "cached while the file is unchanged", "cached as long as the file is unchanged"),
    ("runtime/up_to_date", "was trained by other code", "is of other code"),
    ("study/model", "What it is built from", "Of what it is built"),
    ("study/rates", "as the best rate may depend", "because the best rate may depend"),
    ("jobs/rates_file", "Return the rate that a search chose", "Return the rate of a search"),
    ("study/network", "accepted are names like baseA", "accepted are baseA"),
    ("training/optimizers", "# For all parameters of a group", "# For every parameter of a group"),
    ("runtime/progress", "EVERY = 10.0", "EVERY = 0.2"),
    (
        "jobs/accuracy_file",
        "delete it and run again to retrain this network",
        "remove it and run again to retrain this network",
    ),
    ("runtime/job", '"reads its images"', '"reads images"'),
    ("common/seeds", '"""Return a seed of 63 bits', '"""Return 63 bits'),
    ("study/training_settings", '"""Training in iterations', '"""A training in iterations'),
    ("runtime/slurm", "timeout=30", "timeout=20"),
    ("runtime/stopping", "RESERVE = 30.0", "RESERVE = 20.0"),
    ("runtime/checkpoints", 'PREVIOUS = ".previous"', 'PREVIOUS = ".before"'),
    ("store/reading", "is damaged at image", "has a damaged image"),
    ("common/tables", "(its checksum differs)", "(another checksum)"),
    ("training/trainer", "lower config key training.learning_rate", "give a lower config key training.learning_rate"),
]


class Copy:
    """A copy of library and configuration, to edit."""

    def __init__(self, root: Path):
        self.root = root
        for part in ("workflow", "config", "resources"):
            shutil.copytree(REPOSITORY / part, root / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))

    def edit(self, module: str, old: str, new: str) -> None:
        """Replace the first `old` in a module."""
        file = self.root / LIBRARY / f"{module}.py"
        before = file.read_text(encoding="utf-8")
        assert old in before, f"{module}.py holds no {old!r} any more"
        file.write_text(before.replace(old, new, 1), encoding="utf-8")

    @contextmanager
    def edited(self, module: str, old: str, new: str) -> Iterator[None]:
        """The same, taken back in the end."""
        file = self.root / LIBRARY / f"{module}.py"
        before = file.read_bytes()
        self.edit(module, old, new)
        yield
        file.write_bytes(before)

    def code(self, names: Sequence[Sequence[str]] = CODE) -> list[str]:
        """Checksums of this copy's code: of a training and of the stages before it, or as named."""
        with code_of(self.root):
            return [code_fingerprint(*each) for each in names]

    def compared(self) -> str:
        """What Snakemake would compare with this copy's code."""
        return self.python("-c", COMPARED, json.dumps(CODE))

    def python(self, *command: str) -> str:
        """Run Python on this copy; return what it prints."""
        environment = os.environ | {"PYTHONPATH": f"{self.root / 'workflow'}{os.pathsep}{REPOSITORY}"}
        run = warm.python(*command, cwd=self.root, environment=environment)
        assert run.returncode == 0, run.stdout
        return run.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("mutations") / "copy")


@pytest.fixture(scope="module")
def unedited(copy):
    """What the copy's `code` and `compared` are before edits."""
    return copy.code(), copy.compared()


@pytest.mark.parametrize(("module", "old", "new"), DECIDE, ids=[f"{edit[0]}-{edit[2][:24]}" for edit in DECIDE])
def test_what_decides_a_result_is_seen(copy, unedited, module, old, new):
    code, compared = unedited
    with copy.edited(module, old, new):
        assert copy.code() != code or copy.compared() != compared  # the latter takes longer


def test_code_that_moves_is_not_seen(tmp_path, unedited):
    copy = Copy(tmp_path / "copy")
    library = copy.root / LIBRARY
    (library / "training" / "optimizers.py").rename(library / "models" / "sgd.py")  # a module ...
    copy.edit("training/trainer", "training.optimizers", "models.sgd")
    trainer = (library / "training" / "trainer.py").read_text(encoding="utf-8")
    function = "def batch_loss" + trainer.partition("def batch_loss")[2].partition("\n\n\n")[0]  # ... and a function
    copy.edit("training/trainer", f"{function}\n\n\n", "")
    copy.edit("training/trainer", "import Answers,", "import batch_loss, Answers,")
    copy.edit("training/evaluation", "def evaluate(", f"{function}\n\n\ndef evaluate(")
    assert copy.compared() == unedited[1]
    copy.edit("training/evaluation", "label_smoothing=smoothing)", "label_smoothing=0.1)")
    assert copy.code() != unedited[0]


RUN = """
import sys
from pathlib import Path
import transferability
assert transferability.__file__.startswith(sys.argv[2]), transferability.__file__
from tests.faults.conftest import Study
study = Study(Path(sys.argv[1]))
for name in ("baseA", "A3B+"):
    assert study.run(name, state_seconds=0.0) == 0, study.log(name)  # what saves states runs, too
"""


def test_what_decides_nothing_is_not_seen_and_changes_no_result(tmp_path, unedited, undisturbed, study, table):
    copy = Copy(tmp_path / "copy")
    for module, old, new in DO_NOT:
        copy.edit(module, old, new)
    assert copy.compared() == unedited[1]
    study.forget("baseA")
    copy.python("-c", RUN, str(study.root), str(copy.root))
    for name in ("baseA", "A3B+"):
        assert study.results(name) == undisturbed.results(name)
    how = f"{len(DECIDE)} edits that decide results, {len(DO_NOT)} that do not, in every module of a training job"
    table.append(("the code is edited", how, "the former retrain, the latter do not: same bytes"))


def test_every_module_that_a_training_job_runs_is_edited():
    code = """if True:
        import json, sys, transferability.runtime.job
        modules = [name for name, module in sys.modules.items() if not hasattr(module, "__path__")]
        print(json.dumps([name for name in modules if name.startswith("transferability.")]))
    """
    loaded = json.loads(warm.python("-c", code, cwd=REPOSITORY, environment=os.environ).stdout)
    edited = {module for module, _, _ in DECIDE + DO_NOT}
    assert {module.removeprefix("transferability.").replace(".", "/") for module in loaded} <= edited
