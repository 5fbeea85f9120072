"""The parameters that weight decay does not apply to."""

import re
from fnmatch import fnmatch

from torch import nn

# The names that timm and torchvision give to tokens and positions, which are learned inputs, not weights.
INPUTS = re.compile(
    r"(^|\.)((class|cls|dist|reg|register|mask)_tokens?|pos(ition(al)?)?_embed(ding)?(_\w+)?|relative_position_bias_table)$"
)


def no_decay(model: nn.Module) -> set[str]:
    """Return the names of the parameters that are not weight matrices.

    These are biases, norms and layer scales (vectors, whatever their number of dimensions), class and other tokens,
    position embeddings, tables of relative positions, and the parameters that a timm model lists itself.
    """
    patterns = list(model.no_weight_decay()) if hasattr(model, "no_weight_decay") else []
    return {
        name
        for name, parameter in model.named_parameters()
        if parameter.numel() == max(parameter.shape, default=1)
        or INPUTS.search(name)
        or any(fnmatch(name, pattern) for pattern in patterns)
    }
