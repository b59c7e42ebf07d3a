"""What a learner gets from `course_utils.datasets`, with the full data, without, and damaged."""

import gzip
import runpy
import struct
import warnings

import numpy as np
import pytest
import torch

from course_utils import datasets, sources
from course_utils.catalog import DATASETS, SHIPPED, Dataset
from course_utils.datasets import (
    SmallSubsetWarning,
    co2,
    emoji,
    fashion_mnist,
    sample_clip,
    sample_image,
)
from course_utils.places import File
from course_utils.sources import DataUnavailable, where


@pytest.fixture
def full():
    if where("fashion-mnist") is None:
        pytest.skip("Fashion-MNIST is not on this machine; run `course prefetch`")
    return fashion_mnist(allow_subset=False)


@pytest.fixture
def no_data(monkeypatch):
    """A machine without Fashion-MNIST and without a network."""
    files = DATASETS["fashion-mnist"].files
    monkeypatch.setitem(DATASETS, "fashion-mnist", Dataset("Fashion-MNIST", files, (), ()))
    datasets._full.cache_clear()
    yield
    datasets._full.cache_clear()


@pytest.fixture
def subset(no_data):
    with pytest.warns(SmallSubsetWarning):
        return fashion_mnist()


def assert_shapes(data, train, test, kept):
    for split, count in ((data.train, train), (data.test, test)):
        assert split.images.shape == (count, 1, 28, 28)
        assert split.images.dtype == torch.uint8
        assert split.labels.shape == (count,)
        assert split.labels.dtype == torch.int64
        assert split.labels.bincount().tolist() == [count // 10] * 10
    first, validation = data.tuning_splits()
    assert len(first.images) == len(first.labels) == kept
    for part in ("images", "labels"):
        joined = torch.cat([getattr(first, part), getattr(validation, part)])
        assert torch.equal(joined, getattr(data.train, part))


def test_the_full_data(full):
    assert_shapes(full, 60_000, 10_000, kept=55_000)
    assert not full.is_subset
    assert full.source == where("fashion-mnist")
    # The first labels of the training file are an ankle boot, two T-shirts and a dress.
    names = [full.classes[label] for label in full.train.labels[:5]]
    assert names == ["Ankle boot", "T-shirt", "T-shirt", "Dress", "T-shirt"]
    # Mean and deviation of the training pixels, as the literature gives them.
    pixels = full.train.images / 255
    assert f"{pixels.mean():.4f} {pixels.std():.4f}" == "0.2860 0.3530"


def test_the_tensors_are_the_callers_memory(full):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        view = full.test.images[0].numpy()
    assert view.flags.writeable
    assert fashion_mnist() is full


def test_the_subset_comes_with_a_warning(no_data):
    with pytest.warns(SmallSubsetWarning, match=r"(?s)SMALL SUBSET.*lower accuracies.*Tried") as w:
        data = fashion_mnist()
    assert w[0].filename == __file__
    assert data.is_subset
    assert_shapes(data, 2_000, 1_000, kept=1_834)


def test_the_warning_is_shown_at_each_call(no_data):
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        fresh = runpy.run_path(datasets.__file__)
        for _ in range(2):
            fresh["fashion_mnist"]()
    assert ["SMALL SUBSET" in str(warning.message) for warning in caught] == [True, True]


def test_the_subset_can_be_refused(no_data):
    with pytest.raises(DataUnavailable, match="Fashion-MNIST is not available"):
        fashion_mnist(allow_subset=False)


def test_the_full_data_come_back(full, monkeypatch):
    nowhere = Dataset("Fashion-MNIST", DATASETS["fashion-mnist"].files, (), ())
    with monkeypatch.context() as patched:
        patched.setitem(DATASETS, "fashion-mnist", nowhere)
        datasets._full.cache_clear()
        with pytest.warns(SmallSubsetWarning):
            assert fashion_mnist().is_subset
    assert not fashion_mnist().is_subset


def test_the_subset_is_a_part_of_the_full_data(full, subset):
    for whole, part in ((full.train, subset.train), (full.test, subset.test)):
        per_class = len(part.labels) // 10
        for label in range(10):
            expected = whole.images[whole.labels == label][:per_class]
            assert torch.equal(part.images[part.labels == label], expected)
        assert part.labels[:20].tolist() == [*range(10), *range(10)]


@pytest.mark.parametrize(
    "content",
    [
        struct.pack(">HBBII", 0, 8, 2, 2, 2) + b"abc",  # cut short
        struct.pack(">HBBII", 0, 8, 2, 1, 4) + b"abcd",  # other sizes
        struct.pack(">HBBII", 0, 13, 2, 2, 2) + b"abcd",  # floats
        struct.pack(">HBBI", 0, 8, 1, 4) + b"abcd",  # one dimension
    ],
)
def test_another_idx_file_is_refused(content, tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(struct.pack(">HBBII", 0, 8, 2, 2, 2) + b"abcd"))
    assert datasets._read_idx(path, (2, 2)).tolist() == [[97, 98], [99, 100]]
    path.write_bytes(gzip.compress(content))
    with pytest.raises(DataUnavailable, match=r"is not an IDX file of shape \(2, 2\)"):
        datasets._read_idx(path, (2, 2))


@pytest.mark.parametrize("name", datasets.SAMPLE_IMAGES)
def test_sample_images(name):
    image = sample_image(name)
    assert image.dtype == np.uint8
    height, width, channels = image.shape
    assert channels == 3
    assert 300 <= min(height, width) <= max(height, width) <= 512
    assert image.std() > 30
    assert image.flags.writeable


def test_the_cat_is_ginger():
    red, _, blue = sample_image("cat").mean(axis=(0, 1))
    assert red > blue + 30


def test_an_unknown_image_is_a_sentence():
    with pytest.raises(ValueError, match="no sample image 'dog'; choose one of astronaut, cat"):
        sample_image("dog")


def test_the_camera_of_the_clip_stands_still():
    frames = sample_clip()
    assert frames.dtype == np.uint8
    assert frames.shape == (16, 90, 160)
    change = np.abs(np.diff(frames.astype(int), axis=0))
    rabbit, background = change[:, 10:70, 10:75], change[:, :, 100:]
    assert 3 * background.mean() < rabbit.mean()


def test_co2_has_no_gap_and_breathes_once_a_year():
    months, values = co2()
    assert (np.diff(months) == np.timedelta64(1, "M")).all()
    assert (str(months[0]), str(months[-1])) == ("1958-04", "2001-12")
    assert values.dtype == torch.float32
    assert values.shape == (525,)
    growth = values[12:] - values[:-12]
    assert 0.5 < growth.mean() < 2
    wave = (values - values.mean())[6:-6] - values.unfold(0, 13, 1).mean(1)
    peaks = torch.fft.rfft(wave - wave.mean()).abs().argmax()
    assert peaks == round(len(wave) / 12)


def test_what_ships_is_small():
    sizes = {path.name: path.stat().st_size for path in sources.shipped_folder().glob("*.*")}
    assert sum(sizes.values()) < 9e6
    assert sum(size for name, size in sizes.items() if name.startswith("emoji")) < 3e6


@pytest.fixture(scope="module")
def drawn():
    return emoji()


def test_emoji(drawn):
    assert list(drawn.drawings) == ["noto", "twemoji"]
    for drawings in drawn.drawings.values():
        assert drawings.shape == (584, 3, 64, 64)
        assert drawings.dtype == torch.uint8
        on_white = (drawings[:, :, :2, :2] == 255).flatten(1).all(dim=1)
        assert on_white.float().mean() > 0.95  # a few fill their square
    assert drawn.classes == (
        *("animal", "building", "clothing", "face", "food", "plant", "play", "transport"),
    )
    assert drawn.labels.bincount().tolist() == [130, 33, 47, 110, 124, 29, 39, 72]
    assert drawn.labels.dtype == torch.int64
    assert len(set(drawn.names)) == 584


def test_an_emoji_is_at_its_place_in_both_drawings(drawn):
    for name, channel in (("red apple", 0), ("blueberries", 2)):
        for drawings in drawn.drawings.values():
            drawing = drawings[drawn.names.index(name)].float()
            ink = drawing[:, drawing.mean(dim=0) < 230].mean(dim=1)
            assert ink.argmax() == channel, name


@pytest.mark.parametrize("seed", range(10))
def test_no_picture_is_on_both_sides_of_a_split(drawn, seed):
    train, test = drawn.split(seed)
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(584))
    for artist in drawn.drawings.values():
        for other in drawn.drawings.values():
            known = {picture.numpy().tobytes() for picture in artist[train]}
            assert not [i for i in test.tolist() if other[i].numpy().tobytes() in known]


