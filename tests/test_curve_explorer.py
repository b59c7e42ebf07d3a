"""The explorer of learning curves, driven without a browser, on results made by hand."""

import base64
from copy import deepcopy
from itertools import combinations

import nbformat
import numpy as np
import pytest
from explorer_driver import drive, shown
from picture_rules import picture_problems
from pixels import at, rgb, words_drawn

from course_utils.datasets import Emoji, emoji
from course_utils.explorers.curves import (
    CHOSEN,
    PER_PAGE,
    SMALL,
    WORDS_WIDTH,
    LearningCurveExplorer,
    _taken_for,
)
from course_utils.explorers.drawing import shorten
from course_utils.explorers.lines import spread
from course_utils.explorers.readings import COUNTS, readings_of
from course_utils.results import Results

STRATEGIES = {"raw pixels": "pixels", "frozen features": "frozen", "everything": "full"}
HELD_OUT = 235
FOOD, PLANT, PLAY = 4, 5, 6  # classes


@pytest.fixture(scope="module")
def drawings() -> Emoji:
    return emoji()


def run(drawings: Emoji, seed: int, misread: dict[int, int]) -> dict:
    """A run that is right but for some emoji; Twemoji's drawings of food are all plants to it."""
    test = drawings.split(seed)[1].numpy()
    labels = drawings.labels.numpy()
    noto = [misread.get(int(index), labels[index]) for index in test]
    twemoji = [PLANT if label == FOOD else label for label in labels[test]]
    measured = {"seconds": 1.5}
    for artist, answers in (("noto", noto), ("twemoji", twemoji)):
        measured[f"{artist}_answers"] = "".join(map(str, answers))
        measured[f"{artist}_accuracy"] = float(np.mean(np.array(answers) == labels[test]))
    return measured


@pytest.fixture(scope="module")
def made(drawings: Emoji) -> dict:
    """Raw pixels are always wrong in four splits, frozen features seldom; everything ran once."""
    always_wrong = {index: (int(label) + 1) % 8 for index, label in enumerate(drawings.labels)}
    two = held_out_at(drawings, [0, 1], FOOD)
    one = held_out_at(drawings, [1], FOOD)
    runs = {
        f"pixels_{count}": {str(seed): run(drawings, seed, always_wrong) for seed in range(4)}
        for count in COUNTS
    }
    runs |= {
        f"frozen_{count}": {
            "1": run(drawings, 1, {two: PLAY, one: PLAY}),
            "0": run(drawings, 0, {two: PLANT}),
        }
        for count in COUNTS
    }
    runs["full_20"] = {"7": run(drawings, 7, {})}
    runs["full_all"] = {"7": run(drawings, 7, {})}
    return {"circumstances": {}, "runs": runs}


def held_out_at(drawings: Emoji, seeds: list[int], label: int) -> int:
    """The first emoji of a class that is held out in these splits of seeds 0 and 1 alone."""
    out = {seed: set(drawings.split(seed)[1].tolist()) for seed in (0, 1)}
    return next(
        index
        for index, own in enumerate(drawings.labels.tolist())
        if own == label and all((index in out[seed]) == (seed in seeds) for seed in out)
    )


@pytest.fixture
def explorer(drawings: Emoji, made: dict) -> LearningCurveExplorer:
    return LearningCurveExplorer(Results("emoji_transfer", made), drawings, STRATEGIES)


def test_every_control(explorer):
    assert drive(explorer) == 3 + 2 + 2 + 2


def test_the_status_says_the_accuracy_and_what_is_shown(drawings, explorer):
    two = held_out_at(drawings, [0, 1], FOOD)
    explorer.choose(strategy="frozen features", count="10")
    assert explorer.status == (
        "frozen features with 10 pictures per class, drawn by Noto: 99.4% (96.7 to 100.0) are "
        "right, mean and 95% interval of 2 splits. Misread at least once: 2 of the 372 emoji "
        "that were held out. Shown: 1 to 2, the most often misread first, from "
        f"{drawings.names[two]} (misread 2 of 2 times)."
    )
    explorer.choose(count="all", artist="Twemoji")
    assert explorer.status.startswith(
        "frozen features with all pictures of each class, drawn by Twemoji: 78.7% (78.7 to 78.7)"
    )


