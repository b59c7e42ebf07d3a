"""The network that comes trained."""

import pytest
import torch

from course_utils.datasets import fashion_mnist
from course_utils.models import FashionCNN
from course_utils.pretrained import fashion_cnn
from course_utils.sources import shipped
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