def test_a_split_is_drawn_by_lot_from_each_class(drawn):
    train, test = drawn.split(3)
    counts = drawn.labels.bincount()
    assert torch.equal(drawn.labels[test].bincount(), (0.4 * counts).round().long())
    assert torch.equal(drawn.split(3)[1], test)
    assert not torch.equal(drawn.split(4)[1], test)
    few, same = drawn.split(3, per_class=5)
    assert drawn.labels[few].bincount().tolist() == [5] * 8
    assert torch.equal(same, test)
    assert set(few.tolist()) < set(train.tolist())


def test_a_small_class_gives_what_it_has(drawn):
    few, _ = drawn.split(0, per_class=20)
    counts = dict(zip(drawn.classes, drawn.labels[few].bincount().tolist(), strict=True))
    assert counts == dict.fromkeys(drawn.classes, 20) | {"plant": 17}


@pytest.mark.parametrize("count", [0, -1])
def test_learning_from_nothing_is_refused(drawn, count):
    with pytest.raises(ValueError, match=f"per_class must be at least 1, not {count}"):
        drawn.split(0, per_class=count)


def test_a_damaged_mosaic_is_refused(monkeypatch):
    file = SHIPPED["emoji_noto.webp"]
    monkeypatch.setitem(SHIPPED, file.name, File(file.name, file.size, ("0" * 64,)))
    with pytest.raises(DataUnavailable, match="emoji_noto"):
        emoji()