def test_what_an_emoji_was_taken_for(drawings, explorer, monkeypatch):
    explorer.choose(strategy="frozen features")
    words = words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)
    two, one = held_out_at(drawings, [0, 1], FOOD), held_out_at(drawings, [1], FOOD)
    start = words.index("held-out emoji most often misread") + 1
    assert words[start:] == [
        drawings.names[two],
        "true: food",
        "called plant or play",
        "misread 2 of 2 times",
        drawings.names[one],
        "true: food",
        "called play",
        "misread 1 of 1 time",
    ]


def test_many_classes_are_counted():
    classes = emoji().classes
    for tied in range(3, 9):
        words = _taken_for(np.array([2] * tied + [1] * (8 - tied)), classes)
        assert words == f"called {tied} things"
    for first, second in combinations(range(8), 2):
        words = _taken_for(np.isin(range(8), (first, second)).astype(int), classes)
        assert words in (f"called {classes[first]} or {classes[second]}", "called 2 things")
        assert shorten(words, WORDS_WIDTH, SMALL) == words
    for kind in range(8):
        words = _taken_for(np.where(np.arange(8) == kind, 2, 1), classes)
        assert shorten(words, WORDS_WIDTH, SMALL) == words == f"called mostly {classes[kind]}"


def test_the_drawing_is_that_of_the_artist(drawings, explorer):
    for artist in ("Noto", "Twemoji"):
        explorer.choose(strategy="raw pixels", count="2", artist=artist)
        worst = explorer._readings["raw pixels", artist]["2"].worst[0]
        expected = drawings.drawings[artist.lower()][worst].permute(1, 2, 0).numpy()
        drawn = shown(explorer)[56 : 56 + 128 : 2, 880 : 880 + 128 : 2]
        np.testing.assert_array_equal(drawn, expected)


def test_the_worst_come_first_and_counts_add_up(drawings, made):
    results = Results("emoji_transfer", made)
    reading = readings_of(results, drawings, "pixels", "noto")["5"]
    assert reading.splits == 4
    assert reading.accuracy.mean == 0
    assert reading.held_out.sum() == reading.misread.sum() == reading.taken.sum() == 4 * HELD_OUT
    times = reading.misread[reading.worst]
    assert (times[:-1] >= times[1:]).all()
    assert times[-1] >= 1
    assert reading.taken[:, 0].sum() == reading.misread[drawings.labels == 7].sum()


def test_the_marker_stands_at_the_chosen_count(explorer):
    explorer.choose(strategy="everything", count="all")
    assert at(explorer.render(**explorer.values), 250, 32) == rgb(CHOSEN)  # 100% right
    explorer.choose(count="20")
    picture = explorer.render(**explorer.values)
    assert at(picture, 250 - 5, 28) != rgb(CHOSEN)
    assert at(picture, 250 - 194 / 4, 32 - 4) == rgb(CHOSEN)


