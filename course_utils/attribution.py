"""How much each pixel of a picture speaks for a class; captum does most of the work."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.activations import LayerActivations
from course_utils.models import evaluating

PIXELS_AT_ONCE = 2**17  # that go through the network together: bounds the memory


@dataclass(frozen=True)
class Method:
    """A way to explain an answer.

    Attributes:
        name: as it is written.
        signed: whether a map has negative values too: pixels that speak against the class.
    """

    name: str
    signed: bool


METHODS = {
    "saliency": Method("Saliency", signed=False),
    "integrated_gradients": Method("Integrated Gradients", signed=True),
    "occlusion": Method("Occlusion", signed=True),
    "grad_cam": Method("Grad-CAM", signed=False),
    "guided_backprop": Method("Guided Backprop", signed=True),
}


def explain(
    method: str,
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor | int,
    *,
    against: Tensor | int | None = None,
    layer: str | None = None,
    blank: Tensor | None = None,
    steps: int = 16,
    window: int | None = None,
) -> Tensor:
    """How much each pixel speaks for a class, by one of the `METHODS`.

    What is explained is the logit of class `targets`, or how far it is above the logit of class
    `against`. Where a method takes pixels away, it puts `blank` in their place.

    - saliency: how strongly the logit reacts to the pixel: the gradient's absolute value, the
      largest over the channels; never negative. Simonyan, Vedaldi and Zisserman (2014).
    - integrated_gradients: the gradient, averaged along the straight line from `blank` to the
      input, times their difference, summed over the channels. The values of a map sum to the logit
      less that of `blank`, but for the error of `steps`. Sundararajan, Taly and Yan (2017).
    - occlusion: by how much the logit falls when a blank window covers the pixel, the mean over
      the windows that do. Zeiler and Fergus (2014).
    - grad_cam: a layer's feature maps, each times its mean gradient, summed; negative values set
      to 0; enlarged bilinearly. Selvaraju et al. (2017).
    - guided_backprop: the gradient, with its negative values set to 0 on the way down through each
      ReLU or ReLU6; summed over the channels. Springenberg et al. (2015).

    Args:
        method: a key of `METHODS`.
        network: from float [N, C, H, W] to logits [N, classes]. It runs in evaluation mode and is
            left as it was.
        inputs: float [N, C, H, W], as the network takes them; moved to the network's device.
        targets, against: int64 [N], or one class for all.
        layer: for Grad-CAM, name of a module that gives maps float [N, C, h, w]; by default the
            last one with maps larger than 1 × 1.
        blank: an empty picture, float of a shape that expands to [1, C, H, W]; by default zeros:
            an even gray, if the inputs are standardized.
        steps: for Integrated Gradients, points on the line (Gauss-Legendre).
        window: for occlusion, side of the window in pixels, moved by half of it, rounded up;
            by default an eighth of the shorter side.

    Returns:
        float32 [N, H, W] on the CPU; the unit is that of the logits.

    Raises:
        ValueError: an argument or the network's output is not as described.
    """
    if method not in METHODS:
        raise ValueError(f"There is no method {method!r}: choose one of {', '.join(METHODS)}.")
    if torch.is_inference_mode_enabled():
        raise ValueError("Explanations need gradients: leave torch.inference_mode() for this call.")
    inputs, targets = checked(network, inputs, targets)
    if against is not None:
        _, against = checked(network, inputs, against)
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}.")
    side = min(inputs.shape[2:])
    window = max(1, side // 8) if window is None else window
    if not 1 <= window <= side:
        raise ValueError(f"window must be from 1 to {side} pixels, not {window}.")

    settings = _Settings(layer, blank_like(inputs[:1], blank), steps, window)
    batch_size = max(1, PIXELS_AT_ONCE // inputs[0, 0].numel())
    maps = []
    with evaluating(network):  # captum switches gradients on where it needs them
        if method == "grad_cam":
            last_maps = _map_layer(network, inputs[:1].clone(), layer)
            settings = settings._replace(layer=last_maps)
        for start in range(0, len(inputs), batch_size):
            part = slice(start, start + batch_size)
            batch = inputs[part].detach().clone().requires_grad_()
            classes = targets[part], None if against is None else against[part]
            found = _attribute(method, network, batch, classes, batch_size, settings)
            maps.append(found.detach().float().cpu())
    return torch.cat(maps)


class _Settings(NamedTuple):
    """Arguments of `explain` that only some methods read; `blank` is [1, C, H, W]."""

    layer: str | None
    blank: Tensor
    steps: int
    window: int


def _attribute(
    method: str,
    network: nn.Module,
    inputs: Tensor,
    classes: tuple[Tensor, Tensor | None],
    batch_size: int,
    settings: _Settings,
) -> Tensor:
    """`explain` for one batch, on the network's device."""
    from captum import attr

    score = partial(_score, network)
    match method:
        case "saliency":
            slopes = attr.Saliency(score).attribute(inputs, additional_forward_args=classes)
            return slopes.amax(1)
        case "integrated_gradients":
            parts = attr.IntegratedGradients(score).attribute(
                inputs,
                settings.blank,
                additional_forward_args=classes,
                n_steps=settings.steps,
                internal_batch_size=batch_size,
            )
            return parts.sum(1)
        case "occlusion":
            channels, window = inputs.shape[1], settings.window
            stride = (window + 1) // 2
            drops = attr.Occlusion(score).attribute(
                inputs,
                sliding_window_shapes=(channels, window, window),
                strides=(channels, stride, stride),
                baselines=settings.blank,
                additional_forward_args=classes,
                perturbations_per_eval=batch_size // len(inputs),
            )
            return drops[:, 0]  # a window covers all channels: their values are the same
        case "grad_cam":
            coarse = attr.LayerGradCam(score, network.get_submodule(settings.layer)).attribute(
                inputs, additional_forward_args=classes, relu_attributions=True
            )
            return attr.LayerAttribution.interpolate(coarse, inputs.shape[2:], "bilinear")[:, 0]
        case "guided_backprop":
            slopes = attr.Saliency(lambda *args: _guided(score(*args))).attribute(
                inputs, abs=False, additional_forward_args=classes
            )
            return slopes.sum(1)


