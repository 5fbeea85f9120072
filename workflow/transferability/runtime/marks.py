"""What the marks of a study's networks should be, compared with those of the files that are there."""

from transferability.common.errors import InputError
from transferability.jobs.recipe import mark_of, recipe_of, source_of
from transferability.jobs.weights_files import REMEDY, weights_says
from transferability.runtime.finished import products_of
from transferability.study.network import GIVEN, Network
from transferability.study.study_plan import StudyPlan


def expected_mark(study: StudyPlan, network: Network, code: str) -> str:
    """Return the mark that a network of a study has when it is trained now, with the code of that checksum.

    Raises OSError where a file that it is made from is not there, InputError for damaged weights.
    """
    return mark_of(recipe_of(study, network, code), source_of(study.results, network))


def is_up_to_date(study: StudyPlan, network: Network, code: str) -> bool:
    """Whether what is there of a network is whole, and what the study asks for.

    It is not where that cannot be known, as what it is made from is not there.
    """
    try:
        return products_of(study.results, network).mark() == expected_mark(study, network, code)
    except (OSError, InputError):
        return False


def check_base(study: StudyPlan, network: Network, code: str) -> None:
    """Raise InputError if the weights that a network is to copy are not those of its base network in this study.

    Of a given network's they have to be the ones that were taken over for this split.
    """
    if not network.copied:
        return
    base = Network(network.split, network.source, network.source)
    path = study.results.weights(base.split, base.name)
    says = weights_says(path, f"{base.split}/{base.name}")
    is_given = network.split.startswith(GIVEN) and network.source == "A"
    if not is_given and says.mark != expected_mark(study, base, code):
        raise InputError(f"{path} was trained by other code, settings or data than this study's; {REMEDY}")
