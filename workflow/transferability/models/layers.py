"""Any model as an ordered list of named layers, without changing the model.

The model is traced by torch.fx, with its blocks (usually residual blocks) kept whole. It can be cut wherever a single
tensor is passed on. A layer begins at each module with weights; the operations after it up to the next such module
(normalisation, ReLU, pooling) belong to it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import fx, nn
from torch.func import functional_call

from transferability.common.errors import InputError, first_line
from transferability.models.tracing import trace, unchanged, weights

SIZES = (224, 32, 64, 128, 256, 299, 384, 448)  # sizes to try the cuts with, if the caller gives none


def as_layers(model: nn.Module, size: int | None = None) -> dict[str, nn.Sequential]:
    """Return the layers of a model by name, in order: applied one after the other they compute the same as the model.

    The modules of a layer share parameters and buffers with `model`, which stays their owner: use its state dict, and
    its `train`, `eval` and `requires_grad_`. Move the model to its device first. Names are the model's own names of its
    modules, with dots. The cuts are tried on the meta device with square images of `size` pixels, or else of the first
    of `SIZES` that the model accepts. Raises InputError if the model cannot be cut.
    """
    if isinstance(model, nn.Sequential) and all(isinstance(child, nn.Sequential) for child in model):
        return dict(model.named_children())
    try:
        graph = trace(model)
        trial = _tried(model, graph, (size,) if size else SIZES)
        layers = _layers(model, _segments(graph, trial.tensors), trial)
        _check(layers, trial.classes)
    except Exception as error:  # third-party code may raise anything while it is traced
        raise InputError(
            f"{type(model).__name__} cannot be cut into layers ({first_line(error)}); accepted: another architecture, "
            "or a nn.Sequential of named nn.Sequential layers"
        ) from error
    return layers


def layer_keys(model: nn.Module, layers: Mapping[str, nn.Module]) -> dict[str, list[str]]:
    """Return the names in the model's state dict that belong to each layer."""
    owners: dict[int, str] = {}
    for name, layer in layers.items():
        for tensor in (*layer.parameters(), *layer.buffers()):
            owners.setdefault(id(tensor), name)
    keys: dict[str, list[str]] = {name: [] for name in layers}
    for key, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) in owners:
            keys[owners[id(tensor)]].append(key)
    return keys


@dataclass(frozen=True)
class _Trial:
    """The result of running a graph: which nodes give a tensor, which of these change later, and how many classes."""

    tensors: set[fx.Node]
    changed: set[fx.Node]
    classes: int


