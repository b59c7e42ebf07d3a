"""Pictures from learners: each format and kind of pixel, and every way to be no picture."""

import random
import warnings
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from picture_files import GRAY, RGB, encode, png_of_zeros
from PIL import Image, ImageFile

from course_utils.pictures import MOST_BYTES, PictureError, read_picture, read_picture_file

FORMATS = ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"]


# ---------------------------------------------------------------- good files


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_read(format: str) -> None:
    options = {"lossless": True} if format == "WEBP" else {}
    picture = read_picture(encode(RGB, format, **options))
    assert picture.dtype == np.uint8
    assert picture.flags.writeable
    if format == "JPEG":
        assert np.abs(picture[5:15, 5:55].astype(int) - [255, 0, 0]).max() < 5
        assert picture.shape == RGB.shape
    else:
        np.testing.assert_array_equal(picture, RGB)


@pytest.mark.parametrize(
    ("mode", "format"),
    [("P", "PNG"), ("P", "GIF"), ("P", "BMP"), ("CMYK", "TIFF"), ("RGBA", "PNG"), ("RGBA", "TIFF")],
)
def test_pixels_of_every_kind_become_rgb(mode: str, format: str) -> None:
    np.testing.assert_array_equal(read_picture(encode(RGB, format, mode)), RGB)


def test_cmyk_as_jpeg_is_not_inverted() -> None:
    picture = read_picture(encode(RGB, "JPEG", "CMYK", quality=95))
    assert np.abs(picture[5:15, 5:55].astype(int) - [255, 0, 0]).max() < 10


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_gray_becomes_rgb(mode: str) -> None:
    expected = np.repeat(GRAY[..., None], 3, axis=2)
    np.testing.assert_array_equal(read_picture(encode(GRAY, "PNG", mode)), expected)


def test_one_bit_becomes_black_and_white() -> None:
    picture = read_picture(encode(GRAY > 127, "PNG"))
    np.testing.assert_array_equal(picture[..., 1], np.where(GRAY > 127, 255, 0))


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(format: str) -> None:
    sixteen = GRAY.astype(np.uint16) * 257  # 255 becomes 65535
    np.testing.assert_array_equal(read_picture(encode(sixteen, format))[..., 2], GRAY)


def test_sixteen_bit_colors_are_scaled_too() -> None:
    content = cv2.imencode(".png", RGB[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
    np.testing.assert_array_equal(read_picture(content), RGB)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_transparency_lies_on_white(format: str) -> None:
    rgba = np.zeros((4, 6, 4), np.uint8)  # black, from transparent to opaque
    rgba[..., 3] = [0, 51, 102, 153, 204, 255]
    picture = read_picture(encode(rgba, format, **({"lossless": True} if format == "WEBP" else {})))
    np.testing.assert_array_equal(picture[0, :, 0], [255, 204, 153, 102, 51, 0])


def test_a_transparent_color_of_a_palette_lies_on_white() -> None:
    image = Image.fromarray(RGB).convert("P", palette=Image.Palette.ADAPTIVE, colors=3)
    file = BytesIO()
    image.save(file, "GIF", transparency=image.getpixel((0, 0)))
    picture = read_picture(file.getvalue())
    assert (picture[:20] == 255).all()
    np.testing.assert_array_equal(picture[20:], RGB[20:])


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_rotated_photograph_stands_upright(format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter turn clockwise
    content = encode(RGB, format, exif=exif, **({"lossless": True} if format == "WEBP" else {}))
    picture = read_picture(content)
    assert picture.shape == (60, 40, 3)
    difference = np.abs(picture.astype(int) - np.rot90(RGB, -1))
    assert np.median(difference) <= 2
    assert difference.mean() < 10


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_frame(format: str) -> None:
    options = {"lossless": True} if format == "WEBP" else {}
    later = [Image.fromarray(255 - RGB)]
    content = encode(RGB, format, save_all=True, append_images=later, **options)
    np.testing.assert_array_equal(read_picture(content), RGB)


def test_a_long_strip_is_read() -> None:
    assert read_picture(png_of_zeros(5000, 1)).shape == (1, 5000, 3)


@pytest.mark.parametrize(
    ("smallest", "expected"), [(100, 150), (160, 300), (400, 600), (None, 600)]
)
def test_a_jpeg_is_decoded_no_larger_than_need_be(smallest, expected: int) -> None:
    content = encode(np.full((600, 900, 3), 77, np.uint8), "JPEG")
    picture = read_picture(content, smallest=smallest)
    assert picture.shape == (expected, expected * 3 // 2, 3)
    assert (picture == 77).all()


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "JPEG"])
def test_other_formats_keep_their_size(format: str) -> None:
    assert read_picture(encode(RGB, format), smallest=5).shape == RGB.shape


def test_a_file_is_read_as_its_bytes_are(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(encode(RGB, "PNG"))
    np.testing.assert_array_equal(read_picture_file(path), RGB)
    path.write_bytes(b"a shopping list")
    with pytest.raises(PictureError, match=r"Cannot read x\.png: it is no PNG"):
        read_picture_file(path)
    with pytest.raises(PictureError, match=r"Cannot read x: .* refuses .*\(No such file"):
        read_picture_file(tmp_path / "x")
    with pytest.raises(PictureError, match="it is no ordinary file"):
        read_picture_file(tmp_path)


# ---------------------------------------------------------------- bad files


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"a shopping list", "it is no PNG, JPEG, GIF, BMP, WEBP or TIFF picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is no PNG"),
        (encode(RGB, "PPM"), "it is no PNG"),
        (encode(RGB, "ICO", sizes=[(16, 16)]), "it is no PNG"),
        (b"\x89PNG\r\n\x1a\n", "it is no PNG"),
        (png_of_zeros(0, 5), "it is no PNG"),
        (encode(GRAY.astype(np.float32), "TIFF"), "its pixels are 32-bit numbers"),
        (encode(GRAY.astype(np.int32), "TIFF"), "its pixels are 32-bit numbers"),
        ("cat.png", "give the bytes of a file, not str"),
    ],
)
def test_what_is_no_picture_gets_a_sentence(content: bytes, words: str) -> None:
    with pytest.raises(PictureError) as error:
        read_picture(content, "notes.txt")
    assert str(error.value).startswith(f"Cannot read notes.txt: {words}")
    assert str(error.value).endswith(".")


