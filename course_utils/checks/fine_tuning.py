"""Checker of fine-tuning: augmentation in training only, frozen statistics, an honest test."""

from typing import Any

import torch
import torch.nn.functional as F

from course_utils.checks.base import NotYet, as_numbers, checker, close, show
from course_utils.checks.functions import FunctionExercise, require_no_error
from course_utils.checks.tuning_run import Run, accuracy, read_run, right_tuning, tuning_case
from course_utils.environment import random_state


@checker
def check_tune_and_test(tune_and_test: Any) -> str:
    """Exercise 5: tune_and_test(network, optimizer, augment, train, test, epochs) -> accuracy."""
    with random_state(0):
        exercise = FunctionExercise(
            name="tune_and_test",
            right=right_tuning,
            cases=[tuning_case(3, 4, 5, 2), tuning_case(2, 7, 4, 1), tuning_case(3, 4, 5, 3)],
            misconceptions=[],
        )
        for made in exercise.attempts(tune_and_test):
            require_no_error(exercise, made)
            run = read_run(made)
            _require_frozen_statistics(run)
            _require_untouched_test(run)
            run = run.without_watching()
            _require_augmented_training(run)
            _require_steps(run)
            _require_accuracy(run)
    return (
        "new variants in every epoch, statistics at rest, and a test on untouched pictures that "
        "the network has never seen. Which of the three, done wrong, would flatter the result?"
    )


def _require_frozen_statistics(run: Run) -> None:
    if any(call.norm_in_training for call in run.calls if call.learns):
        raise NotYet(
            "batch norm is in training mode while the network learns: its statistics move toward "
            "those of a few pictures, and what the base has learned no longer fits them. Call "
            "network.eval() before the loop; gradients flow all the same."
        )
    if any(call.norm_in_training for call in run.calls):
        raise NotYet(
            "batch norm is in training mode when you measure, so the accuracy depends on which "
            "pictures share a batch: call network.eval() and leave it there."
        )


def _require_untouched_test(run: Run) -> None:
    if any(s.pile == "test" and s.moved for _, shown in run.of("test") for s in shown):
        raise NotYet(
            "augment changes the test pictures, too, so you measure on other pictures, and on "
            "others each time. Augmentation is for training: test on the pictures as they are."
        )


def _require_augmented_training(run: Run) -> None:
    trained = run.trained()
    if not all(s.moved for s in trained):
        raise NotYet(
            "the network learns from training pictures as they are: give it what augment returns, "
            "network(augment(pictures))."
        )
    if run.epochs > 1 and len(trained) > len(set(trained)):
        raise NotYet(
            "the network sees the same variants in every epoch: call augment inside the loop, "
            "anew each time."
        )
    if run.augmented_again():
        raise NotYet(
            "you augment what has been augmented before: augment once, and each time from the "
            "pictures of train."
        )
    for index in range(len(run.pile("train")[0])):
        times = sum(s.index == index for s in trained)
        if times != run.epochs:
            raise NotYet(
                f"the number of steps on training picture {index} is {times}, for {run.epochs} "
                "epochs: each epoch shows each training picture once."
            )


def _require_steps(run: Run) -> None:
    if run.ends_with(run.replayed()):
        return
    if run.ends_with(run.calls[0].weights):
        raise NotYet(
            "the weights have not moved: each step needs optimizer.zero_grad(), loss.backward() "
            "and optimizer.step(), in this order."
        )
    if run.ends_with(run.replayed(with_test=True)):
        raise NotYet(
            "you train on the test pictures, too. Then a test says how well they were learned by "
            "heart: train on train, test on test."
        )
    if run.ends_with(run.replayed(clears=False)):
        raise NotYet(
            "the gradients of earlier steps add up: call optimizer.zero_grad() before each "
            "loss.backward()."
        )
    if run.ends_with(run.replayed(loss=lambda z, y: F.cross_entropy(z.softmax(dim=1), y))):
        raise NotYet(
            "a softmax stands in front of cross_entropy, which applies one itself: hand it the "
            "logits."
        )
    if run.ends_with(run.replayed(only_last=True)):
        raise NotYet("only the last epoch takes a step: backward and step belong into the loop.")
    raise NotYet(
        "the weights are not those that the given optimizer reaches with the mean cross-entropy "
        "of the pictures' own labels and one step after each call of the network."
    )


def _require_accuracy(run: Run) -> None:
    tests = [call for call, _ in run.of("test")]
    right = accuracy(run.network, run.pile("test"))
    value = as_numbers(run.made.value, "what tune_and_test returns")
    if not tests:
        raise NotYet(
            "the network never sees a test picture: what it has learned by heart proves nothing, "
            "so measure on test."
        )
    if not torch.equal(tests[-1].weights, run.network.weights):
        raise NotYet("you measure before the last step: train first, then measure once.")
    if value.size != 1:
        raise NotYet(f"tune_and_test returns {value.size} numbers: one is asked for, the accuracy.")
    count = len(run.pile("test")[1])
    best = max(run.watched())
    if best > right and close(value.reshape(()), as_numbers(best, "")):
        raise NotYet(
            "this is the best epoch on the test pictures: what was selected for being high is no "
            "honest measurement. Return the accuracy after the last step."
        )
    for wrong, sentence in (
        (100 * right, "this is in percent: a number from 0 to 1 is asked for."),
        (count * right, "this is the number of right answers: divide by the number of pictures."),
        (1 - right, "this is the share of wrong answers: count the right ones."),
        (
            accuracy(run.network, run.pile("train")),
            "this is the accuracy on the training pictures.",
        ),
    ):
        if close(value.reshape(()), as_numbers(wrong, "")) and wrong != right:
            raise NotYet(sentence)
    if not close(value.reshape(()), as_numbers(right, "")):
        raise NotYet(
            f"tune_and_test returns {show(value)} instead of {show(right)}, the share of the test "
            "pictures whose largest logit is at the label."
        )
