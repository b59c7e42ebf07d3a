"""The picture of a learner's own classes: thumbnails, accuracy, mistakes, a new picture."""

from collections.abc import Mapping

import numpy as np

from course_utils.classifier import FolderClassifier
from course_utils.explorers.drawing import FAINT, TEXT, TRACK, Canvas, percent
from course_utils.explorers.maps import LINES
from course_utils.explorers.own_pictures import THUMBNAIL, Collection, OwnPicture, owner
from course_utils.explorers.texts import wrap
from course_utils.figures import PALETTE
from course_utils.pictures import central_square

PER_PAGE = 7  # thumbnails of a class

WIDTH, HEADING, TOP = 880, 10, 26
MARKED, RIGHT, WRONG = PALETTE["blue"], PALETTE["blue"], PALETTE["vermilion"]
SMALL = 11

SHEET_NAMES = 118  # width, with the room to the thumbnails
THUMB, ROW = 48, 56
RESULTS = 520  # where the right half begins
BARS, BAR_LENGTH, BAR_ROW = 630, 120, 20
BLOCK_GAP = 18
CELLS, CELL_HEIGHT, WIDEST_CELL, SMALL_THUMB = 636, 24, 60, 20
NEW, NEW_BARS, NEW_BAR_LENGTH, NEW_ROW = 96, 722, 110, 18


def draw_classes(
    collection: Collection,
    chosen: str,
    page: int,
    *,
    classifier: FolderClassifier | None,
    missing: str | None,
    new: OwnPicture | None,
    probabilities: Mapping[str, float],
) -> np.ndarray:
    """The picture, uint8 RGB; its height follows the number of classes.

    Args:
        collection: the pictures by class.
        chosen: the class to mark; one that does not exist gets an empty row, "" gets none.
        page: which thumbnails of each class, from 1; the last added come first.
        classifier: whose accuracy and mistakes to show, if there is one.
        missing: what to add before there is one.
        new: the picture to classify.
        probabilities: class -> probability; empty if the picture is not new or nobody can say.
    """
    rows = [*collection, *([chosen] if chosen and chosen not in collection else [])]
    trained = 0 if classifier is None else len(classifier.classes)
    new_top = TOP + 60
    if classifier is not None:
        new_top = TOP + 2 * BAR_ROW + 2 * BLOCK_GAP + 28 + trained * CELL_HEIGHT + BLOCK_GAP
    height = new_top + BLOCK_GAP + max(NEW, NEW_ROW * trained) + 4
    canvas = Canvas(WIDTH, max(height, TOP + ROW * len(rows)))
    canvas.text(0, HEADING, "your pictures, the newest first", bold=True)
    for place, name in enumerate(rows):
        pictures = collection.get(name, ())
        _draw_row(canvas, TOP + place * ROW, name, pictures, page, name == chosen)
    canvas.text(RESULTS, HEADING, "accuracy on pictures held out", bold=True)
    if classifier is None:
        hint = wrap(missing or "", WIDTH - RESULTS, most=3)
        for line, words in enumerate(hint):
            canvas.text(RESULTS, TOP + 8 + 17 * line, words, color=FAINT)
    else:
        _draw_accuracy(canvas, TOP, classifier)
        _draw_confusion(canvas, TOP + 2 * BAR_ROW + BLOCK_GAP, classifier, collection)
    canvas.text(RESULTS, new_top, "a new picture", bold=True)
    _draw_new(canvas, new_top + BLOCK_GAP, collection, classifier, new, probabilities)
    return canvas.array()


def _draw_row(
    canvas: Canvas,
    y: float,
    name: str,
    pictures: tuple[OwnPicture, ...],
    page: int,
    marked: bool,
) -> None:
    color = MARKED if marked else TEXT
    if marked:
        canvas.rectangle(0, y, 4, THUMB, MARKED)
    width = SHEET_NAMES - 18
    lines = wrap(name, width, bold=marked)
    count = {0: "no pictures yet", 1: "1 picture"}.get(len(pictures), f"{len(pictures)} pictures")
    middle = y + THUMB / 2 - 8 * len(lines)
    for line, words in enumerate(lines):
        canvas.text(10, middle + 16 * line, words, color=color, bold=marked, width=width)
    canvas.text(10, middle + 16 * len(lines), count, size=SMALL, color=FAINT)
    start = (page - 1) * PER_PAGE
    for place, picture in enumerate(pictures[::-1][start : start + PER_PAGE]):
        x = SHEET_NAMES + place * (THUMB + 4)
        canvas.image(x, y, picture.thumbnail, THUMB / THUMBNAIL)


