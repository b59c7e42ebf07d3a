"""Functions that learners write in chapter 1, right and wrong, and what they are told."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from verdicts import verdict

from course_utils.checks.convolution_code import check_my_conv2d, check_receptive_field


def written_conv2d(rounds=lambda n, s: n // s + 1, cell=lambda p, k: (p * k).sum(), **changes):
    """A learner's two loops, with one thing done differently."""

    def my_conv2d(image, kernel, stride, padding):
        kernel = changes.get("kernel", lambda k: k)(kernel)
        left, right = changes.get("pad", lambda p: (p, p))(padding)
        padded = torch.zeros(image.shape[0] + left + right, image.shape[1] + left + right)
        padded[left : left + image.shape[0], left : left + image.shape[1]] = image
        down, across = changes.get("stride", lambda s: (s, s))(stride)
        kh, kw = kernel.shape
        rows = rounds(padded.shape[0] - kh, down)
        columns = rounds(padded.shape[1] - kw, across)
        output = torch.zeros(rows, columns)
        for r in range(rows):
            for c in range(columns):
                patch = padded[r * down : r * down + kh, c * across : c * across + kw]
                output[r, c] = cell(patch, kernel)
        return changes.get("finally_", lambda o: o)(output)

    return my_conv2d


def by_pytorch(image, kernel, stride, padding):
    return F.conv2d(image[None, None], kernel[None, None], None, stride, padding)[0, 0]


def by_a_layer(image, kernel, stride, padding):
    layer = nn.Conv2d(1, 1, kernel.shape, stride, padding, bias=False)
    layer.weight.data = kernel[None, None]
    return layer(image[None, None])[0, 0]


