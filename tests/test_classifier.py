"""Classifiers of a learner's own pictures."""

import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from noise_classifier import of_noise
from PIL import Image
from torch import Tensor

from course_utils.classifier import (
    FolderClassifier,
    picture_features,
    train_classifier,
    train_on_features,
    train_on_folder,
)
from course_utils.datasets import emoji
from course_utils.folders import FolderError
from course_utils.pictures import PictureError, central_square
from course_utils.pretrained import Backbone, efficientnet_lite0

SIZE = 64
NAMES = ("animal", "face")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return efficientnet_lite0(SIZE)


@pytest.fixture(scope="module")
def drawings() -> tuple[Tensor, Tensor]:
    """Twelve animals and twelve faces."""
    data = emoji()
    members = [(data.labels == data.classes.index(name)).nonzero()[:12, 0] for name in NAMES]
    return data.drawings["noto"][torch.cat(members)], torch.arange(2).repeat_interleave(12)


@pytest.fixture(scope="module")
def trained(backbone: Backbone, drawings) -> FolderClassifier:
    return train_classifier(*drawings, NAMES, backbone=backbone, size=SIZE, progress=False)


@pytest.fixture
def folder(tmp_path: Path, drawings) -> Path:
    for place, (image, label) in enumerate(zip(*drawings, strict=True)):
        path = tmp_path / NAMES[label] / f"{place:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)
    return tmp_path


# ---------------------------------------------------------------- what it learns


def test_it_tells_animals_from_faces(trained: FolderClassifier) -> None:
    assert trained.classes == NAMES
    assert trained.counts == (12, 12)
    assert trained.majority == 0.5
    assert trained.accuracy.mean > 0.9
    assert trained.accuracy.low > 0.6
    assert len(trained.accuracies) == 10
    assert np.mean(trained.accuracies) == pytest.approx(trained.accuracy.mean)
    assert trained.warnings == trained.skipped == ()


def test_the_table_of_confusion_counts_every_picture_held_out(trained: FolderClassifier) -> None:
    assert trained.confusion.dtype == torch.int64
    assert trained.confusion.sum(dim=1).tolist() == [40, 40]  # ten times 4 of 12
    share = trained.confusion.trace() / trained.confusion.sum()
    assert share.item() == pytest.approx(trained.accuracy.mean)


def test_rows_of_the_table_are_true_and_columns_predicted() -> None:
    features = torch.tensor([[1.0], [1.1], [0.9], [1.0], [1.0], [-1.0], [-1.1], [-0.9], [1.0]])
    labels = torch.tensor([0] * 5 + [1] * 4)  # the last of class 1 looks like class 0
    found = train_on_features(features, labels, ["a", "b"], backbone=None, progress=False, seed=3)
    assert found.confusion[0, 1] == 0
    assert found.confusion[1, 0] > 0


def test_noise_is_no_better_than_guessing() -> None:
    found = of_noise([20, 20])
    assert 0.5 in found.accuracy
    assert any("has not been shown" in sentence for sentence in found.warnings)


def test_pictures_held_out_are_not_learned_from() -> None:
    labels = torch.randint(2, (40,), generator=torch.Generator().manual_seed(0))
    found = train_on_features(torch.eye(40), labels, ["a", "b"], backbone=None, progress=False)
    known = found.head(torch.eye(40)).argmax(dim=1)
    assert (known == labels).all()  # what was seen is known by heart, so that a leak would show
    assert found.accuracy.mean < 0.75


def test_the_interval_takes_the_numbers_of_the_splits() -> None:
    few, many = of_noise([10, 10], splits=2), of_noise([40, 40], splits=20)
    assert few.accuracy.high - few.accuracy.low > many.accuracy.high - many.accuracy.low
    assert len(many.accuracies) == 20
    assert many.confusion.sum() == 20 * 24


def test_the_seed_decides_and_nothing_else(drawings, backbone, trained) -> None:
    again = train_classifier(*drawings, NAMES, backbone=backbone, size=SIZE, progress=False)
    assert again.accuracies == trained.accuracies
    assert torch.equal(again.confusion, trained.confusion)
    assert torch.equal(again.head.weight, trained.head.weight)
    assert of_noise([20, 20], seed=1).accuracies != of_noise([20, 20], seed=0).accuracies


def test_the_network_stays_as_it_was(drawings, backbone: Backbone) -> None:
    before = {name: value.clone() for name, value in backbone.network.state_dict().items()}
    images, labels = drawings
    found = train_classifier(images, labels, NAMES, backbone=backbone, size=SIZE, progress=False)
    found.predict(images[0].permute(1, 2, 0).numpy())
    assert not any(module.training for module in backbone.network.modules())
    after = backbone.network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert all(p.grad is None for p in backbone.network.parameters())


def test_a_network_in_training_mode_computes_the_same_features(drawings) -> None:
    own = efficientnet_lite0(SIZE)
    expected = picture_features(own, drawings[0][:4])
    own.network.train()
    assert torch.equal(picture_features(own, drawings[0][:4]), expected)
    assert own.network.training