def _draw_accuracy(canvas: Canvas, top: float, classifier: FolderClassifier) -> None:
    largest = classifier.classes[classifier.counts.index(max(classifier.counts))]
    mean, low, high = classifier.accuracy
    rows = [
        ("this classifier", mean, RIGHT, f"{mean:.0%} ({100 * low:.0f} to {100 * high:.0f})"),
        (f"always {largest}", classifier.majority, LINES, f"{classifier.majority:.0%}"),
    ]
    for place, (label, share, color, figure) in enumerate(rows):
        y = top + place * BAR_ROW
        middle = y + BAR_ROW / 2
        room = BARS - 6 - RESULTS
        canvas.text(BARS - 6, middle, label, align="right", width=room, bold=place == 0)
        canvas.bar(BARS, y + 3, BAR_LENGTH, BAR_ROW - 6, share, color)
        canvas.text(BARS + BAR_LENGTH + 8, middle, figure, bold=place == 0)
    left, right = (BARS + BAR_LENGTH * share for share in (low, high))
    middle = top + BAR_ROW / 2
    canvas.rectangle(left, middle - 1, right - left, 2, TEXT)
    for end in (left, right):
        canvas.rectangle(end - 1, middle - 5, 2, 10, TEXT)


def _draw_confusion(
    canvas: Canvas, top: float, classifier: FolderClassifier, collection: Collection
) -> None:
    """Of the held-out pictures of each class (rows), how many percent were called what."""
    canvas.text(RESULTS, top, "% of a class's held-out pictures called …", bold=True)
    names = classifier.classes
    shares = classifier.confusion.numpy() / classifier.confusion.sum(dim=1, keepdim=True).numpy()
    width = min((WIDTH - CELLS) // len(names), WIDEST_CELL)
    faces = [collection[name][-1].thumbnail for name in names]
    first = top + 14 + SMALL_THUMB + 4
    for column, face in enumerate(faces):
        x = CELLS + column * width + (width - SMALL_THUMB) / 2
        canvas.image(x, top + 14, face, SMALL_THUMB / THUMBNAIL)
    for row, (name, face) in enumerate(zip(names, faces, strict=True)):
        y = first + row * CELL_HEIGHT
        canvas.image(CELLS - SMALL_THUMB - 6, y + 2, face, SMALL_THUMB / THUMBNAIL)
        right = CELLS - SMALL_THUMB - 12
        canvas.text(right, y + CELL_HEIGHT / 2, name, align="right", width=right - RESULTS)
        for column, share in enumerate(shares[row]):
            x = CELLS + column * width
            color = _tint(RIGHT if row == column else WRONG, share)
            canvas.rectangle(x, y, width - 1, CELL_HEIGHT - 1, color if share else TRACK)
            ink = "white" if share > 0.6 else TEXT
            words, middle = f"{100 * share:.0f}", y + CELL_HEIGHT / 2 - 0.5
            canvas.text(x + width / 2, middle, words, size=SMALL, color=ink, align="center")


def _draw_new(
    canvas: Canvas,
    top: float,
    collection: Collection,
    classifier: FolderClassifier | None,
    new: OwnPicture | None,
    probabilities: Mapping[str, float],
) -> None:
    if new is None:
        canvas.outline(RESULTS + 1, top + 1, NEW - 2, NEW - 2, LINES)
        hint = "upload one that is not among your pictures on the left: what is it taken for?"
    else:
        canvas.image(RESULTS, top, central_square(new.square, 2 * NEW), 0.5)
        hint = "as soon as there is a classifier, it answers here"
        if (own := owner(collection, new)) is not None:
            hint = f"one of your pictures of {own}, and so it is not new"
    if not probabilities or classifier is None:
        x = RESULTS + NEW + 12
        for line, words in enumerate(wrap(hint, WIDTH - x, most=4)):
            y = top + 10 + 17 * line
            canvas.text(x, y, words, color=FAINT, width=WIDTH - x)
        return
    likeliest = next(iter(probabilities))
    for row, name in enumerate(classifier.classes):
        y, share, bold = top + row * NEW_ROW, probabilities[name], name == likeliest
        middle, right = y + NEW_ROW / 2, NEW_BARS - 6
        room = right - RESULTS - NEW - 8
        canvas.text(right, middle, name, align="right", bold=bold, width=room)
        canvas.bar(NEW_BARS, y + 3, NEW_BAR_LENGTH, NEW_ROW - 6, share, RIGHT if bold else LINES)
        canvas.text(NEW_BARS + NEW_BAR_LENGTH + 6, middle, percent(share), bold=bold)


def _tint(color: str, share: float) -> str:
    """A color mixed with white."""
    parts = (255 + share * (part - 255) for part in bytes.fromhex(color[1:]))
    return "#" + "".join(f"{round(part):02X}" for part in parts)
