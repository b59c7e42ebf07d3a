"""The planted mark, and how much of it a map finds."""

import pytest
import torch

from course_utils.shortcuts import SIDE, plant_mark, share_found

GRAY = torch.full((50, 1, 28, 28), 100, dtype=torch.uint8)


def test_the_mark_is_a_checkerboard_in_a_copy():
    images, marked = plant_mark(GRAY, seed=0)
    assert (GRAY == 100).all()
    assert images.dtype == torch.uint8
    assert marked.shape == (50, 28, 28)
    assert marked.flatten(1).sum(dim=1).tolist() == [SIDE**2] * 50
    assert (images[:, 0][~marked] == 100).all()
    board = images[0, 0][marked[0]].view(SIDE, SIDE)
    assert board[0].tolist() == [0, 255, 0, 255]
    assert board[1].tolist() == [255, 0, 255, 0]


def test_color_pictures_get_it_in_all_channels():
    images, marked = plant_mark(GRAY.expand(-1, 3, -1, -1), seed=0)
    assert all(torch.equal(images[:, 0], images[:, c]) for c in (1, 2))
    assert not torch.equal(images[:, 0][marked], GRAY[:, 0][marked])


def test_places_are_drawn_for_each_picture_and_reach_the_border():
    _, marked = plant_mark(GRAY.repeat(40, 1, 1, 1), seed=0)
    tops = marked.any(dim=2).int().argmax(dim=1)
    lefts = marked.any(dim=1).int().argmax(dim=1)
    assert set(tops.tolist()) == set(lefts.tolist()) == set(range(28 - SIDE + 1))
    assert torch.equal(plant_mark(GRAY, 3)[0], plant_mark(GRAY, 3)[0])
    assert not torch.equal(plant_mark(GRAY, 3)[0], plant_mark(GRAY, 4)[0])


def test_share_found():
    _, marked = plant_mark(GRAY, seed=1)
    assert (share_found(marked.float(), marked) == 1).all()
    assert (share_found(-marked.float(), marked) == 0).all()
    half = marked.float()
    half[:, ::2] *= 0.5
    half[~marked] = 0.7  # above one half of the mark, below the other
    assert (share_found(half, marked) == 0.5).all()


def test_a_map_without_an_order_finds_as_much_as_chance():
    _, marked = plant_mark(GRAY.repeat(20, 1, 1, 1), seed=2)
    flat = share_found(torch.zeros(1000, 28, 28), marked).mean().item()
    assert flat == pytest.approx(SIDE**2 / 28**2, abs=0.01)
