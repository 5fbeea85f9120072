"""Weights of a user's network: read from a file without running any code in it, and fitted to a model.

Files often wrap weights (`{"state_dict": ..., "epoch": 90}`) and prefix their names (`module.backbone.fc.weight`). Both
are removed and logged. Entries that do not fit raise an error: no entry is ever left out silently.
"""

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file

from transferability.common.errors import InputError, first_line, some_of
from transferability.models.layers import layer_keys

log = logging.getLogger(__name__)

SAVE_SO = "save the weights alone: torch.save(model.state_dict(), FILE), or safetensors.torch.save_file"
# Entries under which training programs save weights. Averaged weights, whatever the rest of their name, take precedence
# over all others: they are the weights that their authors tested.
AVERAGED = re.compile(r"(^|_)(ema|swa|averaged?|shadow)(_|$)")
DEEPEST = 5  # nested wrappers that are removed at most: a file may contain itself
WRAPPERS = ("state_dict", "model_state_dict", "model", "module")
# Objects that programs save beside weights (options, numbers, paths), by their names in files. `Unread` stands in for
# all of them, so torch's own list of allowed objects stays as it is. No code of numpy is allowed, as it makes arrays of
# a file's raw bytes.
_IN_NUMPY = [f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")]
_PATHS = [f"{module}.{system}Path" for module in ("pathlib", "pathlib._local") for system in ("Posix", "Windows")]
BESIDE = ["argparse.Namespace", "numpy.dtype", "numpy.ndarray", *_IN_NUMPY, *_PATHS]
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # further classifiers of GoogLeNet and Inception, used only in training
COUNTER = "num_batches_tracked"  # a counter of BatchNorm, which files from before 2018 lack; it has no effect here
NAMED = 6  # entries of each kind that an error names


class Unread:
    """Stands in for an object of a file that is not weights: accepts any arguments and state, and ignores them."""

    __slots__ = ()

    def __new__(cls, *_):
        """Return an instance, whatever arguments the file has for the class that it names."""
        return super().__new__(cls)

    def __init__(self, *_):
        pass

    def __setstate__(self, state):
        """Ignore the state."""


def read_given(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a file by name, without wrappers; raise InputError if none can be read."""
    start = _first_bytes(path)
    if start[8:9] != b"{" and not start.startswith((b"PK", b"\x80")):
        raise InputError(
            f"{path} begins with {start[:24]!r}: it is neither a safetensors file nor one that torch saved; "
            "download it again, or convert it"
        )
    try:
        if start[8:9] == b"{":
            return load_file(path)
        with torch.serialization.safe_globals([(Unread, name) for name in BESIDE]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # readers of damaged files raise exceptions of many types
        raise InputError(f"{path} {_why_unreadable(error)}") from error
    return _unwrapped(content, path)


def _first_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise InputError(f"{path} is a directory; give a file of weights")
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        raise InputError(f"{path} is empty; get it again")
    if start.startswith(b"version https://git-lfs"):
        raise InputError(f"{path} only points to the file of weights in Git LFS; get it with git lfs pull")
    return start


def _why_unreadable(error: Exception) -> str:
    """Condense torch's long message: why a file cannot be read, and what to do."""
    if "TorchScript" in str(error):
        return f"holds a TorchScript program, which is not run; {SAVE_SO}"
    if "Weights only load failed" in str(error):
        told = [line.strip() for line in str(error).splitlines() if "Unsupported" in line or "GLOBAL" in line]
        return f"holds more than weights, which is not run ({told[0] if told else first_line(error)}); {SAVE_SO}"
    return f"is damaged or no file of weights ({first_line(error)}); get it again"


def _unwrapped(content: object, path: Path) -> dict[str, torch.Tensor]:
    wrappers = []
    while isinstance(content, Mapping) and len(wrappers) < DEEPEST:
        averaged = [name for name in content if AVERAGED.search(str(name).lower())]
        wrapper = next((name for name in (*averaged, *WRAPPERS) if _holds_weights(content.get(name))), None)
        if wrapper is None:
            break
        wrappers.append(wrapper)
        content = content[wrapper]
    if not isinstance(content, Mapping):
        raise InputError(f"{path} holds a {type(content).__name__}, no state dict; {SAVE_SO}")
    tensors = {str(name): value.detach() for name, value in content.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        entries = ", ".join(map(str, list(content)[:NAMED])) or "none"
        raise InputError(f"{path} holds no weights, its entries are: {entries}; {SAVE_SO}")
    if odd := [name for name, tensor in tensors.items() if not _is_plain(tensor)]:
        raise InputError(
            f"{path}: {len(odd)} entries are sparse, nested or without numbers: {some_of(odd, NAMED)}; save them dense"
        )
    if wrappers:
        log.info("%s: the weights in its entry %s", path, ".".join(wrappers))
    return tensors


def _is_plain(tensor: torch.Tensor) -> bool:
    return tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_nested


def _holds_weights(content: object, deepest: int = DEEPEST) -> bool:
    """Return whether an entry is a state dict or wraps one: the decay rate of an average, for instance, does not."""
    if not isinstance(content, Mapping) or not deepest:
        return False
    values = content.values()
    return any(
        (isinstance(value, torch.Tensor) and value.dim()) or _holds_weights(value, deepest - 1) for value in values
    )


def fitted(
    tensors: Mapping[str, torch.Tensor],
    model: torch.nn.Module,
    layers: Mapping[str, torch.nn.Module],
    path: Path,
    also: Mapping[str, torch.Size] | None = None,
) -> dict[str, torch.Tensor]:
    """Return the weights of all layers of a model except the last, the classifier, as float32, by the model's names.

    `tensors` are the tensors of the file `path`; `also` has the shapes of further entries that the file must have.
    Raises an InputError that lists the entries that are missing, left over or of another shape, and an InputError for
    numbers that are not finite or have less than float32's precision.
    """
    own = layer_keys(model, layers)
    *copied, classifier = own
    state = model.state_dict()
    shapes = {key: state[key].shape for name in copied for key in own[name]} | dict(also or {})
    prefix = _prefix(tensors, shapes, path)
    found = {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
    heads = tuple(key.rpartition(".")[0] + "." for key in own[classifier]) + AUXILIARY
    _check_names(found, shapes, {*state, *shapes}, heads, path)
    chosen = {key: found[key] if key in found else torch.zeros(shapes[key], dtype=torch.int64) for key in shapes}
    _check_numbers({key: tensor for key, tensor in chosen.items() if state.get(key, tensor).is_floating_point()}, path)
    if aside := [key for key in tensors if key.removeprefix(prefix) not in shapes]:
        log.info("%s: not copied: %s", path, some_of(aside, NAMED))
    log.info(
        "%s: %d of %d entries of %d layers%s",
        path,
        len(chosen),
        len(shapes),
        len(copied),
        f", without the prefix {prefix}" if prefix else "",
    )
    return {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in chosen.items()}


def _prefix(tensors: Iterable[str], wanted: Collection[str], path: Path) -> str:
    """The prefix, with its dot, under which more than half of the wanted names are found; "" if there is none."""
    found = Counter()
    for key in tensors:
        parts = key.split(".")
        for first in range(len(parts)):
            if ".".join(parts[first:]) in wanted:
                found[".".join([*parts[:first], ""])] += 1
    whole = [prefix for prefix, names in found.most_common() if names > len(wanted) / 2]
    if len(whole) > 1:
        raise InputError(
            f"{path} holds the network more than once, as {' and '.join(f'{prefix}*' for prefix in whole)}; save only "
            "the one that you mean"
        )
    return whole[0] if whole else ""


def _check_names(
    found: Mapping[str, torch.Tensor],
    shapes: Mapping[str, torch.Size],
    known: Collection[str],
    heads: tuple[str, ...],
    path: Path,
) -> None:
    missing = [key for key in shapes if key not in found and not key.endswith(COUNTER)]
    left = [key for key in found if key not in known and not key.startswith(heads)]
    other = [
        f"{key} {_shape(found[key].shape)} where {_shape(shapes[key])} is expected"
        for key in shapes
        if key in found and found[key].shape != shapes[key]
    ]
    faults = {"missing": missing, "left over": left, "of another shape": other}
    told = [f"{len(keys)} {kind}: {some_of(keys, NAMED)}" for kind, keys in faults.items() if keys]
    if told:
        remedy = _renaming(missing, left, found, shapes) or (
            "give network.architecture, and the training.input_size, that these weights were trained with"
        )
        raise InputError(f"{path} does not fit: {'; '.join(told)}; {remedy}")


def _renaming(
    missing: Sequence[str], left: Sequence[str], found: Mapping[str, torch.Tensor], shapes: Mapping[str, torch.Size]
) -> str:
    """The remedy if the left-over tensors have the shapes of the missing ones, which then have other names; else "".

    Torch files keep the order of the model, so the same order of shapes shows which names correspond; safetensors files
    sort the names.
    """
    missing, given = [name for name in missing if shapes[name]], [name for name in left if found[name].dim()]
    wanted, there = [shapes[name] for name in missing], [found[name].shape for name in given]
    if not wanted or Counter(wanted) - Counter(there):
        return ""
    if wanted != there[: len(wanted)]:
        return (
            "the tensors left over have the shapes of the missing ones under other names, as in another library: "
            "rename them to the missing names, and save them again"
        )
    pairs = [f"{theirs} is {ours}" for ours, theirs in zip(missing, given, strict=False)]
    return (
        "the tensors left over have the same shapes in the same order as the missing ones, under other names: this is "
        f"probably the same architecture with another library's names ({some_of(pairs)}); rename them in this order, "
        "and save them again"
    )


def _check_numbers(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    coarse = [key for key, tensor in tensors.items() if tensor.dtype not in (torch.float32, torch.float64)]
    if coarse:
        kinds = ", ".join(sorted({str(tensors[key].dtype).removeprefix("torch.") for key in coarse}))
        raise InputError(
            f"{path}: {len(coarse)} entries are {kinds}; in float32 this network may behave differently than when it "
            f"was trained: {some_of(coarse, NAMED)}; give the float32 weights or, if there are none, convert these: "
            "{name: tensor.float() for name, tensor in weights.items()}"
        )
    if wrong := [key for key, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise InputError(
            f"{path}: {len(wrong)} entries have NaN or infinite numbers: {some_of(wrong, NAMED)}; get it again"
        )


def _shape(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape)) or "a number"
