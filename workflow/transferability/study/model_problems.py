"""What is wrong with the models that a configuration names, each on its own, and together with the sizes of images."""

from collections.abc import Iterator, Mapping

from transferability.common.errors import InputError
from transferability.study.architectures import catalogue, house_names, is_of_a_library, sizes_in_words
from transferability.study.model import ALL, Model, given_model, given_row, main_model
from transferability.study.schema_errors import Key, Problem, did_you_mean


def model_problems(config: Mapping) -> Iterator[Problem]:
    """Yield each key of a well-formed configuration whose value does not fit the model, and what is wrong with it."""
    found: dict[Key, str] = {}  # one problem for each key
    for key, text in _problems(config):
        found.setdefault(key, text)
    yield from found.items()


def _problems(config: Mapping) -> Iterator[Problem]:
    models = _models(config)
    for section, model in models.items():
        yield from _model_problems(section, model)
        yield from _pixel_problems(section, model)
        yield from _size_problems(config, model)
    if ("network",) in models:
        yield from _preserved_problems(config, models["network",])
    yield from _too_large(config)


def _models(config: Mapping) -> dict[Key, Model]:
    """The models that the study trains, by the configuration's section that names them."""
    rows = {name: given_row(config, name) for name in config["given"]["weights"]} if _is_given(config) else {}
    own = {("given", "weights", name): given_model(config, name) for name, row in rows.items() if len(row) > 1}
    needs_main = set(config["experiments"]) != {"given"} or not all("architecture" in row for row in rows.values())
    return ({("network",): main_model(config)} if needs_main or not rows else {}) | own


def _is_given(config: Mapping) -> bool:
    return "given" in config["experiments"]


def _model_problems(section: Key, model: Model) -> Iterator[Problem]:
    known = sorted({*catalogue(), *house_names()})
    if model.architecture not in known and not is_of_a_library(model.architecture):
        hint = did_you_mean(model.architecture, known, called=lambda name: name.rpartition("/")[2])
        text = f"{model.architecture} given; {hint}accepted: {', '.join(house_names())}, torchvision/NAME, timm/NAME"
        yield (*section, "architecture"), text
        return
    try:
        last = len(model.layers) - 1
        _ = model.blueprint
    except InputError as error:
        yield (*section, "architecture"), str(error)
        return
    if model.numbers != ALL and max(model.numbers) > last:
        text = f"{max(model.numbers)} given; accepted: at most {last}, layer {last + 1} of {model.architecture} is new"
        yield (*section, "n"), text


def _preserved_problems(config: Mapping, model: Model) -> Iterator[Problem]:
    n, m = (max(config["preserved"][key], default=0) for key in "nm")
    if "preserved" not in config["experiments"]:
        return
    try:
        last = len(model.layers) - 1
    except InputError:  # reported already
        return
    if n + m > last:
        text = f"{m} given with preserved.n {n}; accepted: n + m at most {last}, layer {last + 1} is always new"
        yield ("preserved", "m"), text


def _pixel_problems(section: Key, model: Model) -> Iterator[Problem]:
    for key in ("mean", "std"):
        if model.pixels[key] and not is_of_a_library(model.architecture):
            text = f"{model.pixels[key]} given; accepted: null, {model.architecture} takes pixels less the mean image"
            yield (*section, "pixels", key), text
    if model.pixels["std"] and min(model.pixels["std"]) <= 0:
        yield (*section, "pixels", "std"), f"{model.pixels['std']} given; accepted: three numbers, more than 0"


def _sizes(config: Mapping) -> Iterator[tuple[Key, int | None]]:
    yield ("training", "input_size"), config["training"]["input_size"]
    yield ("reduced", "training", "input_size"), config["reduced"]["training"].get("input_size")


def _size_problems(config: Mapping, model: Model) -> Iterator[Problem]:
    row = catalogue().get(model.architecture)
    for key, size in _sizes(config):
        if size and row and size not in row.sizes:
            text = f"{size} given; accepted with network.architecture {model.architecture}: {sizes_in_words(row.sizes)}"
            yield key, text


def _too_large(config: Mapping) -> Iterator[Problem]:
    image_size = config["dataset"]["image_size"]
    for key, size in _sizes(config):
        if size and size > image_size:
            yield key, f"{size} given; accepted: at most dataset.image_size, which is {image_size}"
