"""What counts as evidence for a saliency map, right and wrong, and what learners are told."""

import numpy as np
import pytest
import torch
from verdicts import verdict

from course_utils.checks.evidence import (
    EVIDENCE,
    MISCONCEPTIONS,
    SUPPORTED,
    _answers,
    check_is_evidence,
    check_supported,
)
from course_utils.intervals import mean_interval


@pytest.mark.parametrize("supported", [{3, 4}, [4, 3], "3, 4", (3, 4, 4)])
def test_right_claims(supported):
    assert verdict(check_supported, supported).startswith("Right: a map becomes evidence by the")


@pytest.mark.parametrize(
    ("supported", "words"),
    [
        ({1, 3, 4}, "claim 1 takes a map for proof because it looks right"),
        ({2, 3, 4}, "claim 2 compares with random order only"),
        ({3, 4, 5}, "claim 5 takes a map for proof. The tests speak for method A over many pict"),
        ({4}, "you leave out claim 3"),
        ({3}, "you leave out claim 4"),
        (set(), "you leave out claim 3"),
        ({1, 2, 3, 4, 5}, "claim 1 takes a map for proof"),
        ({"A"}, "supported holds A: choose among 1, 2, 3, 4 and 5"),
    ],
)
def test_wrong_claims(supported, words):
    assert words in verdict(check_supported, supported).partition("Not yet: ")[2]


def test_every_claim_has_a_sentence_of_its_own():
    assert len(set(SUPPORTED.sentences.values())) == len(SUPPORTED.sentences)


@pytest.mark.parametrize("answer", [..., {...}, [3, ...]])
def test_a_placeholder_is_no_choice(answer):
    assert verdict(check_supported, answer).startswith("Not attempted yet: ")


def with_t(t=1.96, wins=lambda mean, half: mean - half > 0, combine=all):
    def is_evidence(areas, baselines):
        results = []
        for other in baselines.values():
            gain = other - areas
            results.append(wins(gain.mean(), t * gain.std() / len(gain) ** 0.5))
        return combine(results)

    return is_evidence


def with_course_interval(areas, baselines):
    return all(mean_interval((b - areas).tolist()).low > 0 for b in baselines.values())


def in_numpy(areas, baselines):
    gains = np.stack([b.numpy() - areas.numpy() for b in baselines.values()])
    half = 1.96 * gains.std(axis=1, ddof=1) / np.sqrt(gains.shape[1])
    return (gains.mean(axis=1) > half).all()


def as_a_tensor(areas, baselines):
    return torch.tensor(with_t()(areas, baselines))


@pytest.mark.parametrize("answer", [with_t(), with_course_interval, in_numpy, as_a_tensor])
def test_right_evidence(answer):
    assert verdict(check_is_evidence, answer).startswith("Right: every baseline beaten, on the sam")


def each(test, combine=all):
    return lambda areas, baselines: combine(test(areas, b) for b in baselines.values())


def against(*names):
    return lambda areas, baselines: with_t()(areas, {n: baselines[n] for n in names})


def unpaired(areas, other):
    spread = ((areas.var() + other.var()) / 40) ** 0.5
    return (other.mean() - areas.mean() > 1.96 * spread).item()


def intervals_apart(areas, other):
    return mean_interval(areas.tolist()).high < mean_interval(other.tolist()).low


def by_size(areas, baselines):
    gains = [other - areas for other in baselines.values()]
    return all(gain.mean() > gain.std() / len(gain) ** 0.5 for gain in gains)


def strongest(areas, baselines):
    lowest = min(baselines.values(), key=lambda other: other.mean())
    return with_t()(areas, {"lowest": lowest})


def picture_by_picture(areas, baselines):
    lowest = torch.stack(list(baselines.values())).min(dim=0).values
    return with_t()(areas, {"lowest": lowest})


def divided(root=lambda count: count**0.5, spread=torch.std):
    return each(lambda areas, b: (b - areas).mean() > 2.02 * spread(b - areas) / root(len(areas)))


def no_other_branch(areas, baselines):
    if with_t()(areas, baselines):
        return True


