"""Fine-tuning, right and wrong, and what learners are told."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from verdicts import verdict

from course_utils.checks.fine_tuning import check_tune_and_test
from course_utils.checks.tuning_run import accuracy, right_tuning, tuning_case


def share_right(network, pictures, labels):
    with torch.inference_mode():
        return (network(pictures).argmax(dim=1) == labels).float().mean().item()


def one_step(network, optimizer, pictures, labels, loss=F.cross_entropy):
    value = loss(network(pictures), labels)
    optimizer.zero_grad()
    value.backward()
    optimizer.step()


def written(
    before=nn.Module.eval,
    shown=lambda augment, pictures: augment(pictures),
    step=one_step,
    after=nn.Module.eval,
    measured=lambda network, augment, train, test: share_right(network, *test),
    rounds=lambda epochs: epochs,
):
    """A learner's function, with one thing done differently."""

    def tune_and_test(network, optimizer, augment, train, test, epochs):
        before(network)
        pictures, labels = train
        for _ in range(rounds(epochs)):
            step(network, optimizer, shown(augment, pictures), labels)
        after(network)
        return measured(network, augment, train, test)

    return tune_and_test


def norms_only(network):
    network.train()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()


def in_batches(network, optimizer, augment, train, test, epochs):
    network.eval()
    pictures, labels = train
    for _ in range(epochs):
        for batch in torch.arange(len(labels)).split(2):
            one_step(network, optimizer, augment(pictures[batch]), labels[batch])
    return share_right(network, *test)


def picture_by_picture(augment, pictures):
    return torch.stack([augment(picture) for picture in pictures])


def watches_the_test(network, optimizer, augment, train, test, epochs):
    network.eval()
    for _ in range(epochs):
        one_step(network, optimizer, augment(train[0]), train[1])
        share = (network(test[0]).argmax(dim=1) == test[1]).double().mean()
    return share


@pytest.mark.parametrize(
    "answer",
    [
        written(),
        right_tuning,
        written(before=norms_only),
        written(shown=picture_by_picture),
        in_batches,
        watches_the_test,
    ],
)
def test_right_fine_tuning(answer):
    before = torch.get_rng_state()
    said = verdict(check_tune_and_test, answer)
    assert said.startswith("Right: new variants in every epoch, statistics at rest, and a test on")
    assert torch.equal(before, torch.get_rng_state())


def test_a_case_leaves_the_accuracies_apart():
    torch.manual_seed(0)
    case = tuning_case(3, 4, 5, 2)
    network, *_, train, test, _ = case.arguments.values()
    assert network.training
    assert right_tuning(*case.arguments.values()) == pytest.approx(0.6)
    assert accuracy(network, train) != pytest.approx(0.6)
    assert share_right(network, *test) == pytest.approx(0.6)


def augmented_once(network, optimizer, augment, train, test, epochs):
    pictures = augment(train[0])
    return written(shown=lambda augment, _: pictures)(
        network, optimizer, augment, train, test, epochs
    )


def augmented_again_and_again(network, optimizer, augment, train, test, epochs):
    network.eval()
    pictures, labels = train
    for _ in range(epochs):
        pictures = augment(pictures)
        one_step(network, optimizer, pictures, labels)
    return share_right(network, *test)


def returns_in_the_loop(network, optimizer, augment, train, test, epochs):
    network.eval()
    for _ in range(epochs):
        one_step(network, optimizer, augment(train[0]), train[1])
        return share_right(network, *test)


def result_thrown_away(augment, pictures):
    augment(pictures)
    return pictures


def keeps_gradients(network, optimizer, pictures, labels):
    F.cross_entropy(network(pictures), labels).backward()
    optimizer.step()


def clears_before_the_step(network, optimizer, pictures, labels):
    F.cross_entropy(network(pictures), labels).backward()
    optimizer.zero_grad()
    optimizer.step()


def never_steps(network, optimizer, pictures, labels):
    F.cross_entropy(network(pictures), labels).backward()


