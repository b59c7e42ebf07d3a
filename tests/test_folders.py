"""Folders of photographs as they are found on real disks."""

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import pictures
from course_utils.folders import FolderError, PictureFolder, read_folder
from course_utils.pictures import central_square

SIDE = 16


def noise(seed: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def save(
    path: Path, pixels: np.ndarray | Image.Image, format: str | None = None, **options
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, format, **options)
    return path


def read(root: Path, side: int = SIDE) -> PictureFolder:
    return read_folder(root, side, description=None)


def last_cat(folder: PictureFolder) -> np.ndarray:
    """The pixels [side, side, 3] of the last picture of the first class."""
    return folder.images[folder.labels == 0][-1].permute(1, 2, 0).numpy()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two cats and two dogs; a file called z... comes after them."""
    for place, name in enumerate(["dogs/b.png", "cats/b.png", "dogs/a.png", "cats/a.png"]):
        save(tmp_path / "pets" / name, noise(place))
    return tmp_path / "pets"


# ---------------------------------------------------------------- what is read


def test_a_folder_becomes_tensors_in_the_order_of_its_names(root: Path) -> None:
    folder = read(root)
    assert folder.images.dtype == torch.uint8
    assert folder.images.shape == (4, 3, SIDE, SIDE)
    assert folder.images.is_contiguous()
    assert folder.labels.dtype == torch.int64
    assert folder.labels.tolist() == [0, 0, 1, 1]
    assert folder.classes == ("cats", "dogs")
    names = [path.relative_to(root).as_posix() for path in folder.paths]
    assert names == ["cats/a.png", "cats/b.png", "dogs/a.png", "dogs/b.png"]
    for image, seed in zip(folder.images, [3, 1, 2, 0], strict=True):
        np.testing.assert_array_equal(image.permute(1, 2, 0).numpy(), noise(seed))
    assert folder.skipped == ()
    assert repr(folder) == "4 pictures in 2 classes (cats 2, dogs 2)"


def test_a_path_may_be_text_and_begin_at_home(root: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(root.parent))
    monkeypatch.setenv("USERPROFILE", str(root.parent))
    assert len(read_folder("~/pets", SIDE, description=None).paths) == 4


def test_pictures_of_any_size_lose_their_edges_only(root: Path) -> None:
    wide = noise(9, SIDE, 40)
    save(root / "cats" / "z.png", wide)
    np.testing.assert_array_equal(last_cat(read(root)), wide[:, 12:28])
    tall = noise(9, 31, SIDE)
    save(root / "cats" / "z.png", tall)
    np.testing.assert_array_equal(last_cat(read(root)), tall[7:23])


def test_large_pictures_are_averaged_and_small_ones_enlarged(root: Path) -> None:
    stripes = np.zeros((320, 320, 3), np.uint8)
    stripes[:, ::2] = 200
    save(root / "cats" / "z.png", stripes)
    assert np.abs(last_cat(read(root))[:, 2:-2].astype(int) - 100).max() <= 2
    save(root / "cats" / "z.png", np.full((1, 1, 3), 77, np.uint8))
    assert (last_cat(read(root)) == 77).all()


def test_a_camera_s_jpeg_is_as_good_as_if_it_had_been_decoded_in_full(root: Path) -> None:
    scene = np.array(Image.fromarray(noise(9, 12, 16)).resize((1600, 1200), Image.BICUBIC))
    path = save(root / "cats" / "z.jpg", scene, quality=95)
    expected = central_square(np.array(Image.open(path)), 64).astype(int)
    assert np.abs(last_cat(read(root, 64)) - expected).mean() < 1


KINDS = {
    "gray": ("L", "PNG"),
    "gray with alpha": ("LA", "PNG"),
    "one bit": ("1", "PNG"),
    "alpha": ("RGBA", "PNG"),
    "palette": ("P", "PNG"),
    "palette of a GIF": ("P", "GIF"),
    "CMYK": ("CMYK", "JPEG"),
    "gray JPEG": ("L", "JPEG"),
    "WebP": ("RGB", "WEBP"),
    "BMP": ("RGB", "BMP"),
    "TIFF": ("RGB", "TIFF"),
    "16 bits": ("I;16", "PNG"),
}


@pytest.mark.parametrize(("mode", "format"), KINDS.values(), ids=KINDS)
def test_pictures_of_every_kind_are_read(root: Path, mode: str, format: str) -> None:
    shades = np.repeat(np.repeat(np.arange(SIDE)[None] // 8 * 255, SIDE, 0)[..., None], 3, 2)
    if mode == "I;16":
        image = Image.fromarray((shades[..., 0] * 257).astype(np.uint16))
    else:
        image = Image.fromarray(shades.astype(np.uint8)).convert(mode)
    save(root / "cats" / "z", image, format)
    folder = read(root)
    assert folder.skipped == ()
    assert np.abs(last_cat(folder).astype(int) - shades).max() < 12


def test_a_phone_s_jpeg_with_two_frames_and_turned_on_its_side(root: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # show it a quarter turn clockwise
    halves = np.zeros((32, 32, 3), np.uint8)
    halves[:16] = 255
    later = [Image.fromarray(255 - halves)]
    save(
        root / "cats/z.JPG", halves, "MPO", save_all=True, append_images=later, exif=exif.tobytes()
    )
    folder = read(root)
    assert folder.skipped == ()
    expected = np.rot90(central_square(halves, SIDE), -1)
    assert np.abs(last_cat(folder).astype(int) - expected).mean() < 5


def test_of_an_animation_the_first_frame(root: Path) -> None:
    black, white = (Image.new("P", (SIDE, SIDE), color) for color in (0, 255))
    for image in (black, white):
        image.putpalette([value for value in range(256) for _ in range(3)])
    save(root / "cats" / "z.gif", black, save_all=True, append_images=[white])
    assert (last_cat(read(root)) == 0).all()


@pytest.mark.parametrize("name", ["z.PNG", "z.Jpg", "z", "z.txt", "z.gif", "z.final.version"])
def test_the_content_counts_and_not_the_ending(root: Path, name: str) -> None:
    save(root / "cats" / name, noise(9), "PNG")
    np.testing.assert_array_equal(last_cat(read(root)), noise(9))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_each_format_is_known_by_its_first_bytes(root: Path, format: str) -> None:
    save(root / "cats" / "z", noise(9), format)
    assert len(read(root).paths) == 5


def test_pictures_in_folders_inside_a_class_count(root: Path) -> None:
    save(root / "cats" / "more" / "still more" / "z.png", noise(9))
    folder = read(root)
    assert folder.labels.tolist() == [0, 0, 0, 1, 1]
    assert folder.paths[2] == root / "cats" / "more" / "still more" / "z.png"


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


# ---------------------------------------------------------------- links


def link(path: Path, target: Path | str) -> None:
    try:
        path.symlink_to(target)
    except OSError:
        pytest.skip("this system makes no links")


def test_links_to_pictures_and_to_folders_are_followed(root: Path) -> None:
    elsewhere = save(root.parent / "elsewhere" / "z.png", noise(9))
    save(root.parent / "albums" / "x.png", noise(10))
    save(root.parent / "birds" / "x.png", noise(11))
    link(root / "cats" / "z.png", elsewhere)
    link(root / "cats" / "albums", root.parent / "albums")
    link(root / "birds", root.parent / "birds")
    folder = read(root)
    assert folder.classes == ("birds", "cats", "dogs")
    assert folder.labels.bincount().tolist() == [1, 4, 2]
    assert folder.skipped == ()


@pytest.mark.parametrize("name", ["z.png", "z"])
@pytest.mark.parametrize("to_itself", [False, True])
def test_a_link_that_leads_nowhere_is_named(root: Path, name: str, to_itself: bool) -> None:
    link(root / "cats" / name, name if to_itself else "nowhere.png")
    [sentence] = read(root).skipped
    assert sentence.startswith(f"cats/{name}: this computer refuses to open it (")


@pytest.mark.parametrize("target", [".", "..", "../dogs", "../cats/inner", "inner"])
def test_a_link_to_what_is_read_anyway_is_named_and_not_followed(root: Path, target: str) -> None:
    save(root / "cats" / "inner" / "z.png", noise(9))
    link(root / "cats" / "loop", target)
    folder = read(root)
    assert folder.skipped == ("cats/loop: it leads to a folder already read.",)
    assert folder.labels.tolist() == [0, 0, 0, 1, 1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_does_not_hang(root: Path) -> None:
    os.mkfifo(root / "cats" / "z.png")
    os.mkfifo(root / "cats" / "pipe")
    [sentence] = read(root).skipped
    assert sentence.startswith("cats/z.png: it is no ordinary file.")


# ---------------------------------------------------------------- copies


def test_of_copies_in_one_class_the_first_is_kept(root: Path) -> None:
    (root / "cats" / "c.png").write_bytes((root / "cats" / "a.png").read_bytes())
    save(root / "cats" / "d.bmp", noise(3))  # the pixels of a.png in another file
    folder = read(root)
    assert len(folder.paths) == 4
    assert folder.skipped == (
        "cats/c.png: it is the same picture as cats/a.png.",
        "cats/d.bmp: it is the same picture as cats/a.png.",
    )


def test_of_copies_in_two_classes_none_is_kept(root: Path) -> None:
    save(root / "dogs" / "c.bmp", noise(3))
    save(root / "dogs" / "d.bmp", noise(3))
    folder = read(root)
    assert [path.name for path in folder.paths] == ["b.png", "a.png", "b.png"]
    assert folder.labels.tolist() == [0, 1, 1]
    assert folder.skipped == (
        "cats/a.png and dogs/c.bmp and dogs/d.bmp: they are the same picture in different "
        "classes, and all are left out. Delete those in the wrong class.",
    )


def test_a_class_that_has_nothing_of_its_own_is_an_error(root: Path) -> None:
    (root / "cats" / "b.png").unlink()
    save(root / "dogs" / "c.bmp", noise(3))
    with pytest.raises(FolderError, match=r"no readable picture in cats \(cats/a\.png and dogs/c"):
        read(root)


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