def loses_its_argument(areas, baselines):
    baselines.clear()
    return True


def in_place(areas, baselines):
    return all((b.sub_(areas).mean() > 0).item() for b in baselines.values())


BY_ITSELF = "you take a map for proof by itself: your answer does not depend on the baselines"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda areas, baselines: True, BY_ITSELF),
        (lambda areas, baselines: (areas.mean() < 0.4).item(), BY_ITSELF),
        (lambda areas, baselines: mean_interval(areas.tolist()).high < 0.5, BY_ITSELF),
        (lambda areas, baselines: False, "you call nothing evidence"),
        (against("random"), "you compare with random order only. The edges of a picture beat that"),
        (against("edges"), "you compare with the edges only"),
        (against("random", "edges"), 'you compare with "random" and "edges" by name'),
        (with_t(combine=any), "it is enough for you that one baseline is beaten"),
        (with_t(wins=lambda mean, half: mean + half < 0), "the direction is wrong"),
        (with_t(wins=lambda mean, half: abs(mean) > half), "whether there is a difference in wha"),
        (with_t(wins=lambda mean, half: mean > 0), "you compare means only. Part of a differenc"),
        (each(lambda areas, b: (areas[0] < b[0]).item()), "you look at the first picture only"),
        (each(lambda areas, b: (areas < b).sum().item() > 20), "you count the pictures on"),
        (each(lambda areas, b: (areas < b).all().item()), "wins on every single picture"),
        (each(unpaired), "you treat the two as unpaired"),
        (each(intervals_apart), "you treat the two as unpaired"),
        (with_t(t=1.96 * 40**0.5), "this is where single differences lie"),
        (by_size, "your interval is too narrow. A mean is uncertain by about 2 standard errors"),
        (with_t(t=1.3), "your interval is too narrow. A mean"),
        (with_t(t=0.9), "your interval is too narrow. A mean"),
        (with_t(t=1.645), "lies 1.7 standard errors above on average: False is right."),
        (with_t(t=3), "is_evidence gives False for"),
        (with_t(t=6), "is_evidence gives False for"),
        (strongest, "you ask for the baseline of the smallest mean only"),
        (picture_by_picture, "is_evidence gives False for areas of which"),
        (divided(root=lambda count: count), "your interval is far too narrow: take the standard"),
        (divided(spread=torch.var), "your interval is far too narrow: take the standard"),
        (no_other_branch, "is_evidence returns None for areas of which"),
        (loses_its_argument, "is_evidence changes its argument baselines"),
        (in_place, "is_evidence changes its argument baselines"),
        (
            each(lambda areas, b: (areas.mean() + 0.1 < b.mean()).item()),
            'is_evidence gives False for areas of which "random" lies far above, and "edges" lies '
            "a little above on every picture: True is right.",
        ),
        (lambda areas, baselines: 0.3, "is_evidence must return True or False."),
        (lambda areas, baselines: areas < 0.3, "is_evidence must return True or False."),
        (lambda areas, baselines: "yes", "is_evidence must return True or False."),
        (lambda areas, baselines: baselines["blur"], "is_evidence stops with KeyError: 'blur'"),
        (lambda areas, baselines: None, "is_evidence returns None: end it with return and the"),
        (lambda areas: True, "is_evidence must take the arguments areas, baselines."),
        (True, "is_evidence is no function"),
    ],
)
def test_wrong_evidence(answer, words):
    assert words in verdict(check_is_evidence, answer).partition("Not yet: ")[2]


@pytest.mark.parametrize("answer", [..., lambda areas, baselines: ...])
def test_a_placeholder_is_no_attempt(answer):
    assert verdict(check_is_evidence, answer).startswith("Not attempted yet: ")


def test_cases_tell_each_misconception_from_all_others():
    patterns = {}
    for sentence, idea in MISCONCEPTIONS:
        assert patterns.setdefault(tuple(_answers(idea)), sentence) == sentence
        assert sentence.endswith(".")
    assert tuple(_answers(EVIDENCE.right)) not in patterns
