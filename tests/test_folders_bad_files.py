"""Files in a folder that are no readable picture, and folders that cannot be used."""

import os
from io import BytesIO
from pathlib import Path

import pytest
from photo_folders import SIDE, noise, pets, read, save
from PIL import Image

from course_utils import pictures
from course_utils.folders import FolderError, read_folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return pets(tmp_path)


# ---------------------------------------------------------------- what is passed over, or named


def test_other_files_and_hidden_ones_are_passed_over_without_a_word(root: Path) -> None:
    for name in ["notes.txt", ".DS_Store", "Thumbs.db", "desktop.ini", "BMW and others", "empty"]:
        (root / name).write_text("" if name == "empty" else f"{name}: no picture")
        (root / "cats" / name).write_text("" if name == "empty" else f"{name}: no picture")
    (root / "cats" / "._a.png").write_bytes(b"what macOS leaves in an archive")
    for place in [".ipynb_checkpoints", "__MACOSX", "@eaDir", "cats/.thumbnails", "cats/__MACOSX"]:
        save(root / place / "x.png", noise(9))
    folder = read(root)
    assert len(folder.paths) == 4
    assert folder.classes == ("cats", "dogs")
    assert folder.skipped == ()


def content_of(kind: str) -> bytes:
    file = BytesIO()
    Image.fromarray(noise(9, 64, 64)).save(file, kind)
    return file.getvalue()


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500)
NO_PICTURE = "it is no PNG, JPEG, GIF, BMP, WEBP or TIFF picture"
BAD_FILES = [
    ("z.jpg", b"", "the file is empty"),
    ("z.jpg", b"a shopping list", NO_PICTURE),
    ("z.png", content_of("PNG")[:2000], "the picture is damaged or cut short"),
    ("z.jpg", content_of("JPEG")[:1500], "the picture is damaged or cut short"),
    ("z", content_of("JPEG")[:1500], "the picture is damaged or cut short"),
    ("IMG_0001.HEIC", bytes(500), NO_PICTURE),
    ("no ending", HEIC, NO_PICTURE),
    ("z.avif", b"\0\0\0\x18ftypavif" + bytes(500), NO_PICTURE),
    ("z.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", NO_PICTURE),
    ("z.CR3", bytes(500), NO_PICTURE),
]


@pytest.mark.parametrize(("name", "content", "reason"), BAD_FILES)
def test_a_file_that_cannot_be_read_is_named(root: Path, name, content: bytes, reason) -> None:
    (root / "cats" / "more").mkdir()
    (root / "cats" / "more" / name).write_bytes(content)
    folder = read(root)
    assert len(folder.paths) == 4
    [sentence] = folder.skipped
    assert sentence.startswith(f"cats/more/{name}: {reason}")
    assert sentence.endswith(".")
    assert repr(folder).endswith("(cats 2, dogs 2), 1 left out")


def test_too_many_pixels_are_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1000)
    save(root / "dogs" / "z.png", noise(9, 40, 40))
    folder = read(root)
    assert len(folder.paths) == 4
    assert folder.skipped[0].startswith("dogs/z.png: it has more than 0 million pixels.")


def test_a_huge_file_is_named_and_never_opened(root: Path, monkeypatch) -> None:
    with open(root / "cats" / "z.jpg", "wb") as file:
        file.truncate(3_000_000_000)  # takes no room on the disk
    opened: list[str] = []
    really_read = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: opened.append(path.name) or really_read(path)
    )
    assert read(root).skipped[0].startswith("cats/z.jpg: the file has 3000.0 MB, and 20 MB are")
    assert opened == ["a.png", "b.png", "a.png", "b.png"]


def test_a_file_that_may_not_be_read_is_named(root: Path, monkeypatch) -> None:
    save(root / "cats" / "z.png", noise(9))
    really_read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "z.png":
            raise PermissionError(13, "Permission denied")
        return really_read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    [sentence] = read(root).skipped
    assert sentence.startswith(
        "cats/z.png: this computer refuses to open it (Permission denied). See"
    )