def test_pages_follow_the_choice(explorer):
    page = explorer.controls["page"]
    misread = len(explorer._readings["raw pixels", "Noto"]["10"].worst)
    assert (page.max, page.disabled) == (-(-misread // PER_PAGE), False)
    page.value = page.max
    last = misread % PER_PAGE or PER_PAGE
    first = misread - last + 1
    shown = f"{first} to {misread}" if last > 1 else f"{misread}"
    assert f"Shown: {shown}, the" in explorer.status
    explorer.controls["artist"].value = "Twemoji"
    explorer.controls["page"].value = 2
    explorer.controls["artist"].value = "Noto"
    assert page.value == 1
    assert page.max > 1
    explorer.controls["strategy"].value = "frozen features"
    assert (page.max, page.value, page.disabled) == (1, 1, True)


def test_a_number_of_pictures_that_was_not_run_is_no_error(explorer):
    explorer.choose(strategy="everything", count="2")
    assert explorer.error is None
    assert explorer.status == (
        "everything was not run with 2 pictures per class; it was run with 20 and all."
    )
    assert explorer.controls["page"].disabled
    explorer.choose(count="all")
    assert explorer.status == (
        "everything with all pictures of each class, drawn by Noto: 100.0% are right in one "
        "split, too few for an interval. No emoji was misread."
    )


def test_there_and_back_is_the_same_picture(explorer):
    before = explorer.picture_png
    for name, there in (("strategy", "everything"), ("count", "2"), ("artist", "Twemoji")):
        back = explorer.controls[name].value
        explorer.controls[name].value = there
        assert explorer.picture_png != before
        explorer.controls[name].value = back
        assert explorer.picture_png == before


def test_the_saved_output_is_a_picture_with_alt_text(explorer):
    data, metadata = explorer._repr_mimebundle_()
    data["image/png"] = base64.b64encode(data["image/png"]).decode()
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    assert list(picture_problems(output)) == []
    assert "raw pixels with 10 pictures per class" in metadata["image/png"]["alt"]


def test_one_strategy_with_one_number_of_pictures(drawings, made):
    results = Results("emoji_transfer", {**made, "runs": {"full_20": made["runs"]["full_20"]}})
    explorer = LearningCurveExplorer(results, drawings, {"all <b>layers</b> " + "x" * 99: "full"})
    assert explorer.error is None
    drive(explorer)


@pytest.mark.parametrize(
    ("words", "strategies"),
    [
        ("1 to 6 strategies, not 0", {}),
        ("1 to 6 strategies, not 7", {str(number): "pixels" for number in range(7)}),
        ("hold no run of 'half', as half_10; their runs: pixels_2, pixels_5,", {"half": "half"}),
    ],
)
def test_strategies_that_cannot_be_shown_are_a_sentence(drawings, made, words, strategies):
    with pytest.raises(ValueError, match=words):
        LearningCurveExplorer(Results("emoji_transfer", made), drawings, strategies)


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("the answers must be a text of 235 digits, .* not 234", {"noto_answers": "0" * 234}),
        ("the answers must be a text of 235 digits, .* not none", {"noto_answers": None}),
        ("the answers must be digits from 0 to 7, but '8' is", {"noto_answers": "8" * 235}),
        (r"the accuracy must be a number in 0\.\.1, not nan", {"twemoji_accuracy": float("nan")}),
        (r"the accuracy must be a number in 0\.\.1, not None", {"twemoji_accuracy": None}),
        (r"the accuracy is 0\.500, but 0\.000 of the answers are right", {"noto_accuracy": 0.5}),
    ],
)
def test_a_bad_run_is_a_sentence(drawings, made, words, changes):
    made = deepcopy(made)
    made["runs"]["pixels_5"]["2"] |= changes
    with pytest.raises(ValueError, match=f"pixels_5, seed 2: {words}") as caught:
        LearningCurveExplorer(Results("emoji_transfer", made), drawings, STRATEGIES)
    assert "\n" not in str(caught.value)


def test_answers_of_another_split_are_found(drawings, made):
    made = deepcopy(made)
    runs = made["runs"]["frozen_5"]
    runs["0"]["noto_answers"], runs["1"]["noto_answers"] = (
        runs["1"]["noto_answers"],
        runs["0"]["noto_answers"],
    )
    with pytest.raises(ValueError, match=r"in the order of emoji\.split\(seed\)\?"):
        LearningCurveExplorer(Results("emoji_transfer", made), drawings, STRATEGIES)


def test_labels_keep_their_distance():
    assert spread({"low": 50, "high": 10, "next": 11}, 5, 100) == {
        "high": 10,
        "next": 15,
        "low": 50,
    }
    assert spread({"a": 99, "b": 100, "c": 98}, 5, 100) == {"c": 90, "a": 95, "b": 100}
