"""The networks of experiment `given` by the names that advice and configuration use for them."""

from transferability.common.errors import InputError, some_of
from transferability.study.network import Network, given_name, repeat_of
from transferability.study.study_plan import StudyPlan

LISTED = 12  # names in an error


def first_repeats(study: StudyPlan) -> dict[str, Network]:
    """Return the networks of repeat 0 of all given networks, by name: "NAME/A15~3B"."""
    given = study.experiments["given"]
    return {f"{given_name(n.split)}/{n.name}": n for n in given if repeat_of(n.split) == 0}


def first_repeat(study: StudyPlan, name: str) -> Network:
    """Return the network of repeat 0 called NAME/A15~3B, or A15~3B if only one given network has it.

    Raises InputError for other names.
    """
    known = first_repeats(study)
    found = [network for key, network in known.items() if name in (key, network.name)]
    if len(found) != 1:
        wrong = "several given networks have it" if found else "the study has no such network"
        raise InputError(f"config key model: {name} given; {wrong}; accepted: {some_of(list(known), LISTED) or 'none'}")
    return found[0]
