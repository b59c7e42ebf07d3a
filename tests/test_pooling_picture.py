"""What the explorer of pooling draws."""

import numpy as np
import pytest
from explorer_driver import shown
from pixels import TINY, at, rgb, words_drawn

from course_utils.explorers.maps import BOTTOM, EDGE, MAP_TOP, MARK, TABLES
from course_utils.explorers.pooling import HEIGHT, PoolingExplorer

ZOOM = 46  # screen pixels for each pixel of TINY
MAP_LEFTS = (EDGE + 832 / 3 + 20, EDGE + 2 * (832 / 3 + 20))  # pushed, in its place


def test_the_picture_shows_both_maps_and_the_window() -> None:
    explorer = PoolingExplorer({"tiny": TINY})
    explorer.choose(push=1, row=1, column=0)
    picture = shown(explorer)
    assert picture.shape == (2 * HEIGHT, 1760, 3)
    pushed = [[0, 1, 2, 0], [0, 4, 1, 1], [0, 2, 5, 3], [0, 0, 1, 2]]
    for (row, column), gray in np.ndenumerate(pushed):
        place = EDGE + column * ZOOM + 6, MAP_TOP + row * ZOOM + 6
        assert at(picture, *place) == (round(51 * gray),) * 3
    for left, pooled in zip(MAP_LEFTS, ([[4, 2], [2, 5]], [[4, 3], [5, 4]]), strict=True):
        for (row, column), gray in np.ndenumerate(pooled):
            place = left + column * 58 + 6, MAP_TOP + row * 58 + 6
            assert at(picture, *place) == (51 * gray,) * 3
        assert at(picture, left + 20, MAP_TOP + 58 - 1) == rgb(MARK)
        assert at(picture, left + 20, MAP_TOP - 1) != rgb(MARK)
    assert at(picture, EDGE + 20, MAP_TOP + 2 * ZOOM - 1) == rgb(MARK)
    for (row, column), gray in np.ndenumerate([[0, 2], [0, 0]]):
        assert (
            at(picture, EDGE + 90 * column + 6, BOTTOM + TABLES + 40 * row + 6) == (51 * gray,) * 3
        )


@pytest.mark.parametrize("kind", ["max", "average"])
def test_the_largest_number_is_marked_where_it_counts(kind: str) -> None:
    explorer = PoolingExplorer({"tiny": TINY})
    explorer.choose(kind=kind, row=1, column=0)  # 2 5 / 0 1
    picture = shown(explorer)
    marked = {
        column
        for column in range(2)
        if at(picture, EDGE + 90 * column + 30, BOTTOM + TABLES - 1) == rgb(MARK)
    }
    assert marked == ({1} if kind == "max" else set())


def test_the_picture_is_labeled(monkeypatch: pytest.MonkeyPatch) -> None:
    explorer = PoolingExplorer({"tiny": TINY[:3]})

    def words(**values: object) -> list[str]:
        explorer.choose(**values)
        return words_drawn(lambda: explorer.render(**explorer.values), monkeypatch)

    def changes(pixels: str, pooled: str) -> list[str]:
        return ["mean change by the push, in gray levels", "pixels", pixels, "pooled", pooled]

    maps = ["max pooling 1 × 2", "without the push", "window"]
    assert words(row=0, column=0) == [
        "picture 3 × 4",
        "window",
        "never read",
        *maps,
        "largest of 4",
        "4",
        *changes("0.0", "0.0"),
    ]
    assert words(push=3, kind="average", size=3, stride=1, column=1) == [
        "picture 3 × 4, pushed 3 px",
        "window",
        "average pooling 1 × 2",
        "without the push",
        "window",
        "sum 7, divided by 9",
        "0.778",
        *changes("2.2", "1.6"),  # 26 / 12 and (19 + 9) / 9 / 2
    ]
    assert words(push=0, kind="global max")[2:] == [
        "global max pooling 1 × 1",
        "without the push",
        "largest of 12",
        "5",
        *changes("0.0", "0.0"),
    ]


def test_pushed_pictures_keep_their_grays() -> None:
    image = np.full((4, 4), 50, np.uint8)
    image[:, 3] = 200  # leaves the picture
    explorer = PoolingExplorer({"image": image})
    for push in (0, 1):
        explorer.choose(push=push)
        place = EDGE + 2 * ZOOM + 6, MAP_TOP + 6
        assert at(shown(explorer), *place) == (64,) * 3
