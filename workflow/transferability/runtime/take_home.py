"""The weights of a network that is taken home: training keeps those of base networks only, so it is trained again."""

import logging
from collections.abc import Mapping
from dataclasses import replace

from transferability.jobs.accuracy_file import read_record
from transferability.jobs.recipe import recipe_of, source_of, training_code
from transferability.jobs.take_home import check_can_be_taken_home
from transferability.runtime.code import check_code
from transferability.runtime.finished_copies import Finished, Products
from transferability.runtime.job import Job, train_or_restore
from transferability.runtime.up_to_date import check_base
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan

log = logging.getLogger(__name__)

FOLDER = "model"  # below the directory of states


def trained_with_weights(
    study: StudyPlan, network: Network, codes: Mapping[str, str], threads: int, runtime: float
) -> Products:
    """Train a network of a study once more and keep its weights; return its products, below the study's states.

    A warning is logged if its accuracy file differs from the study's, as it may on another kind of machine. `codes` are
    the checksums of the training code, by architecture. Raises InputError for a built-in architecture, and what
    `train_or_restore` raises.
    """
    architecture, root = study.model(network.split).architecture, study.results.state / FOLDER
    recipe = recipe_of(study, network, codes[architecture])
    check_can_be_taken_home(recipe)
    check_code(codes[architecture], *training_code(architecture))
    check_base(study, network, codes)
    folder = root / network.split
    products = Products(*(folder / f"{network.name}.{kind}" for kind in ("json", "provenance.json", "safetensors")))
    job = replace(Job.of(study, threads, runtime), state_root=root)
    train_or_restore(recipe, source_of(study.results, network), products, job)
    Finished(root, network.split, network.name).settle(products)
    _compare(study, network, products)
    return products


def _compare(study: StudyPlan, network: Network, products: Products) -> None:
    theirs = study.results.accuracy(network.split, network.name)
    if products.accuracy.read_bytes() == theirs.read_bytes():
        log.info("the same accuracy file as %s, byte for byte", theirs)
        return
    here, there = read_record(products.accuracy), read_record(theirs)
    log.warning(
        "this training gave %.2f %%, the study's (%s) %.2f %%: another kind of machine, or another number of threads, "
        "rounds differently",
        100 * here["top1"],
        theirs,
        100 * there["top1"],
    )
