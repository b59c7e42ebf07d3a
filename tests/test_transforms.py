import pytest
import torch

from course_utils.transforms import shift, shift_anywhere, shuffle_pixels

IMAGES = torch.arange(1, 2 * 3 * 4 + 1, dtype=torch.uint8).reshape(2, 1, 3, 4)


@pytest.mark.parametrize("dx", range(-5, 6))
@pytest.mark.parametrize("dy", range(-4, 5))
def test_shift_moves_every_pixel(dx, dy):
    moved = shift(IMAGES, dx, dy)
    for y in range(3):
        for x in range(4):
            inside = 0 <= y - dy < 3 and 0 <= x - dx < 4
            expected = IMAGES[..., y - dy, x - dx] if inside else torch.zeros(2, 1)
            assert torch.equal(moved[..., y, x].float(), expected.float())


def test_shift_anywhere_moves_each_picture_one_way():
    images = torch.randint(1, 255, (100, 1, 9, 9), dtype=torch.uint8)
    ways = [(-2, 0), (2, 0), (0, -2), (0, 2)]
    moved = shift_anywhere(images, 2)
    used = set()
    for before, after in zip(images, moved, strict=True):
        [way] = [w for w in ways if torch.equal(shift(before[None], *w)[0], after)]
        used.add(way)
    assert used == set(ways)
    assert torch.equal(moved, shift_anywhere(images, 2))
    assert torch.equal(images, shift_anywhere(images, 0))


def test_shuffle_is_one_permutation_for_all_pictures():
    images = torch.stack([torch.arange(784), torch.arange(784) * 2]).reshape(2, 1, 28, 28)
    shuffled = shuffle_pixels(images)
    assert torch.equal(shuffled[0] * 2, shuffled[1])
    assert not torch.equal(shuffled, images)
    assert torch.equal(shuffled.flatten(1).sort().values, images.flatten(1))
    assert torch.equal(shuffled, shuffle_pixels(images))