def test_features_are_what_the_network_s_classifier_gets(backbone: Backbone, drawings) -> None:
    network = backbone.network
    with torch.inference_mode():
        base = network.forward_features(backbone.prepare(drawings[0][:3]))
        expected = network.forward_head(base, pre_logits=True)
    found = picture_features(backbone, drawings[0][:3])
    torch.testing.assert_close(found, expected)
    assert found.shape == (3, 1280)


# ---------------------------------------------------------------- a folder


def test_a_folder_gives_what_its_arrays_give(folder: Path, backbone, trained, monkeypatch) -> None:
    def refuse(*_, **__):
        raise OSError("there is no network")

    monkeypatch.setattr(socket, "socket", refuse)
    (folder / "face" / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic")
    found = train_on_folder(folder, backbone=backbone, size=SIZE, progress=False)
    assert found.classes == NAMES
    assert found.counts == (12, 12)
    assert found.accuracies == trained.accuracies
    torch.testing.assert_close(found.head.weight, trained.head.weight)
    assert found.skipped[0].startswith("face/photo.heic: it is no PNG")
    assert found.warnings == ("Something was left out, named in `skipped` (sentences: 1).",)


def test_without_a_network_it_loads_its_own_without_the_web(drawings, monkeypatch) -> None:
    def refuse(*_, **__):
        raise OSError("there is no network")

    monkeypatch.setattr(socket, "socket", refuse)
    images, labels = drawings
    found = train_classifier(images[8:16], labels[8:16], NAMES, size=32, splits=2, progress=False)
    assert found.backbone.prepare(images[:1]).shape == (1, 3, 32, 32)
    assert found.size == 32


def test_a_folder_that_cannot_be_used_is_refused_first(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(
        "course_utils.classifier.efficientnet_lite0", lambda _: pytest.fail("loaded")
    )
    (folder / "plant").mkdir()
    with pytest.raises(FolderError, match="no readable picture in plant"):
        train_on_folder(folder, progress=False)
    Image.new("RGB", (9, 9)).save(folder / "plant" / "a.png")
    Image.new("RGB", (9, 9)).save(folder / "plant" / "copy.png")
    with pytest.raises(ValueError, match="fewer than two different pictures of plant: at least"):
        train_on_folder(folder, progress=False)


def test_a_label_beyond_the_classes_is_a_sentence(drawings) -> None:
    sentence = r"^labels must lie in 0\.\.1, one number for each class\.$"
    for labels in (torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 0, 1, 1, -1, -1])):
        with pytest.raises(ValueError, match=sentence):
            train_on_features(torch.randn(6, 4), labels, ["a", "b"], backbone=None)
        with pytest.raises(ValueError, match=sentence):
            train_classifier(drawings[0][:6], labels, ["a", "b"])


# ---------------------------------------------------------------- predictions


def test_what_it_learned_it_knows(trained: FolderClassifier, drawings) -> None:
    for image, label in zip(*drawings, strict=True):
        answer = trained.predict(image.permute(1, 2, 0).numpy())
        assert next(iter(answer)) == NAMES[label]
        assert sorted(answer) == sorted(NAMES)
        assert list(answer.values()) == sorted(answer.values(), reverse=True)
        assert sum(answer.values()) == pytest.approx(1)


def test_three_classes_keep_their_names(backbone: Backbone) -> None:
    colors = torch.tensor([[220, 30, 30], [30, 220, 30], [30, 30, 220]], dtype=torch.uint8)
    labels = torch.arange(3).repeat(5)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(30, (15, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8)
    images = colors[labels][:, :, None, None] + noise
    names = ["red", "green", "blue"]
    found = train_classifier(
        images[:12], labels[:12], names, backbone=backbone, size=SIZE, progress=False
    )
    for image, name in zip(images[12:], names, strict=True):
        assert next(iter(found.predict(image.permute(1, 2, 0).numpy()))) == name
    assert found.confusion.shape == (3, 3)


def test_a_picture_is_seen_as_its_central_square(trained: FolderClassifier, drawings) -> None:
    image = drawings[0][0].permute(1, 2, 0).numpy()
    wide = np.concatenate([np.zeros_like(image)[:, :30], image, np.zeros_like(image)[:, :30]], 1)
    assert trained.predict(wide) == trained.predict(image)
    gray = central_square(image, 40)[..., 0]
    assert trained.predict(gray) == trained.predict(np.repeat(gray[..., None], 3, axis=2))


def test_what_is_no_picture_gets_a_sentence(trained: FolderClassifier) -> None:
    with pytest.raises(PictureError, match="must be an array uint8"):
        trained.predict(np.zeros((5, 5, 3)))


# ---------------------------------------------------------------- what is shown


def test_without_doubts_the_summary_is_short(trained: FolderClassifier) -> None:
    assert "Careful" not in repr(trained) + trained._repr_markdown_()
    assert "Left out" not in repr(trained) + trained._repr_markdown_()


def test_progress_is_shown_or_not(capsys: pytest.CaptureFixture, folder: Path, backbone) -> None:
    train_on_folder(folder, backbone=backbone, size=32, splits=2, progress=False)
    assert capsys.readouterr().err == ""
    train_on_folder(folder, backbone=backbone, size=32, splits=2)
    shown = capsys.readouterr().err
    assert all(words in shown for words in ("reading pictures", "computing features", "testing"))
