"""The picture of the explorer of feature maps: a layer's maps, one of them, where it looks."""

import cv2
import numpy as np

from course_utils.explorers.cell_picture import draw_cell_sum
from course_utils.explorers.drawing import FAINT, TEXT, Canvas, number, percent
from course_utils.explorers.feature_map_scene import Scene
from course_utils.explorers.feature_map_words import facts, gives
from course_utils.explorers.maps import (
    LINES,
    MARK,
    NEGATIVE,
    POSITIVE,
    draw_scale,
    mark_cells,
    shades,
)
from course_utils.explorers.mosaics import DEAD, Summary, columns_for, mosaic, tile_side
from course_utils.explorers.texts import wrap
from course_utils.figures import PALETTE

MAPS_PER_PAGE, NUMBERS_PER_PAGE = 64, 1000

WIDTH, HEIGHT = 880, 560
SMALL = 11
HEADING, FACTS, TITLE, TOP, SIDE = 10, 28, 53, 65, 256
LEFT, MIDDLE, RIGHT = 4, 312, 620  # of the three columns
LEGEND, SECTION, BODY = TOP + SIDE + 15, 366, 379
BAR_LEFT, BAR_LENGTH, BAR_ROW = RIGHT + 128, 88, 15
ANSWER = PALETTE["blue"]


def draw_scene(scene: Scene) -> np.ndarray:
    """The picture, uint8 RGB."""
    canvas = Canvas(WIDTH, HEIGHT)
    heading = f"layer {scene.place} of {scene.layers}: {scene.layer.name}"
    canvas.text(LEFT, HEADING, heading, bold=True, size=13, width=WIDTH - LEFT)
    canvas.text(LEFT, FACTS, facts(scene.layer), color=FAINT, width=WIDTH - LEFT)
    if scene.summary is None:
        words = f"No feature maps: this layer {gives(scene.layer)}."
        _draw_lines(canvas, LEFT, TOP + 8, words, MIDDLE + SIDE - LEFT, most=8)
    elif scene.is_vector:
        _draw_numbers(canvas, scene)
    else:
        _draw_mosaic(canvas, scene, scene.summary)
        _draw_map(canvas, scene, scene.summary)
    _draw_inputs(canvas, scene)
    if scene.cell_sum is not None:
        canvas.text(LEFT, SECTION, "the marked cell, by hand", bold=True)
        draw_cell_sum(canvas, LEFT, BODY, RIGHT - 20 - LEFT, HEIGHT - BODY, scene.cell_sum)
    else:
        canvas.text(LEFT, SECTION, "what the layer does", bold=True)
        _draw_lines(canvas, LEFT, BODY + 9, scene.does, MIDDLE + SIDE - LEFT, most=4)
    _draw_answers(canvas, scene)
    return canvas.array()


def map_side(count: int) -> int:
    """How large the maps of a layer of `count` channels are, side by side, in screen pixels."""
    return tile_side(SIDE, columns_for(min(count, MAPS_PER_PAGE)))


def page(rank: int, count: int, per_page: int) -> range:
    """The places that are shown together with place `rank` of `count`."""
    start = rank // per_page * per_page
    return range(start, min(start + per_page, count))


def _draw_mosaic(canvas: Canvas, scene: Scene, summary: Summary) -> None:
    count = len(scene.ranking)
    shown = page(scene.rank, count, MAPS_PER_PAGE)
    canvas.text(LEFT, TITLE, _places("channels", shown, count, scene.order))
    levels = summary.levels[scene.ranking[shown.start : shown.stop]]
    columns = columns_for(min(count, MAPS_PER_PAGE))
    picture = mosaic(levels, SIDE, signed=summary.signed, columns=columns)
    canvas.image(LEFT, TOP, picture.pixels, 1)
    left, top, width, height = picture.tiles[scene.rank - shown.start]
    frame = LEFT + left, TOP + top, width, height
    canvas.outline(*frame, "black", 2.5)
    canvas.outline(*frame, MARK, 2)
    words = "0 is black; each map on its own scale"
    if summary.signed:
        words = "blue below 0, orange above; own scales"
    canvas.text(LEFT, LEGEND, words, size=SMALL, color=FAINT)


def _draw_map(canvas: Canvas, scene: Scene, summary: Summary) -> None:
    values = scene.chosen
    title = f"{scene.named}, {values.shape[0]} × {values.shape[1]}"
    canvas.text(MIDDLE, TITLE, title)
    largest = float(np.abs(values).max())
    if largest <= DEAD:
        largest = 1.0
    colors = shades(values, largest, signed=summary.signed)
    zoom = _draw_fitted(canvas, MIDDLE, colors)
    mark_cells(canvas, MIDDLE, TOP, *(np.array([index]) for index in scene.cell), zoom)
    draw_scale(canvas, MIDDLE, LEGEND, values, largest, signed=summary.signed)


