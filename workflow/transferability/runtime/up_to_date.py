"""The expected marks of a study's networks, compared with the marks of the existing files."""

from collections.abc import Mapping

from transferability.common.errors import InputError
from transferability.jobs.recipe import mark_of, recipe_of, source_of, training_code
from transferability.jobs.weights_files import REMEDY, weights_says
from transferability.runtime.code import code_fingerprint
from transferability.runtime.finished_copies import products_of
from transferability.study.network import GIVEN, Network
from transferability.study.study_plan import StudyPlan


def code_of(study: StudyPlan) -> dict[str, str]:
    """Return the checksum of the training code for each architecture of a study."""
    return {name: code_fingerprint(*training_code(name)) for name in study.models if name}


def expected_mark(study: StudyPlan, network: Network, code: Mapping[str, str]) -> str:
    """Return the mark that a network of a study would get if it were trained now; `code` is that of `code_of`.

    Raises OSError if an input file is missing, InputError for damaged weights.
    """
    own_code = code[study.model(network.split).architecture]
    return mark_of(recipe_of(study, network, own_code), source_of(study.results, network))


def is_up_to_date(study: StudyPlan, network: Network, code: Mapping[str, str]) -> bool:
    """Whether the products of a network are complete and match the study.

    False if that is unknown because an input file is missing.
    """
    try:
        return products_of(study.results, network).mark() == expected_mark(study, network, code)
    except (OSError, InputError):
        return False


def check_base(study: StudyPlan, network: Network, code: Mapping[str, str]) -> None:
    """Raise InputError if the weights that a network copies are not those of its base network in this study.

    The weights of a given network must be those that were imported for this split.
    """
    if not network.copied:
        return
    base = Network(network.split, network.source, network.source)
    path = study.results.weights(base.split, base.name)
    says = weights_says(path, f"{base.split}/{base.name}")
    is_given = network.split.startswith(GIVEN) and network.source == "A"
    if not is_given and says.mark != expected_mark(study, base, code):
        raise InputError(f"{path} was trained by other code, settings or data than this study's; {REMEDY}")
