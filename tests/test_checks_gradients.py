"""Saliency maps by gradients, right and wrong, and what learners are told."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from verdicts import verdict

from course_utils.checks.base import NotYet, close
from course_utils.checks.gradient_mistakes import prepare_pictures, saliency_exercise
from course_utils.checks.gradients import check_saliency


def of_target(logits, target):
    return logits[:, target].sum()


def largest(gradients):
    return gradients.abs().amax(dim=1)


def written(score=of_target, reduce=largest, see=lambda prepare, pictures: prepare(pictures)):
    """A learner's function, with one thing done differently."""

    def saliency(network, pictures, prepare, target):
        inputs = see(prepare, pictures).requires_grad_()
        [gradients] = torch.autograd.grad(score(network(inputs), target), inputs)
        return reduce(gradients)

    return saliency


def with_backward(network, pictures, prepare, target):
    inputs = prepare(pictures).requires_grad_()
    network(inputs)[:, target].sum().backward()
    return inputs.grad.abs().amax(dim=1)


def one_by_one(network, pictures, prepare, target):
    return torch.cat([written()(network, p[None], prepare, target) for p in pictures])


def with_captum(network, pictures, prepare, target):
    from captum.attr import Saliency

    inputs = prepare(pictures).requires_grad_()
    return Saliency(network).attribute(inputs, target=target).amax(dim=1)


def of_each(score, see=lambda prepare, pictures: prepare(pictures)):
    """A learner's function that takes the gradient of each picture's score by torch.func."""

    def saliency(network, pictures, prepare, target):
        gradient = torch.func.grad(lambda picture: score(network(picture[None])[0], target))
        return largest(torch.func.vmap(gradient)(see(prepare, pictures)))

    return saliency


@pytest.mark.parametrize(
    "answer",
    [
        written(),
        written(reduce=lambda gradients: gradients.abs().max(dim=1).values.numpy()),
        written(reduce=lambda gradients: torch.maximum(gradients, -gradients).amax(dim=1)),
        one_by_one,
        with_captum,
        of_each(lambda logits, target: logits[target]),
    ],
)
def test_right_saliency(answer):
    before = torch.get_rng_state()
    said = verdict(check_saliency, answer)
    assert said.startswith("Right: how strongly the target's logit reacts to each pixel")
    assert torch.equal(before, torch.get_rng_state())


def test_gradients_left_in_the_parameters_are_remarked():
    said = verdict(check_saliency, with_backward)
    assert said.startswith("Right: these are the target's gradients. But backward also leaves")


def scaled(gradients):
    maps = largest(gradients)
    return maps / maps.amax(dim=(1, 2), keepdim=True)


def scaled_from_zero(gradients):
    maps = largest(gradients)
    low, high = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
    return (maps - low) / (high - low)


def cross_entropy(logits, target):
    return F.cross_entropy(logits, torch.tensor([target] * len(logits)), reduction="sum")


def mean_cross_entropy(logits, target):
    return cross_entropy(logits, target) / len(logits)


def before_prepare(network, pictures, prepare, target):
    pictures = pictures.float().requires_grad_()
    network(prepare(pictures))[:, target].sum().backward()
    return largest(pictures.grad)


def times_input(network, pictures, prepare, target):
    inputs = prepare(pictures).requires_grad_()
    [gradients] = torch.autograd.grad(network(inputs)[:, target].sum(), inputs)
    return largest(inputs * gradients).detach()


def asks_too_late(network, pictures, prepare, target):
    inputs = prepare(pictures)
    logits = network(inputs)
    inputs.requires_grad_()
    logits[:, target].sum().backward()
    return largest(inputs.grad)


def forgets_backward(network, pictures, prepare, target):
    inputs = prepare(pictures).requires_grad_()
    score = network(inputs)[:, target].sum()  # noqa: F841
    return largest(inputs.grad)


def reads_the_wrong_tensor(network, pictures, prepare, target):
    inputs = prepare(pictures).requires_grad_()
    network(inputs)[:, target].sum().backward()
    return largest(pictures.grad)


def keeps_what_backward_returns(network, pictures, prepare, target):
    inputs = prepare(pictures).requires_grad_()
    gradient = network(inputs)[:, target].sum().backward()
    return largest(gradient[0])


def reads_what_grad_leaves_empty(network, pictures, prepare, target):
    inputs = prepare(pictures).requires_grad_()
    torch.autograd.grad(network(inputs)[:, target].sum(), inputs)
    return largest(inputs.grad)


def of_a_copy(network, pictures, prepare, target):
    inputs = prepare(pictures).requires_grad_().clone()
    network(inputs)[:, target].sum().backward()
    with warnings.catch_warnings(action="ignore"):  # a tensor that is no leaf has no gradient
        return largest(inputs.grad)


def never_asks(network, pictures, prepare, target):
    inputs = prepare(pictures)
    return largest(torch.autograd.grad(network(inputs)[:, target].sum(), inputs)[0])


@torch.no_grad()
def without_gradients(network, pictures, prepare, target):
    return with_backward(network, pictures, prepare, target)


def asks_for_bytes(network, pictures, prepare, target):
    pictures.requires_grad_()
    return with_backward(network, pictures, prepare, target)


def bytes_as_input(network, pictures, prepare, target):
    return network(pictures)


