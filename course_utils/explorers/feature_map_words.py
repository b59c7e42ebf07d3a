"""What the explorer of feature maps says: on a layer, a cell, the network's answers."""

import math

from torch import Tensor

from course_utils.activations import Layer
from course_utils.explorers.answers import Answers
from course_utils.explorers.drawing import number, percent
from course_utils.explorers.feature_map_scene import Scene


def status(scene: Scene) -> list[str]:
    """All that is said about a scene, in sentences."""
    layer = scene.layer
    sentences = [f"Layer {scene.place}, {layer.name} ({layer.kind}), {gives(layer)}."]
    sentences += scene.cautions
    if scene.maps is not None:
        sentences.append(_cell(scene))
    return [*sentences, _answers(scene)]


def facts(layer: Layer) -> str:
    """Kind, output, parameters and receptive field of a layer, in one line."""
    parts = [f"{layer.kind} {gives(layer)}"]
    if layer.parameters:
        parts.append(f"{layer.parameters:,} parameters")
    if layer.receptive_field is not None:
        parts.append(f"receptive field: {layer.receptive_field}")
    return "  ·  ".join(parts)


def gives(layer: Layer) -> str:
    """What comes out of a layer, as "gives 32 maps of 7 × 7"."""
    if layer.is_map:
        channels, height, width = layer.shape
        return f"gives {_count(channels, 'map')} of {height} × {width}"
    return layer.reason if layer.reason.startswith("gives") else f"gives {layer.reason}"


def cautions(values: Tensor | None, calls: int) -> list[str]:
    """What must be said so that a layer's output is not misunderstood.

    Args:
        values: the output, if it is a tensor.
        calls: how often the layer ran.
    """
    sentences = []
    if calls > 1:
        sentences.append(f"It runs {calls} times; the last output is shown.")
    if values is None:
        return sentences
    if values.is_complex():
        sentences.append("Its numbers are complex, which are not drawn.")
    elif values.ndim > 1 and len(values) > 1:
        sentences.append(f"It gives {len(values)} outputs for one picture; the first is shown.")
    if wrong := int((~values.isfinite()).sum()):
        sentences.append(f"{_count(wrong, 'number')} of it: NaN or infinite, drawn as 0.")
    return sentences


def _cell(scene: Scene) -> str:
    """The number in the cell; of a convolution, how it was found and what PyTorch gives."""
    where = scene.named.capitalize()
    if not scene.is_vector:
        where += f", row {scene.cell[0]}, column {scene.cell[1]}"
    if not math.isfinite(scene.value):
        return f"{where}: {scene.value}."
    total = scene.cell_sum
    if total is None:
        return f"{where}: {number(scene.value)}."
    bias = "" if total.bias is None else " and the bias"
    give = "gives" if total.products == 1 and not bias else "give"
    return (
        f"{where}: by hand, {_count(total.products, 'product')}{bias} {give} "
        f"{number(total.total)}; PyTorch gives {number(total.library)}."
    )


def _answers(scene: Scene) -> str:
    """The likeliest class, and what it is with the channel switched off."""
    if scene.before.reason is not None:
        return scene.before.reason
    sentence = f"The network's answer: {_likeliest(scene.before)}"
    if scene.after is None:
        return f"{sentence}."
    without = scene.after.reason or f"{_likeliest(scene.after)}."
    return f"{sentence}; with {scene.named} switched off: {without}"


def _likeliest(answers: Answers) -> str:
    name, probability = answers.likeliest[0]
    return f"{name} ({percent(probability)})"


def _count(number_of: int, thing: str) -> str:
    return f"{number_of:,} {thing}" if number_of == 1 else f"{number_of:,} {thing}s"
