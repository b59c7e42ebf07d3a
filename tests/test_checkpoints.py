"""Where a training may save its state, and with which permissions."""

import os
from pathlib import Path

import pytest
import torch
from test_training import interrupt_after, train, two_sides

from course_utils import training
from course_utils.models import FashionDNN
from course_utils.training import to_float

split = pytest.fixture(two_sides)


@pytest.mark.parametrize("place", ["a file/dnn.pt", "a file/folder/dnn.pt"])
def test_a_place_that_cannot_be_written_is_a_sentence_before_training(
    place: str, split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "a file").touch()
    monkeypatch.setattr(training._Trainer, "train_epoch", lambda *_: pytest.fail("it trains"))
    words = r"dnn\.pt cannot be written \(.+\): name a file in a folder that you may write to\.$"
    with pytest.raises(ValueError, match=words):
        train(split, checkpoint=tmp_path / place)
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]


def test_an_unfinished_checkpoint_that_cannot_be_replaced_is_a_sentence(
    split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    checkpoint = tmp_path / "dnn.pt"
    _, history = train(split, prepare=interrupt_after(25), checkpoint=checkpoint)
    assert history.interrupted

    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may write everywhere
    monkeypatch.setattr(training._Trainer, "train_epoch", lambda *_: pytest.fail("it trains"))
    with pytest.raises(ValueError, match=r"dnn\.pt cannot be written \(Permission denied\)"):
        train(split, checkpoint=checkpoint)


def test_a_finished_checkpoint_is_only_read(split, tmp_path: Path, monkeypatch):
    train(split, epochs=1, checkpoint=tmp_path / "dnn.pt")
    monkeypatch.setattr(training.checkpoints, "check_writable", lambda path: pytest.fail("no need"))
    train(split, epochs=1, checkpoint=tmp_path / "dnn.pt")


def test_a_name_that_is_too_long_for_the_file_system_is_a_sentence(split, tmp_path: Path):
    with pytest.raises(ValueError, match="cannot be written"):
        train(split, checkpoint=tmp_path / ("n" * 250 + ".pt"))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="where root may not write either")
def test_a_folder_that_cannot_be_made_is_a_sentence(split):
    with pytest.raises(ValueError, match="cannot be written"):
        train(split, checkpoint=Path("/proc/course/dnn.pt"))


def test_nothing_is_left_behind_where_nothing_was_learned(split, tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        train(split, prepare=interrupt_after(3), checkpoint=tmp_path / "folder" / "dnn.pt")
    assert not list(tmp_path.iterdir())


def test_a_name_is_as_good_as_a_path(split, tmp_path: Path):
    _, history = train(split, epochs=1, checkpoint=str(tmp_path / "dnn.pt"))
    _, again = train(split, epochs=1, checkpoint=str(tmp_path / "dnn.pt"))
    assert history == again


@pytest.mark.skipif(os.name != "posix", reason="permissions of Linux and macOS")
@pytest.mark.parametrize("mask", [0o022, 0o027])
def test_others_may_read_a_checkpoint_as_any_file(mask: int, split, tmp_path: Path):
    before = os.umask(mask)
    try:
        train(split, epochs=1, checkpoint=tmp_path / "dnn.pt")
    finally:
        os.umask(before)
    assert (tmp_path / "dnn.pt").stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_training_without_validation_does_not_go_on_with_it(split, tmp_path: Path):
    checkpoint = tmp_path / "dnn.pt"
    _, history = train(split, prepare=interrupt_after(25), checkpoint=checkpoint)
    assert history.interrupted
    with pytest.raises(ValueError, match="belongs to another training"):
        train(split, prepare=to_float, validation=split, checkpoint=checkpoint)


def test_a_checkpoint_that_does_not_tell_about_validation_is_refused(split, tmp_path: Path):
    checkpoint = tmp_path / "dnn.pt"
    train(split, epochs=1, checkpoint=checkpoint)
    state = torch.load(checkpoint)
    state["plan"] = [part for part in state["plan"] if part is not False]
    torch.save(state, checkpoint)
    with pytest.raises(ValueError, match="belongs to another training"):
        train(split, epochs=1, checkpoint=checkpoint)


def test_wrong_validation_data_are_named_before_training(split):
    model, (images, labels) = FashionDNN(), split
    before = model.fc1.weight.detach().clone()
    with pytest.raises(ValueError, match="images must be uint8"):
        training.fit(model, *split, validation=(images.float(), labels), description=None)
    assert torch.equal(model.fc1.weight, before)