def steps_once(network, optimizer, augment, train, test, epochs):
    network.eval()
    for _ in range(epochs):
        loss = F.cross_entropy(network(augment(train[0])), train[1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return share_right(network, *test)


def own_optimizer(network, optimizer, augment, train, test, epochs):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    return written()(network, optimizer, augment, train, test, epochs)


def also_on_the_test(network, optimizer, augment, train, test, epochs):
    network.eval()
    for _ in range(epochs):
        one_step(network, optimizer, augment(train[0]), train[1])
        one_step(network, optimizer, *test)
    return share_right(network, *test)


def on_both_piles(network, optimizer, augment, train, test, epochs):
    network.eval()
    labels = torch.cat([train[1], test[1]])
    for _ in range(epochs):
        one_step(network, optimizer, torch.cat([augment(train[0]), test[0]]), labels)
    return share_right(network, *test)


def measured_first(network, optimizer, augment, train, test, epochs):
    network.eval()
    share = share_right(network, *test)
    written(measured=lambda *_: 0)(network, optimizer, augment, train, test, epochs)
    return share


def all_at_once(network, optimizer, augment, train, test, epochs):
    network.eval()
    pictures = torch.cat([augment(train[0]), train[0]])
    one_step(network, optimizer, pictures, train[1].repeat(2))
    return share_right(network, *test)


def measuring(measure):
    """`measure` of the network and the test's pictures and labels, at the end."""
    return written(measured=lambda network, augment, train, test: measure(network, *test))


def softmax_first(logits, labels):
    return F.cross_entropy(logits.softmax(dim=1), labels)


def summed(logits, labels):
    return F.cross_entropy(logits, labels, reduction="sum")


def stepping(loss):
    return written(step=lambda *arguments: one_step(*arguments, loss=loss))


IN_TRAINING = "batch norm is in training mode while the network learns"
DO_NOT_MOVE = "the weights have not moved: each step needs optimizer.zero_grad()"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (written(before=nn.Module.train), IN_TRAINING),
        (written(before=lambda network: None), IN_TRAINING),
        (written(before=lambda network: network.features[0].eval()), IN_TRAINING),
        (written(after=nn.Module.train), "batch norm is in training mode when you measure"),
        (
            written(
                measured=lambda network, augment, train, test: share_right(
                    network, augment(test[0]), test[1]
                )
            ),
            "augment changes the test pictures, too",
        ),
        (written(shown=lambda augment, pictures: pictures), "from training pictures as they are"),
        (written(shown=result_thrown_away), "give it what augment returns"),
        (all_at_once, "from training pictures as they are"),
        (augmented_once, "the network sees the same variants in every epoch"),
        (augmented_again_and_again, "you augment what has been augmented before"),
        (written(rounds=lambda epochs: 1), "steps on training picture 0 is 1, for 3 epochs"),
        (written(rounds=lambda epochs: epochs + 1), "steps on training picture 0 is 4, for 3"),
        (returns_in_the_loop, "the number of steps on training picture 0 is 1, for 3 epochs"),
        (written(rounds=lambda epochs: 0), "the network never learns from a training picture"),
        (also_on_the_test, "you train on the test pictures, too"),
        (on_both_piles, "you train on the test pictures, too"),
        (written(step=keeps_gradients), "the gradients of earlier steps add up"),
        (written(step=clears_before_the_step), DO_NOT_MOVE),
        (written(step=never_steps), DO_NOT_MOVE),
        (steps_once, "only the last epoch takes a step"),
        (stepping(softmax_first), "a softmax stands in front of cross_entropy"),
        (stepping(summed), "the weights are not those that the given optimizer reaches"),
        (own_optimizer, "the weights are not those that the given optimizer reaches"),
        (measured_first, "you measure before the last step"),
        (
            written(measured=lambda network, augment, train, test: share_right(network, *train)),
            "the network never sees a test picture",
        ),
        (
            measuring(lambda network, x, y: 100 * share_right(network, x, y)),
            "this is in percent: a number from 0 to 1 is asked for",
        ),
        (
            measuring(lambda network, x, y: (network(x).argmax(dim=1) == y).sum()),
            "this is the number of right answers",
        ),
        (
            measuring(lambda network, x, y: 1 - share_right(network, x, y)),
            "this is the share of wrong answers",
        ),
        (
            measuring(lambda network, x, y: F.cross_entropy(network(x), y).item()),
            "instead of 0.6, the share of the test pictures whose largest logit is at the label",
        ),
        (measuring(lambda network, x, y: network(x).argmax(dim=1)), "tune_and_test returns 5 num"),
        (
            measuring(lambda network, x, y: network(x).argmax(dim=1) == y),
            "is a tensor of torch.boo",
        ),
        (measuring(lambda network, x, y: str(share_right(network, x, y))), "is the text '0.6"),
        (
            measuring(lambda network, x, y: share_right(network, x, y) * float("nan")),
            "tune_and_test returns nan instead of 0.6",
        ),
        (measuring(lambda network, x, y: None), "tune_and_test returns None"),
        (written(shown=lambda augment, pictures: pictures / 255), "neither in train or test nor"),
        (written(shown=lambda augment, pictures: pictures[0]), "tune_and_test stops with "),
        (lambda *given: given[0](given[3]), "tune_and_test stops with AttributeError: 'tuple"),
        (lambda *given: 0.6, "the network never learns from a training picture"),
        (lambda network, train, test: 0, "must take the arguments network, optimizer, augment, tr"),
        (None, "tune_and_test is no function"),
    ],
)
def test_wrong_fine_tuning(answer, words):
    assert words in verdict(check_tune_and_test, answer).partition("Not yet: ")[2]


def test_the_training_accuracy_is_told_from_the_test_accuracy():
    def shows_the_test_but_returns_training(network, augment, train, test):
        share_right(network, *test)
        return share_right(network, *train)

    said = verdict(check_tune_and_test, written(measured=shows_the_test_but_returns_training))
    assert said == "Not yet: this is the accuracy on the training pictures."


@pytest.mark.parametrize("answer", [..., lambda *given: ...])
def test_a_placeholder_is_no_attempt(answer):
    assert verdict(check_tune_and_test, answer).startswith("Not attempted yet: ")
