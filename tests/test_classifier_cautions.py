"""What a classifier of pictures refuses to learn from, and the doubts that it tells of."""

import re

import pytest
import torch
from noise_classifier import of_noise

from course_utils.cautions import cautions
from course_utils.classifier import train_classifier
from course_utils.intervals import Interval

# ---------------------------------------------------------------- wrong arguments

IMAGES, LABELS = torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.tensor([0, 0, 1, 1])


@pytest.mark.parametrize(
    ("images", "labels", "classes", "options", "words"),
    [
        (IMAGES.float(), LABELS, "ab", {}, r"images must be uint8 \[N, 3, H, W\], not torch.float"),
        (IMAGES[:, :1], LABELS, "ab", {}, r"not torch.uint8 \[4, 1, 8, 8\]"),
        (IMAGES, LABELS[:3], "ab", {}, r"labels must be int64 \[4\], one for each image"),
        (IMAGES, LABELS.float(), "ab", {}, r"not torch.float32 \[4\]"),
        (IMAGES, LABELS, "a", {}, r"at least two different names, not \['a'\]"),
        (IMAGES, LABELS, "aa", {}, r"at least two different names, not \['a', 'a'\]"),
        (IMAGES, LABELS + 1, "ab", {}, r"labels must lie in 0\.\.1"),
        (IMAGES, LABELS - 1, "ab", {}, r"labels must lie in 0\.\.1"),
        (IMAGES, LABELS, "abc", {}, "fewer than two different pictures of c: at least one"),
        (IMAGES[1:], LABELS[1:], "ab", {}, "fewer than two different pictures of a: at least one"),
        (IMAGES[:0], LABELS[:0], "ab", {}, "fewer than two different pictures of a and b"),
        (IMAGES, LABELS, "ab", {"splits": 1}, "splits must be at least 2 .*, not 1"),
    ],
)
def test_wrong_arguments_are_refused_first(
    images, labels, classes, options, words, monkeypatch
) -> None:
    monkeypatch.setattr(
        "course_utils.classifier.efficientnet_lite0", lambda _: pytest.fail("loaded")
    )
    with pytest.raises(ValueError, match=words):
        train_classifier(images, labels, tuple(classes), progress=False, **options)


def test_two_pictures_a_class_are_enough() -> None:
    found = of_noise([2, 2])
    assert found.confusion.sum(dim=1).tolist() == [10, 10]
    assert found.accuracy.high - found.accuracy.low > 0.5


# ---------------------------------------------------------------- what a reader is told


@pytest.mark.parametrize(
    ("counts", "accuracy", "skipped", "words"),
    [
        ([10, 30], Interval(0.9, 0.76, 1), 0, []),
        ([9, 27], Interval(0.9, 0.76, 1), 0, ["Fewer than 10 pictures of cats (9): take"]),
        (
            [30, 30],
            Interval(0.6, 0.5, 0.7),
            0,
            [
                "It has not been shown that this classifier beats always answering cats: the "
                "interval begins at 50.0%, and that answer is right in 50.0%."
            ],
        ),
        ([30, 30], Interval(0.3, 0.2, 0.4), 0, ["It has not been shown"]),
        (
            [91, 30],
            Interval(0.9, 0.8, 1),
            0,
            [
                "The classes are unequal, cats 91 and dogs 30: the accuracy says little about "
                "dogs, and the table `confusion` says more."
            ],
        ),
        ([30, 30], Interval(0.9, 0.8, 1), 7, ["Something was left out, named in `skipped`"]),
    ],
)
def test_each_caution_has_its_reason(counts, accuracy, skipped, words) -> None:
    sentences = cautions(["cats", "dogs"], counts, accuracy, skipped)
    assert len(sentences) == len(words)
    for sentence, start in zip(sentences, words, strict=True):
        assert sentence.startswith(start)
        assert sentence.endswith(".")


def test_a_learner_reads_numbers_doubts_and_what_was_left_out() -> None:
    skipped = [f"dogs/{n}_<b>|*.jpg: the file is empty." for n in range(12)]
    found = of_noise([4, 15], skipped=skipped)
    text, markdown = repr(found), found._repr_markdown_()
    for shown in (text, markdown):
        assert "19 pictures in 2 classes: cats 4, dogs 15" in shown
        assert found.accuracy.percent() in shown
        assert "always answering dogs" in shown
        assert f"{15 / 19:.1%}" in shown
        assert "Mean over 10 random splits with its 95% interval" in shown
        assert "Fewer than 10 pictures of cats" in shown
        assert "has not been shown" in shown
        assert "The classes are unequal" in shown
        assert shown.count("the file is empty") == 10
        assert "and 2 more, in `skipped`." in shown
    assert "dogs/3_<b>|*.jpg" in text
    assert r"dogs/3\_\<b\>\|\*.jpg" in markdown
    assert re.search(r"\n\n\|  \| accuracy \|\n\|:--\|--:\|\n\| this classifier", markdown)