def zero_based_loops(image, kernel, stride, padding):
    padded = F.pad(image, (padding,) * 4)
    (h, w), (kh, kw) = padded.shape, kernel.shape
    output = torch.zeros((h - kh) // stride + 1, (w - kw) // stride + 1)
    for r in range(output.shape[0] - 1):
        for c in range(output.shape[1] - 1):
            y, x = r * stride, c * stride
            output[r, c] = (padded[y : y + kh, x : x + kw] * kernel).sum()
    return output


def with_a_layer(image, kernel, stride, padding):
    layer = nn.Conv2d(1, 1, kernel.shape, stride=stride, padding=padding)
    layer.weight.data = kernel[None, None]
    return layer(image[None, None])[0, 0]


def truncates(image, kernel, stride, padding):
    return F.conv2d(image[None, None], kernel[None, None], None, stride, padding)[0, 0].int()


def pads_in_place(image, kernel, stride, padding):
    image[0] = 0
    return image


def like_pytorch(image, kernel, stride, padding):
    return F.conv2d(image[None, None], kernel[None, None], stride=stride, padding=padding)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (written_conv2d(kernel=lambda k: k.flip(0).flip(1)), "turned the kernel by 180 degrees"),
        (written_conv2d(kernel=torch.t), "you exchanged rows and columns of the kernel"),
        (written_conv2d(stride=lambda s: (1, 1)), "the stride is ignored"),
        (written_conv2d(stride=lambda s: (s, 1)), "the stride is used for the rows only"),
        (written_conv2d(stride=lambda s: (1, s)), "the stride is used for the columns only"),
        (written_conv2d(pad=lambda p: (0, 0)), "the padding is ignored"),
        (written_conv2d(pad=lambda p: (p, 0)), "you pad on one side only"),
        (written_conv2d(pad=lambda p: (0, p)), "you pad on one side only"),
        (written_conv2d(rounds=lambda n, s: n // s), "so the output is one too small"),
        (written_conv2d(rounds=lambda n, s: len(range(0, n, s))), "the output is one too small"),
        (zero_based_loops, "the last row and column of the output stay 0"),
        (
            written_conv2d(finally_=lambda o: F.pad(o, (0, 1, 0, 1))),
            "the output has one row and one column too many",
        ),
        (written_conv2d(cell=lambda p, k: (p * k).mean()), "you take the mean of the products"),
        (written_conv2d(cell=lambda p, k: p.sum()), "you add up the pixels without the kernel"),
        (written_conv2d(cell=lambda p, k: (p @ k).sum()), "patch @ kernel is a matrix product"),
        (written_conv2d(finally_=lambda o: o + 0.25), "you add a bias, and none is asked for"),
        (with_a_layer, "you add a bias, and none is asked for"),
        (truncates, "my_conv2d gives [[4, 2, 10], [15, 12, -10]] instead of [[4.5, 2.5, 10.5],"),
        (pads_in_place, "my_conv2d changes its argument image"),
        (like_pytorch, "return the shape [2, 3], not the shape [1, 1, 2, 3], for image"),
        (by_pytorch, "the right numbers, but lets PyTorch's own"),
        (by_a_layer, "the right numbers, but lets PyTorch's own"),
        (written_conv2d(finally_=torch.Tensor.tolist), "my_conv2d returns a list"),
        (written_conv2d(finally_=lambda o: None), "my_conv2d returns None"),
        (written_conv2d(finally_=torch.zeros_like), "gives [[0, 0, 0], [0, 0, 0]] instead of"),
        (written_conv2d(finally_=lambda o: o / 0), "my_conv2d gives [[nan, inf, nan]"),
        (lambda image, kernel: image, "my_conv2d must take the arguments image, kernel, stride,"),
        (lambda image, kernel, stride, padding: image @ kernel, "my_conv2d stops with RuntimeErr"),
    ],
)
def test_wrong_convolutions(answer, words):
    torch.manual_seed(0)
    assert words in verdict(check_my_conv2d, answer).partition("Not yet: ")[2]


@pytest.mark.parametrize(
    "finally_",
    [
        lambda output: output,
        torch.Tensor.numpy,
        torch.Tensor.double,
        torch.Tensor.half,
        torch.Tensor.bfloat16,
        lambda output: output.requires_grad_() * 1,
    ],
)
def test_right_convolutions(finally_):
    said = verdict(check_my_conv2d, written_conv2d(finally_=finally_))
    assert said.startswith("Right: your function agrees with PyTorch's conv2d")


def test_a_convolution_without_loops_is_right():
    def unfolded(image, kernel, stride, padding):
        padded = F.pad(image, (padding,) * 4)
        patches = padded.unfold(0, kernel.shape[0], stride).unfold(1, kernel.shape[1], stride)
        return torch.einsum("rcij,ij->rc", patches, kernel)

    assert verdict(check_my_conv2d, unfolded).startswith("Right: ")


def field_by_touch(layers):
    """The right answer from its definition: from which pixel to which does an output look?"""
    windows = [{pixel} for pixel in range(200)]
    for kernel, stride in layers:
        starts = range(0, len(windows) - kernel + 1, stride)
        windows = [set().union(*windows[start : start + kernel]) for start in starts]
    return max(windows[0]) + 1


def seen_backwards(layers):
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field


@pytest.mark.parametrize(
    "answer", [field_by_touch, seen_backwards, lambda ks: torch.tensor([field_by_touch(ks)])]
)
def test_right_receptive_fields(answer):
    assert verdict(check_receptive_field, answer).startswith("Right: small kernels see far")


def sizes_added(layers):
    total = 0
    for kernel, _ in layers:
        total += kernel
    return total


def strides_ignored(layers):
    field = 1
    for kernel, _ in layers:
        field = field + kernel - 1
    return field


def own_stride(layers):
    field = jump = 1
    for kernel, stride in layers:
        jump = jump * stride
        field = field + (kernel - 1) * jump
    return field


def whole_field_times_stride(layers):
    field = 1
    for kernel, _ in layers:
        field += kernel - 1
    for _, stride in layers:
        field *= stride
    return field


def sizes_multiplied(layers):
    field = 1
    for kernel, _ in layers:
        field *= kernel
    return field


def begins_with_nothing(layers):
    return field_by_touch(layers) - 1


def only_the_last_stride(layers):
    field = 1
    before = 1
    for kernel, stride in layers:
        field += (kernel - 1) * before
        before = stride
    return field


def added_strides(layers):
    field, jump = 1, 0
    for kernel, stride in layers:
        field += (kernel - 1) * (jump + 1)
        jump += stride - 1
    return field


def pops(layers):
    field, jump = 1, 1
    while layers:
        kernel, stride = layers.pop(0)
        field += (kernel - 1) * jump
        jump *= stride
    return field


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (sizes_added, "you add up the kernel sizes"),
        (strides_ignored, "you ignore the strides"),
        (own_stride, "you count a layer's stride before its own kernel"),
        (whole_field_times_stride, "you multiply the whole field by the strides"),
        (lambda layers: field_by_touch(layers[::-1]), "you take the layers in reverse order"),
        (sizes_multiplied, "you multiply the kernel sizes"),
        (begins_with_nothing, "the field is 1 too small"),
        (lambda layers: field_by_touch(layers) ** 2, "this is an area"),
        (only_the_last_stride, "you widen the steps by the last stride only"),
        (added_strides, "you add the strides up: they multiply"),
        (pops, "receptive_field changes its argument layers"),
        (lambda layers: 3, "gives 3 instead of 7, for layers = [(3, 2), (3, 1)]"),
        (lambda layers: "7", "what receptive_field returns is the text '7'"),
        (lambda layers: sum(layers), "receptive_field stops with TypeError: unsupported operand"),
        (lambda layers: (field_by_touch(layers), 1), "must return one number, not the shape [2]"),
        (lambda layers: layers[9], "stops with IndexError: list index out of range. It happens"),
        (field_by_touch([(3, 1)]), "receptive_field is no function"),
    ],
)
def test_wrong_receptive_fields(answer, words):
    assert words in verdict(check_receptive_field, answer).partition("Not yet: ")[2]