OTHERS = "which mixes in the logits of all other classes"
SCALED = "you scale each map to its own range"
EMPTY = "the gradient was asked for, but inputs.grad is still empty: call score.backward()"
FILLED = "backward has run: the gradient is in inputs.grad, where inputs is the tensor that the net"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (written(lambda z, t: z.amax(dim=1).sum()), "of the class that the network prefers, not"),
        (
            written(lambda z, t: z.gather(1, z.argmax(dim=1, keepdim=True)).sum()),
            "this is the gradient of the class that the network prefers, not of the target",
        ),
        (written(lambda z, t: z.sum()), "this is the gradient of all logits together"),
        (written(lambda z, t: z[t].sum()), "logits[target] is picture number target of the batch"),
        (written(lambda z, t: z[:, t - 1].sum()), "this is the gradient of another class"),
        (written(lambda z, t: z.softmax(dim=1)[:, t].sum()), "target's probability, " + OTHERS),
        (written(cross_entropy), "this is the gradient of the loss, " + OTHERS),
        (written(mean_cross_entropy), "of the loss, averaged over the batch, " + OTHERS),
        (written(lambda z, t: -z.log_softmax(dim=1)[:, t].sum()), "this is the gradient of the l"),
        (written(lambda z, t: z[:, t].mean()), "the mean over the batch divides every map"),
        (written(lambda z, t: z[0, t]), "only the first picture has a gradient"),
        (written(lambda z, t: z[:, t]), "a gradient is that of one number, and there is one log"),
        (before_prepare, "this is the gradient with respect to the picture before prepare"),
        (times_input, "this is gradient times input, another method"),
        (written(reduce=lambda g: g.amax(dim=1)), "a gradient below zero counts, too, since it"),
        (written(reduce=lambda g: g.relu().amax(dim=1)), "this keeps only what is above zero"),
        (written(reduce=lambda g: g.amax(dim=1).abs()), "without its absolute value before"),
        (written(reduce=lambda g: g.abs().sum(dim=1)), "this is their sum."),
        (written(reduce=lambda g: g.abs().mean(dim=1)), "this is their mean."),
        (written(reduce=lambda g: g.sum(dim=1).abs()), "their sum with signs, in which they"),
        (written(reduce=lambda g: g.mean(dim=1).abs()), "their mean with signs, in which they"),
        (written(reduce=lambda g: g.square().sum(dim=1).sqrt()), "their length as a vector."),
        (written(reduce=lambda g: g.abs()[:, 0]), "this is the first one alone."),
        (written(reduce=scaled), SCALED),
        (written(reduce=scaled_from_zero), SCALED),
        (written(see=lambda prepare, p: p.float()), "the network sees pictures of 0 to 255, since"),
        (bytes_as_input, "the network sees pictures of 0 to 255, since you leave out prepare"),
        (written(see=lambda prepare, p: p / 255), "0 to 1: scaled, but not standardized"),
        (written(see=lambda prepare, p: prepare(prepare(p))), "the pictures are prepared twice"),
        (written(see=lambda prepare, p: p / 127.5 - 1), "sees something else than prepare(pic"),
        (written(see=lambda prepare, p: prepare(p)[..., 1:]), "sees something else than prepare"),
        (written(see=lambda prepare, p: prepare(p).flip(1)), "sees something else than prepare"),
        (of_each(lambda z, t: z.sum()), "this is the gradient of all logits together"),
        (of_each(lambda z, t: z[t], see=lambda prepare, p: p / 255), "instead of [[["),
        (asks_for_bytes, "the pictures are bytes, and bytes have no gradient"),
        (asks_too_late, "the input has no gradient, because nobody asked for one in time"),
        (forgets_backward, EMPTY),
        (reads_what_grad_leaves_empty, EMPTY),
        (reads_the_wrong_tensor, FILLED),
        (keeps_what_backward_returns, FILLED),
        (of_a_copy, "the tensor that the network sees was made of another one, so backward keeps"),
        (never_asks, "the input has no gradient, because nobody asked for one in time"),
        (without_gradients, "the input has no gradient, because nobody asked for one in time"),
        (written(reduce=lambda g: g.abs()), "must return the shape [3, 3, 4], not the shape [3, 3"),
        (written(reduce=lambda g: largest(g)[:, None]), "must return the shape [3, 3, 4], not"),
        (written(reduce=lambda g: largest(g)[0]), "must return the shape [3, 3, 4], not the sh"),
        (
            written(reduce=lambda g: largest(g).square()),
            "instead of [[[",
        ),
        (written(reduce=lambda g: g.gradient), "saliency stops with AttributeError: 'Tensor' obj"),
        (lambda *given: None, "saliency returns None"),
        (lambda pictures: pictures, "must take the arguments network, pictures, prepare, target."),
        (None, "saliency is no function"),
    ],
)
def test_wrong_saliency(answer, words):
    assert words in verdict(check_saliency, answer).partition("Not yet: ")[2]


@pytest.mark.parametrize("answer", [..., lambda network, pictures, prepare, target: ...])
def test_a_placeholder_is_no_attempt(answer):
    assert verdict(check_saliency, answer).startswith("Not attempted yet: ")


def test_cases_tell_each_misconception_from_all_others():
    torch.manual_seed(0)
    exercise = saliency_exercise()
    right = exercise.attempts(exercise.right)
    done = [(m.sentence, exercise.attempts(m.wrong)) for m in exercise.misconceptions]

    def alike(some, others):
        return all(made.does(other, close) for made, other in zip(some, others, strict=True))

    for sentence, attempts in done:
        assert not alike(attempts, right)
        assert {other for other, theirs in done if alike(attempts, theirs)} == {sentence}
        with pytest.raises(NotYet, match=r"\.$"):
            exercise.judge(attempts)


def test_pictures_are_standardized_by_channel():
    pictures = torch.tensor([0, 255], dtype=torch.uint8).expand(1, 3, 1, 2)
    expected = torch.tensor([[-2.5, 2.5], [-1.6, 2.4], [-0.75, 1.75]])
    torch.testing.assert_close(prepare_pictures(pictures)[0, :, 0], expected)
