"""A model's forward method as a torch.fx graph, with its blocks kept whole."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import fx, nn
from torch.nn import functional


def trace(model: nn.Module) -> fx.Graph:
    """Return the graph of a model, which is the same in training and evaluation.

    Functional dropout that depends on the model's mode becomes a module of the model, without a state. Raises an error
    of any type if the forward method cannot be traced, and ValueError if the mode changes the graph in other ways.
    """
    with unchanged(model):
        training, evaluation = (_Tracer().trace(model.train(mode)) for mode in (True, False))
    _make_dropout_modules(model, training, evaluation)
    if str(training) != str(evaluation):
        raise ValueError("its forward method does something else in training")
    return evaluation


def weights(module: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that are matrices; those of norms and scales are vectors, whatever their dimensions."""
    return [parameter for parameter in module.parameters() if parameter.numel() > max(parameter.shape, default=1)]


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Restore each module's mode and other attributes (some models cache results), and the random state, at the end."""
    before = [(module, dict(vars(module))) for module in model.modules()]
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        for module, attributes in before:
            vars(module).clear()
            vars(module).update(attributes)


def _is_chain(module: nn.Module) -> bool:
    """Return whether a module only passes its input through its children, one after the other."""
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _is_block(module: nn.Module) -> bool:
    return not _is_chain(module) and len(weights(module)) > 1


def _holds_blocks(module: nn.Module) -> bool:
    """Return whether a module contains a sequence of blocks only: it is then a stage, or the whole body of a network.

    Several children of one class that are blocks are a sequence, too, if their parent loops over its children itself.
    """
    for row in module.modules():
        children = [child for child in row.children() if not isinstance(child, nn.Identity)]
        alike = len(children) > 1 and len(set(map(type, children))) == 1 and not isinstance(row, nn.Sequential)
        if (_is_chain(row) or isinstance(row, nn.ModuleList) or alike) and children and all(map(_is_block, children)):
            return True
    return False


class _Tracer(fx.Tracer):
    """Traces inside chains and modules with sequences of blocks, where possible; other modules are kept whole."""

    def create_args_for_root(self, root_fn: Callable, is_module: bool, concrete_args=None) -> tuple[Callable, list]:
        """Pass only images to the forward method: its optional arguments keep their defaults."""
        return root_fn, [self.root, self.create_proxy("placeholder", "x", (), {})]

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Return whether a module is kept whole."""
        return not _is_chain(m) and not _holds_blocks(m)

    def call_module(self, m: nn.Module, forward: Callable, args: tuple, kwargs: dict) -> object:
        """Trace inside a module, or keep it whole if that fails."""
        before, stack = len(self.graph.nodes), self.module_stack.copy()
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception:  # its content cannot be traced
            for node in list(self.graph.nodes)[: before - 1 : -1]:
                self.graph.erase_node(node)
            self.module_stack = stack
            return self.create_proxy("call_module", self.path_of_module(m), args, kwargs)


def _make_dropout_modules(model: nn.Module, training: fx.Graph, evaluation: fx.Graph) -> None:
    """Replace calls of functional dropout that are active in training only; in a graph their state is a constant."""
    for number, pair in enumerate(zip(list(training.nodes), list(evaluation.nodes), strict=False)):
        if any(node.target is not functional.dropout for node in pair):
            continue
        given = [node.normalized_arguments(model, normalize_to_only_use_kwargs=True).kwargs for node in pair]
        if given[0]["training"] and not given[1]["training"]:
            name = f"functional_dropout{number}"
            model.add_module(name, nn.Dropout(given[0]["p"], given[0]["inplace"]).train(model.training))
            for node, arguments in zip(pair, given, strict=True):
                node.op, node.target, node.args, node.kwargs = "call_module", name, (arguments["input"],), {}