@pytest.mark.parametrize("format", FORMATS)
def test_a_picture_cut_short_gets_a_sentence(format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    content = encode(noise, format)
    with pytest.raises(PictureError, match=r"damaged or cut short. Save it again as PNG"):
        read_picture(content[: len(content) * 2 // 3])


def test_too_many_bytes_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(PictureError, match=r"has 20\.1 MB, and 20 MB are the most"):
        read_picture(bytes(MOST_BYTES + 100_000))


@pytest.mark.parametrize("side", [12_000, 65_000])  # Pillow itself warns of one, refuses the other
def test_too_many_pixels_are_refused_undecoded(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    content = png_of_zeros(side, side, rows=8)
    with pytest.raises(PictureError, match=r"more than 40 million pixels\. Save the picture"):
        read_picture(content)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../x.png", "x.png"),
        (r"C:\Users\me\x.png", "x.png"),
        ("x\n\x1b[31m\u202e.png", "x[31m.png"),
        ("pictures/", "the picture"),
        ("", "the picture"),
        ("x" * 300 + ".png", "x" * 39 + "…"),
    ],
)
def test_a_sentence_shows_only_the_end_of_a_path(name: str, shown: str) -> None:
    with pytest.raises(PictureError) as error:
        read_picture(b"", name)
    assert str(error.value) == f"Cannot read {shown}: the file is empty. Choose another one."


@pytest.mark.parametrize(
    "content",
    [
        *(pytest.param(encode(RGB, format), id=format) for format in FORMATS),
        pytest.param(encode(RGB, "PNG", "P"), id="palette"),
        pytest.param(encode(GRAY, "TIFF", compression="tiff_lzw"), id="LZW"),
        pytest.param(encode(GRAY.astype(np.uint16), "PNG"), id="16 bits"),
        pytest.param(
            encode(RGB, "GIF", save_all=True, append_images=[Image.fromarray(255 - RGB)]),
            id="animation",
        ),
    ],
)
def test_damaged_bytes_give_a_picture_or_a_sentence(content: bytes) -> None:
    lots = random.Random(0)
    sentences = []
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(lots.choice([1, 2, 10])):
            place = lots.randrange(min(len(damaged), lots.choice([40, 300, 10_000])))
            damaged[place] = lots.choice([0, 1, 127, 255, lots.randrange(256)])
        if lots.random() < 0.2:
            del damaged[lots.randrange(len(damaged)) :]
        try:
            picture = read_picture(bytes(damaged))
        except PictureError as error:
            sentences.append(str(error))
        else:
            assert picture.dtype == np.uint8
            assert picture.ndim == 3
            assert picture.shape[2] == 3
    assert 0 < len(sentences) < 150
    assert all(sentence.startswith("Cannot read the picture: ") for sentence in sentences)


def test_what_pillow_warns_of_stays_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(image: ImageFile.ImageFile) -> None:
        warnings.warn("Truncated File Read", stacklevel=2)
        raise RecursionError

    monkeypatch.setattr(ImageFile.ImageFile, "load", warn)
    with pytest.raises(PictureError, match="damaged"):
        read_picture(encode(RGB, "PNG"))
