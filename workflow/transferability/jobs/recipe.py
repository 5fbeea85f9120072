"""What determines a network: its recipe and its input files; and the mark, a checksum of both."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from transferability.common.checksums import file_sha256, fingerprint
from transferability.common.tables import read_index, read_manifest, table_digest
from transferability.jobs.rates_file import chosen_rate
from transferability.jobs.weights_files import weights_says
from transferability.store.reading import StoreFiles, check_description
from transferability.store.square import Square
from transferability.study.blueprint import builder
from transferability.study.files import Results
from transferability.study.network import Network
from transferability.study.rates import family_of, is_searched, searched_split
from transferability.study.study_plan import StudyPlan
from transferability.study.training_settings import training_of, used_of


def training_code(architecture: str) -> tuple[str, str]:
    """Return the modules that, with all their imports, determine the result of training an architecture."""
    return "jobs.assembly", builder(architecture)


@dataclass(frozen=True)
class Recipe:
    """How a network is trained, by value: a change in how these values follow from its name changes the mark.

    Seeds are derived from `name`, for example "random-0/A3B+"; `network` is the result of `Network.facts`. The first
    `copied` layers come from the base network; the first `frozen` layers are not trained. `architecture` holds the
    fields of a Blueprint. `training` is the section of the configuration, `seed` the study's seed, and `code` the
    checksum of the training code. In a set of folds, `fold` is the one for validation.
    """

    name: str
    network: Mapping
    copied: int
    frozen: int
    architecture: Mapping
    square: Mapping
    training: Mapping
    seed: int
    torch: str
    code: str
    fold: int | None


@dataclass(frozen=True)
class Source:
    """The input files of a network. `weights` is the base network that it copies layers from, or None."""

    index: Path
    store: Path
    checksums: Path
    description: Path
    manifest: Path
    weights: Path | None = None

    @property
    def store_files(self) -> StoreFiles:
        """The files of the store."""
        return StoreFiles(self.index, self.store, self.checksums, self.description)


@cache
def _torch() -> str:
    return version("torch")


def recipe_of(study: StudyPlan, network: Network, code: str, rate: float | None = None) -> Recipe:
    """Return the recipe of a network of a study; `code` is the checksum of the training code.

    Its learning rate is `rate` or, where the configuration gives several, the one that was found for its family. Raises
    OSError if that is not known yet, InputError for a damaged file.
    """
    training = training_of(study.config, network.examples)
    if rate is None and is_searched(training):
        rate = chosen_rate(study.results.rates(searched_split(network.split), family_of(network)))
    if rate is not None:
        training = {**training, "learning_rate": rate}
    return Recipe(
        name=f"{network.split}/{network.name}",
        network=network.facts(),
        copied=network.copied,
        frozen=network.frozen,
        architecture=asdict(study.model(network.split).blueprint),
        square=asdict(Square.of(study.config["dataset"])),
        training=training,
        seed=study.config["seed"],
        torch=_torch(),
        code=code,
        fold=study.fold(network.split),
    )


def source_of(results: Results, network: Network) -> Source:
    """Return the input files of a network of a study."""
    return Source(
        index=results.index,
        store=results.store,
        checksums=results.store_checksums,
        description=results.store_description,
        manifest=results.manifest(network.split, network.target),
        weights=results.weights(network.split, f"base{network.source}") if network.copied else None,
    )


def data_digests(source: Source) -> dict[str, str]:
    """Return the checksums stored with a network's input files; whoever reads a file compares its content with them."""
    digests = {"index": _kept(table_digest, source.index), "manifest": _kept(table_digest, source.manifest)}
    digests["store"] = _kept(file_sha256, source.description)  # it holds the checksum of the pixels
    return digests | ({"weights": _kept(weights_says, source.weights).sha256} if source.weights else {})


def mark_of(recipe: Recipe, source: Source) -> str:
    """Return the mark of a network: it changes if and only if the recipe, the code or the data change.

    Raises OSError for a file that cannot be read, InputError for damaged weights.
    """
    return fingerprint([deciding(recipe), data_digests(source)])


def deciding(recipe: Recipe) -> dict:
    """Return a recipe as plain data, without the keys of its training that decide nothing."""
    used = used_of(recipe.training, fine_tunes=recipe.copied > recipe.frozen)
    return _numbers(asdict(recipe) | {"training": used})


def _numbers(content):
    """The same plain data, with equal numbers written in the same way: 0.0 as 0."""
    if isinstance(content, Mapping):
        return {key: _numbers(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_numbers(value) for value in content]
    return int(content) if isinstance(content, float) and content.is_integer() else content


def _kept(digest: Callable, path: Path):
    """The result of `digest` for a file, cached while the file is unchanged: all networks of a task share it."""
    status = path.stat()
    return _digest(digest, path, (status.st_ino, status.st_size, status.st_mtime_ns))


@cache
def _digest(digest: Callable, path: Path, _status: tuple):
    return digest(path)


def check_sources(sources: Collection[Source]) -> None:
    """Raise InputError if an index, a manifest or the description of a store is damaged: marks use their checksums."""
    for files in {source.store_files for source in sources}:
        read_index(files.index)
        check_description(files)
    for manifest in {source.manifest for source in sources}:
        read_manifest(manifest)