def test_a_folder_that_may_not_be_opened_is_named(root: Path, monkeypatch) -> None:
    save(root / "cats" / "inner" / "z.png", noise(9))
    really_scan = os.scandir

    def refuse(path):
        if str(path).endswith("inner"):
            raise PermissionError(13, "Permission denied", str(path))
        return really_scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    folder = read(root)
    assert folder.skipped == ("cats/inner: the folder cannot be opened (Permission denied).",)
    assert len(folder.paths) == 4


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_does_not_hang(root: Path) -> None:
    os.mkfifo(root / "cats" / "z.png")
    os.mkfifo(root / "cats" / "pipe")
    [sentence] = read(root).skipped
    assert sentence.startswith("cats/z.png: it is no ordinary file.")


def test_a_picture_outside_the_classes_is_named(root: Path) -> None:
    save(root / "z.png", noise(9))
    folder = read(root)
    assert folder.skipped == ("z.png: it lies in no class's folder.",)
    assert len(folder.paths) == 4


def test_names_are_shown_short_and_printable(root: Path) -> None:
    (root / "cats" / ("x" * 100 + ".jpg")).write_bytes(b"")
    (root / "cats" / "a\n\x1b[31mb.jpg").write_bytes(b"")
    names = [sentence.partition(": the file is empty.")[0] for sentence in read(root).skipped]
    assert names == ["cats/a[31mb.jpg", "cats/" + "x" * 39 + "…"]


# ---------------------------------------------------------------- folders that cannot be used


def refusal(path: Path | str) -> str:
    with pytest.raises(FolderError) as error:
        read_folder(path, SIDE, description=None)
    assert str(error.value).endswith(".")
    return str(error.value)


def test_a_folder_that_is_not_there(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal("photos").startswith("There is no folder photos: check its name")
    assert str(tmp_path) in refusal("photos")
    assert refusal("").startswith("Give the path of a folder")


def test_a_file_instead_of_a_folder(root: Path) -> None:
    assert "a.png is a file: give the folder" in refusal(root / "cats" / "a.png")


def test_a_folder_that_may_not_be_opened(root: Path, monkeypatch) -> None:
    def refuse(_: Path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert refusal(root).endswith("pets cannot be opened: Permission denied.")


def test_pictures_without_sub_folders(root: Path) -> None:
    assert "cats has pictures but no sub-folders: make one for each class" in refusal(root / "cats")


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "notes.txt").write_text("no picture")
    assert "has no sub-folders: make one for each class" in refusal(tmp_path)


def test_a_single_class_or_the_folder_around_the_right_one(root: Path) -> None:
    words = refusal(root.parent)
    assert "has only the sub-folder pets: at least two are needed" in words
    assert words.endswith(f"give {root}).")


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "val")])
def test_the_parts_of_a_dataset_are_no_classes(root: Path, names) -> None:
    for name, folder in zip(names, ("cats", "dogs"), strict=True):
        (root / folder).rename(root / name)
    assert f"for example {root / sorted(names)[0]}." in refusal(root)
    save(root / "birds" / "a.png", noise(9))
    assert len(read(root).classes) == 3


@pytest.mark.parametrize(("name", "content", "reason"), BAD_FILES[:8])
def test_a_class_without_a_readable_picture_is_named(root: Path, name, content, reason) -> None:
    (root / "birds").mkdir()
    (root / "birds" / name).write_bytes(content)
    assert refusal(root).startswith(
        f"There is no readable picture in birds (birds/{name}: {reason}): put some"
    )


def test_all_classes_without_a_picture_are_named(root: Path) -> None:
    (root / "birds").mkdir()
    (root / "fish").mkdir()
    (root / "fish" / "list.txt").write_text("carp")
    assert refusal(root).startswith("There is no readable picture in birds and fish: put some")


def test_a_name_that_is_no_text(root: Path) -> None:
    try:
        os.mkdir(os.fsencode(root) + b"/caf\xe9")
    except OSError:
        pytest.skip("this system has no such names")
    assert refusal(root) == "Rename the sub-folder 'caf': it is no valid text."


def test_a_side_of_no_pixels_is_refused_first(root: Path) -> None:
    with pytest.raises(ValueError, match="side must be at least 1 pixel, not 0"):
        read(root / "nowhere", 0)