def _score(network: nn.Module, inputs: Tensor, targets: Tensor, against: Tensor | None) -> Tensor:
    """What is explained, [N]: the logit of `targets`, less that of `against`."""
    # A network may start with an operation in place, which autograd forbids on its input itself.
    logits = logits_of(network, inputs.clone())
    if torch.is_grad_enabled() and not logits.requires_grad:
        raise ValueError("The network's output has no gradient: its forward() switches them off.")
    score = pick(logits, targets)
    return score if against is None else score - pick(logits, against)


def _guided(output: Tensor) -> Tensor:
    """`output`; on the way back from it each ReLU passes only the positive part of a gradient on.

    The autograd graph knows each use of a ReLU: as module or function, in place, used twice.
    captum's GuidedBackprop knows modules only, and no ReLU6.
    """
    relus = 0
    nodes, seen = [output.grad_fn], set()
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        nodes += [following for following, _ in node.next_functions]
        if node.name() == "ReluBackward0" or (
            node.name() == "HardtanhBackward0" and node._saved_min_val == 0
        ):
            relus += 1
            node.register_hook(lambda gradients, _: tuple(F.relu(g) for g in gradients))
    if not relus:
        raise ValueError("Guided Backprop needs a network with ReLU or ReLU6; this one has none.")
    return output


def _map_layer(network: nn.Module, example: Tensor, layer: str | None) -> str:
    """`layer` if it gives maps [N, C, h, w] larger than 1 × 1; for None the last one that does."""
    layers = None if layer is None else [layer]
    with LayerActivations(network, layers) as activations, torch.no_grad():
        network(example)
    maps = [
        name
        for name, output in activations.items()
        if output.ndim == 4 and output.shape[2:].numel() > 1
    ]
    if not maps:
        giver = "there is none" if layer is None else f"layer {layer!r} does not"
        raise ValueError(f"Grad-CAM needs a layer that gives maps larger than 1 × 1: {giver}.")
    return maps[-1]


def checked(network: nn.Module, inputs: Tensor, targets: Tensor | int) -> tuple[Tensor, Tensor]:
    """`inputs` [N, C, H, W] and `targets` [N] on the network's device.

    Raises:
        ValueError: they are not pictures and classes.
    """
    if inputs.ndim != 4 or 0 in inputs.shape or not inputs.is_floating_point():
        raise ValueError(
            "The inputs must be float [N, C, H, W] with at least one picture, "
            f"not {_described(inputs)}."
        )
    count = len(inputs)
    targets = torch.as_tensor(targets)
    if targets.is_floating_point() or targets.shape not in ((), (count,)):
        raise ValueError(
            f"The classes must be one integer or int64 [{count}], one for each picture, "
            f"not {_described(targets)}."
        )
    device = next(network.parameters(), inputs).device
    # A copy, for classes found in inference mode cannot take part in what has gradients.
    return inputs.to(device), targets.long().expand(count).clone().to(device)


def blank_like(inputs: Tensor, blank: Tensor | None) -> Tensor:
    """An empty picture for each of `inputs` [N, C, H, W]: `blank`, or zeros for None.

    Raises:
        ValueError: `blank` does not expand to the shape of `inputs`.
    """
    if blank is None:
        return torch.zeros_like(inputs)
    try:
        return blank.to(inputs).expand_as(inputs)
    except RuntimeError:
        raise ValueError(
            f"The blank must fit the inputs {list(inputs.shape)}, not {list(blank.shape)}."
        ) from None


def logits_of(network: nn.Module, inputs: Tensor) -> Tensor:
    """The network's output, logits [N, classes].

    Raises:
        ValueError: it is something else or not finite.
    """
    logits = network(inputs)
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(inputs):
        given = _described(logits) if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
        raise ValueError(
            f"The network must give logits [{len(inputs)}, classes] for {len(inputs)} pictures; "
            f"it gives {given}."
        )
    if not logits.isfinite().all():
        raise ValueError("The network's output has values that are no finite numbers.")
    return logits


def pick(values: Tensor, classes: Tensor) -> Tensor:
    """Of each row of `values` [N, K] the one of its class, [N].

    Raises:
        ValueError: a number in `classes` [N] is that of no class.
    """
    last = values.shape[1] - 1
    wrong = classes[(classes < 0) | (classes > last)]
    if len(wrong):
        raise ValueError(f"There is no class {wrong[0]}: the network has classes 0 to {last}.")
    return values.gather(1, classes[:, None]).squeeze(1)


def _described(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