class _Recorder(nn.Module):
    """Runs a graph and keeps the tensor of each node with its version at the time; in-place operations raise it."""

    def __init__(self, module: fx.GraphModule):
        super().__init__()
        self.module = module
        self.versions: dict[fx.Node, tuple[torch.Tensor, int]] = {}

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the output of the graph."""
        recorder = self

        class Interpreter(fx.Interpreter):
            def run_node(self, node: fx.Node) -> object:
                """Run a node, and note its tensor."""
                value = super().run_node(node)
                if isinstance(value, torch.Tensor):
                    if value.numel() == 0:
                        raise ValueError("a feature map shrinks to nothing")
                    recorder.versions[node] = value, value._version
                return value

        return Interpreter(self.module, garbage_collect_values=False).run(images)


def shapes_only(module: nn.Module, size: int) -> torch.Tensor:
    """Run a module on two square images on the meta device: its output has a shape, but no values.

    The module is not changed. It runs in training mode, in which modules usually do not fill caches.
    """
    tensors = {}
    for above, part in module.named_modules():
        for name, tensor in (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)):
            tensors[f"{above}.{name}".lstrip(".")] = tensor.to("meta")
    images = torch.empty(2, 3, size, size, device="meta")
    with unchanged(module), torch.no_grad():
        # Each tensor is passed by name: with tie_weights functional_call would miss modules that occur several times.
        return functional_call(module.train(), tensors, images, tie_weights=False)


def _tried(model: nn.Module, graph: fx.Graph, sizes: Sequence[int]) -> _Trial:
    """Run a graph without values, on images of the first of these sizes that it accepts."""
    for size in sizes:
        recorder = _Recorder(fx.GraphModule(model, graph))
        try:
            output = shapes_only(recorder, size)
        except Exception as error:
            if size == sizes[-1]:
                raise ValueError(f"images of {size} pixels: {first_line(error)}") from error
            continue
        if not isinstance(output, torch.Tensor) or output.dim() != 2:
            raise ValueError("it does not give one number per image and class")
        versions = recorder.versions.items()
        changed = {node for node, (value, version) in versions if value._version != version}
        return _Trial(set(recorder.versions), changed, output.shape[1])
    raise AssertionError("no size to try")


def _segments(graph: fx.Graph, tensors: set[fx.Node]) -> Iterator[tuple[fx.Node, list[fx.Node]]]:
    """Yield the nodes between one point where a single tensor is passed on and the next, after the node before them."""
    entry, *nodes, _output = graph.nodes
    nodes = [node for node in nodes if node.op != "get_attr"]  # not placed: it is copied to where it is used
    place = {node: number for number, node in enumerate(nodes)}
    alive_until = {node: max((place.get(user, len(nodes)) for user in node.users), default=-1) for node in graph.nodes}
    begin, latest = 0, alive_until[entry]
    for end, node in enumerate(nodes):
        if node in tensors and latest <= end < alive_until[node]:
            yield entry, nodes[begin : end + 1]
            entry, begin = node, end + 1
        latest = max(latest, alive_until[node])


def _layers(
    model: nn.Module, segments: Iterator[tuple[fx.Node, list[fx.Node]]], trial: _Trial
) -> dict[str, nn.Sequential]:
    """Group segments into layers, each of which begins with weights; segments before the first layer join it."""
    layers: dict[str, list[nn.Module]] = {}
    before: list[nn.Module] = []
    for entry, nodes in segments:
        name = _name(model, nodes)
        if name:
            layers[name] = [] if layers else before
        pieces = next(reversed(layers.values())) if layers else before
        if layers and not pieces and entry in trial.changed:
            pieces.append(_Copy())
        pieces.append(_piece(model, entry, nodes))
    return {name: nn.Sequential(*pieces) for name, pieces in layers.items()}


def _name(model: nn.Module, nodes: Sequence[fx.Node]) -> str | None:
    """The name of the module with weights that these nodes call; if several, of the module that holds only these."""
    targets = [node.target for node in nodes if node.op == "call_module"]
    weighty = [target for target in targets if weights(model.get_submodule(target))]
    if not weighty:
        return None
    above = weighty[0].split(".")
    while above and not all(f"{target}.".startswith(".".join(above) + ".") for target in weighty):
        above.pop()
    inside = {id(weight) for target in weighty for weight in weights(model.get_submodule(target))}
    if above and all(id(weight) in inside for weight in weights(model.get_submodule(".".join(above)))):
        return ".".join(above)
    return weighty[0]


def _piece(model: nn.Module, entry: fx.Node, nodes: Sequence[fx.Node]) -> nn.Module:
    """These nodes as a module: the model's own module, if they only call it."""
    if len(nodes) == 1 and nodes[0].op == "call_module" and nodes[0].args == (entry,) and not nodes[0].kwargs:
        return model.get_submodule(nodes[0].target)
    graph = fx.Graph()
    copies = {entry: graph.placeholder("x")}

    def copied(node: fx.Node) -> fx.Node:
        """Return the copy of a node, after copying the nodes that it needs."""
        if node not in copies:
            copies[node] = graph.node_copy(node, copied)
        return copies[node]

    graph.output([copied(node) for node in nodes][-1])
    return fx.GraphModule(model, graph)


class _Copy(nn.Module):
    """Copies the input of a layer that begins with an in-place operation, as the caller may keep the features."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return a copy."""
        return features.clone()


def _check(layers: Mapping[str, nn.Sequential], classes: int) -> None:
    """Raise ValueError unless there are several layers, the last one classifies, and none share weights."""
    if len(layers) < 2:
        raise ValueError("it has fewer than two layers that one tensor passes between")
    if all(weight.shape[0] != classes for weight in weights(next(reversed(layers.values())))):
        raise ValueError(f"its last layer, {next(reversed(layers))}, is not the classifier")
    seen: set[int] = set()
    for name, layer in layers.items():
        own = set(map(id, layer.parameters()))
        if own & seen:
            raise ValueError(f"layer {name} shares weights with one before it")
        seen |= own