def _draw_numbers(canvas: Canvas, scene: Scene) -> None:
    """Bars around 0, one for each number."""
    count = len(scene.ranking)
    shown = page(scene.rank, count, NUMBERS_PER_PAGE)
    wide = MIDDLE + SIDE - LEFT
    canvas.text(LEFT, TITLE, _places("numbers", shown, count, scene.order))
    values = scene.maps[:, 0, 0].nan_to_num(0, 0, 0).numpy()
    bars = values[scene.ranking[shown.start : shown.stop]]
    low, high = min(float(bars.min()), 0.0), max(float(bars.max()), 0.0)
    scale = SIDE / ((high - low) or 1)
    zero, step = TOP + high * scale, wide / len(bars)
    thick = step - (1 if step >= 4 else 0)
    for place, value in enumerate(bars.tolist()):
        color = NEGATIVE if value < 0 else POSITIVE
        top = zero - max(value, 0) * scale
        canvas.rectangle(LEFT + place * step, top, thick, abs(value) * scale, color)
    canvas.rectangle(LEFT, zero - 0.25, wide, 0.5, LINES)
    place = scene.rank - shown.start
    value = float(bars[place])
    frame = LEFT + place * step, zero - max(value, 0) * scale, max(thick, 1), abs(value) * scale
    canvas.outline(*frame, "black", 2)
    canvas.outline(*frame, MARK, 1.5)
    words = f"marked: {scene.named}; the numbers shown go from {number(bars.min())} to "
    canvas.text(LEFT, LEGEND, words + number(bars.max()), size=SMALL, color=FAINT)


def _draw_inputs(canvas: Canvas, scene: Scene) -> None:
    height, width = scene.inputs.shape[:2]
    canvas.text(RIGHT, TITLE, f"what the network sees, {height} × {width}", width=SIDE)
    zoom = _draw_fitted(canvas, RIGHT, scene.inputs)
    words, marked = "", "number" if scene.is_vector else "cell"
    if scene.window is not None:
        top, left, bottom, right = scene.window
        mark_cells(canvas, RIGHT, TOP, np.arange(top, bottom), np.arange(left, right), zoom)
        words = f"the marked {marked} sees {bottom - top} × {right - left} pixels"
        if (bottom - top, right - left) == (height, width):
            words = f"the marked {marked} sees the whole picture"
    elif scene.maps is not None:
        words = "which pixels it depends on is unknown"
    canvas.text(RIGHT, LEGEND, words, size=SMALL, color=FAINT, width=SIDE)


def _draw_answers(canvas: Canvas, scene: Scene) -> None:
    if scene.after is None:
        blocks = [("the network's answers", scene.before, ANSWER)]
    else:
        blocks = [
            ("with nothing switched off", scene.before, LINES),
            (f"with {scene.named} switched off", scene.after, ANSWER),
        ]
    top = SECTION
    for title, answers, color in blocks:
        canvas.text(RIGHT, top, title, bold=True)
        if answers.reason is not None:
            _draw_lines(canvas, RIGHT, top + 20, answers.reason, SIDE, most=4)
        for place, (name, probability) in enumerate(answers.likeliest):
            y = top + 20 + BAR_ROW * place
            canvas.text(BAR_LEFT - 6, y, name, size=SMALL, align="right", width=122)
            canvas.bar(BAR_LEFT, y - 5, BAR_LENGTH, 10, probability, color)
            canvas.text(BAR_LEFT + BAR_LENGTH + 6, y, percent(probability), size=SMALL)
        top += 100


def _draw_fitted(canvas: Canvas, x: float, colors: np.ndarray) -> float:
    """Draw a picture as large as fits; gives how large one of its pixels is."""
    height, width = colors.shape[:2]
    zoom = SIDE / max(height, width)
    if zoom < 0.5:  # smaller than a pixel of the screen: mean colors, not every second pixel
        size = (max(round(2 * zoom * width), 1), max(round(2 * zoom * height), 1))
        canvas.image(x, TOP, cv2.resize(colors, size, interpolation=cv2.INTER_AREA), 0.5)
    else:
        canvas.image(x, TOP, colors, zoom)
    canvas.outline(x, TOP, width * zoom, height * zoom, LINES, 0.5)
    return zoom


def _draw_lines(canvas: Canvas, x: float, y: float, text: str, width: float, most: int) -> None:
    for line, words in enumerate(wrap(text, width, most=most)):
        canvas.text(x, y + 17 * line, words, color=TEXT, width=width)


def _places(what: str, shown: range, count: int, order: str) -> str:
    """Which channels are shown, as "ranks 0 to 63 of 96 by strength"."""
    if count == 1:
        return "one map" if what == "channels" else "one number"
    by = "" if order == "index" else f" by {order}"
    return f"{'ranks' if by else what} {shown.start} to {shown.stop - 1} of {count:,}{by}"
