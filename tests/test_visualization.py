"""Pictures that can be optimized."""

import pytest
import torch

from course_utils.visualization import FourierPicture, PixelPicture

KINDS = (PixelPicture, FourierPicture)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_begins_as_faint_noise_of_its_seed(kind):
    picture = kind(16, seed=3)()
    assert picture.shape == (1, 3, 16, 16)
    assert 0 < picture.detach().std() < 0.3
    assert torch.equal(picture, kind(16, seed=3)())
    assert not torch.equal(picture, kind(16, seed=4)())


@pytest.mark.parametrize("kind", KINDS)
def test_any_picture_can_be_reached(kind):
    wanted = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)) - 0.5
    picture = kind(8)
    optimizer = torch.optim.Adam(picture.parameters(), lr=0.03)
    for _ in range(600):
        loss = (picture() - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1e-3


def test_a_step_changes_large_areas_first_where_the_parameters_are_waves():
    """Neighboring pixels move together, by far more than with pixels as parameters."""

    def smoothness(kind):
        picture = kind(32)
        before = picture().detach()
        target = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
        (picture() * target).sum().backward()
        with torch.no_grad():
            for parameter in picture.parameters():
                parameter += 0.01 * parameter.grad.sign()
        change = (picture() - before).detach()
        return (change[..., 1:] * change[..., :-1]).mean() / change.square().mean()

    assert smoothness(PixelPicture) < 0.2
    assert smoothness(FourierPicture) > 0.6


def test_an_odd_side_is_refused():
    with pytest.raises(ValueError, match="size must be even, not 15"):
        FourierPicture(15)
