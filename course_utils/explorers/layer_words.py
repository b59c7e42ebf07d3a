"""What the common layers do, in one sentence each."""

from torch import nn

# The first kind that fits is taken.
_SENTENCES: tuple[tuple[tuple[type[nn.Module], ...], str], ...] = (
    (
        (nn.Conv1d, nn.Conv2d, nn.Conv3d),
        "Each number is a sum of products of a window of the input with a kernel.",
    ),
    (
        (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
        "Each number of the input spreads a kernel over the output.",
    ),
    ((nn.Linear,), "Each number is a sum of products of all inputs with weights of its own."),
    (
        (nn.modules.batchnorm._BatchNorm,),
        "Each channel is scaled and shifted, by numbers measured in training.",
    ),
    ((nn.LayerNorm, nn.GroupNorm), "Numbers are scaled to the same mean and spread."),
    ((nn.ReLU,), "Numbers below 0 become 0, the others stay."),
    ((nn.ReLU6,), "Numbers below 0 become 0, numbers above 6 become 6, the others stay."),
    (
        (nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AdaptiveMaxPoolNd),
        "Each number is the largest of a window of the input.",
    ),
    (
        (nn.modules.pooling._AvgPoolNd, nn.modules.pooling._AdaptiveAvgPoolNd),
        "Each number is the mean of a window of the input.",
    ),
    (
        (nn.Identity, nn.modules.dropout._DropoutNd),
        "Outside of training, numbers pass unchanged.",
    ),
    ((nn.Flatten,), "The same numbers, in one row."),
    ((nn.Softmax,), "Numbers become probabilities."),
    (
        (nn.Sigmoid, nn.Tanh, nn.SiLU, nn.GELU, nn.ELU, nn.LeakyReLU, nn.Hardswish, nn.Hardtanh),
        "Each number goes through the same curve.",
    ),
)


def what_it_does(module: nn.Module) -> str:
    """One sentence on what a layer computes in evaluation mode."""
    for kinds, sentence in _SENTENCES:
        if isinstance(module, kinds):
            return sentence
    if any(True for _ in module.children()):
        return "A block: what its layers give together."
    return f"A layer of the class {type(module).__name__}."
