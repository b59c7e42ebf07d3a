"""Folders of photographs as they are found on real disks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from photo_folders import SIDE, noise, pets, read, save
from PIL import Image

from course_utils.folders import FolderError, PictureFolder, read_folder
from course_utils.pictures import central_square


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return pets(tmp_path)


def last_cat(folder: PictureFolder) -> np.ndarray:
    """The pixels [side, side, 3] of the last picture of the first class."""
    return folder.images[folder.labels == 0][-1].permute(1, 2, 0).numpy()


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
