"""Cutting a trained network in two, and training what is after the cut."""

import copy

import pytest
import torch
import torch.nn.functional as F
from timm import create_model
from torch import nn

from course_utils.transfer import blocks, fine_tune, linear_head, run_blocks


def tiny_base() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


@pytest.fixture
def task():
    """Pictures of two classes that differ in color: float [2, 40, 3, 8, 8] with mirror images."""
    torch.manual_seed(1)
    labels = torch.arange(40) % 2
    pictures = torch.randn(40, 3, 8, 8)
    pictures[labels == 1, 0] += 2
    return torch.stack([pictures, pictures.flip(-1)]), labels


@pytest.mark.parametrize(
    ("build", "count", "features"),
    [("tf_efficientnet_lite0", 9, 1280), ("resnet18", 6, 512)],
)
def test_blocks_and_head_are_the_whole_network(build, count, features):
    if build == "resnet18":
        from torchvision.models import resnet18

        network = resnet18().eval()
        head = network.fc
    else:
        network = create_model(build).eval()
        head = network.classifier
    parts = blocks(network)
    pictures = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        vector = nn.Sequential(*parts)(pictures)
        torch.testing.assert_close(head(vector), network(pictures))
    assert len(parts) == count
    assert vector.shape == (2, features)


def test_other_networks_are_refused():
    with pytest.raises(ValueError, match="Sequential is neither an EfficientNet nor a ResNet"):
        blocks(tiny_base())


def test_run_blocks_leaves_the_network_as_it_was():
    base = tiny_base().train()
    base[2].eval()
    before = copy.deepcopy(base.state_dict())
    images = torch.randint(0, 256, (7, 3, 8, 8), dtype=torch.uint8)
    outputs = run_blocks(list(base), images, lambda batch: batch / 255, batch_size=3)
    expected = copy.deepcopy(base).eval()(images / 255)
    torch.testing.assert_close(outputs, expected)
    assert not outputs.requires_grad
    assert base.training
    assert not base[2].training
    for name, value in base.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_run_blocks_without_parts_only_prepares():
    images = torch.full((3, 3, 2, 2), 255, dtype=torch.uint8)
    assert run_blocks([], images, lambda batch: batch / 255).unique().tolist() == [1]


@pytest.mark.parametrize("classes", [2, 3])
def test_linear_head_is_the_minimum_of_penalized_cross_entropy(classes):
    torch.manual_seed(0)
    labels = torch.arange(60) % classes
    features = torch.randn(60, 5) + F.one_hot(labels, 5)
    head = linear_head(features, labels, classes, strength=0.5)
    assert head.weight.shape == (classes, 5)
    # scikit-learn: C times the summed loss, plus half the squared weights; bias unpenalized.
    weight, bias = (p.detach().double().requires_grad_() for p in (head.weight, head.bias))
    loss = 0.5 * F.cross_entropy(features.double() @ weight.T + bias, labels, reduction="sum")
    penalty = (weight**2).sum() / 2
    if classes == 2:  # one weight vector w stands for (-w/2, w/2)
        penalty = penalty * 2
    (loss + penalty).backward()
    scale = 60 * 0.5
    assert weight.grad.abs().max() / scale < 1e-3
    assert bias.grad.abs().max() / scale < 1e-3


def test_linear_head_wants_every_class():
    with pytest.raises(ValueError, match="Each of the 3 classes needs at least one example"):
        linear_head(torch.randn(4, 2), torch.tensor([0, 1, 0, 1]), 3)


def test_fine_tuning_learns_and_leaves_the_statistics_alone(task):
    views, labels = task
    base, head = tiny_base(), nn.Linear(4, 2)
    before = copy.deepcopy(base.state_dict())
    torch.manual_seed(0)
    losses = fine_tune(
        base, head, views, labels, base_rate=1e-2, head_rate=1e-1, epochs=8, description=None
    )
    assert len(losses) == 8 * 2
    assert losses[-1] < losses[0] / 1.5
    assert not torch.equal(base[0].weight, before["0.weight"])
    for name in ("1.running_mean", "1.running_var", "1.num_batches_tracked"):
        assert torch.equal(base.state_dict()[name], before[name]), name


def test_statistics_move_where_that_is_wanted(task):
    views, labels = task
    base = tiny_base()
    fine_tune(
        base,
        nn.Linear(4, 2),
        views,
        labels,
        base_rate=1e-3,
        head_rate=1e-3,
        epochs=1,
        freeze_statistics=False,
        description=None,
    )
    assert base[1].num_batches_tracked == 2


def test_each_part_has_its_own_rate(task):
    views, labels = task
    base, head = tiny_base(), nn.Linear(4, 2)
    weight, bias = base[0].weight.clone(), head.bias.clone()
    fine_tune(base, head, views, labels, base_rate=0, head_rate=0.1, epochs=2, description=None)
    assert torch.equal(base[0].weight, weight)
    assert not torch.equal(head.bias, bias)


@pytest.mark.parametrize("steps", range(1, 13))
def test_any_number_of_steps_trains(task, steps):
    views, labels = task
    head = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    bias = head[1].bias.clone()
    options = {"base_rate": 0, "head_rate": 0.1, "batch_size": 40, "description": None}
    losses = fine_tune(nn.Identity(), head, views, labels, epochs=steps, **options)
    assert len(losses) == steps
    assert (head[1].bias - bias).abs().max() > 1e-3


def test_the_head_alone_can_be_trained(task):
    views, labels = task
    head = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    losses = fine_tune(
        nn.Identity(), head, views, labels, base_rate=1, head_rate=1e-2, epochs=5, description=None
    )
    assert losses[-1] < losses[0]


def test_all_views_are_seen():
    torch.manual_seed(0)
    seen = set()

    class Spy(nn.Module):
        def forward(self, x):
            seen.update(x.flatten().tolist())
            return x

    views = torch.stack([torch.arange(8.0), torch.arange(8.0) + 100])[..., None]
    head = nn.Linear(1, 2)
    labels = torch.arange(8) % 2
    fine_tune(
        Spy(),
        head,
        views,
        labels,
        base_rate=0,
        head_rate=0,
        epochs=12,
        batch_size=4,
        description=None,
    )
    assert seen == set(range(8)) | set(range(100, 108))
