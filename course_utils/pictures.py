"""A learner's own pictures: from the bytes of a file to an array, or to a sentence."""

import re
import stat
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
MOST_BYTES = 20_000_000
MOST_PIXELS = 40_000_000
LONGEST_NAME = 40  # characters of a file's name that a sentence shows
TURNS = {  # what sets a picture upright, for each orientation that a camera notes
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PictureError(ValueError):
    """A sentence for the learner: what is wrong with a picture, and what to do."""


def read_picture(
    content: bytes, name: str = "the picture", *, smallest: int | None = None
) -> np.ndarray:
    """Decode a picture, upright, on white where it is transparent; of an animation the first frame.

    Nothing is decoded before the number of bytes and the size in the header have been checked.

    Args:
        content: the bytes of a PNG, JPEG, GIF, BMP, WEBP or TIFF file.
        name: the file's name, for error messages.
        smallest: pixels that the shorter side must keep. A larger JPEG is then decoded at a half,
            a quarter or an eighth of its size, which saves most of the time.

    Returns:
        uint8 RGB [H, W, 3].

    Raises:
        PictureError: the bytes are too many or no picture, or the picture is too large or damaged.
    """
    name = short_name(name)
    if not isinstance(content, bytes):
        raise PictureError(
            f"Cannot read {name}: give the bytes of a file, not {type(content).__name__}."
        )
    if not content:
        raise PictureError(f"Cannot read {name}: the file is empty. Choose another one.")
    _require_size(len(content), name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what matters becomes an exception
        return _decode(content, name, smallest)


def read_picture_file(path: Path, *, smallest: int | None = None) -> np.ndarray:
    """Decode the picture in a file, as `read_picture` does; a file too large is not even opened.

    Args:
        path: the file.
        smallest: as in `read_picture`.

    Returns:
        uint8 RGB [H, W, 3].

    Raises:
        PictureError: the file cannot be opened, or what is in it is refused by `read_picture`.
    """
    name = short_name(path.name)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device might never end
            raise PictureError(f"Cannot read {name}: it is no ordinary file. Choose another one.")
        _require_size(status.st_size, name)
        content = path.read_bytes()
    except PictureError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise PictureError(
            f"Cannot read {name}: this computer refuses to open it ({reason}). "
            "See whether you can open it in another program."
        ) from error
    return read_picture(content, name, smallest=smallest)


def to_gray(picture: np.ndarray) -> np.ndarray:
    """The luminance of a picture (ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B).

    Args:
        picture: uint8 RGB [H, W, 3], or gray [H, W], which stays as it is.

    Returns:
        uint8 [H, W].

    Raises:
        PictureError: `picture` is something else.
    """
    _require_picture(picture)
    return picture if picture.ndim == 2 else np.array(Image.fromarray(picture).convert("L"))


def to_rgb(picture: np.ndarray) -> np.ndarray:
    """A picture with three channels, in a copy that may be written to.

    Args:
        picture: uint8 gray [H, W], or RGB [H, W, 3].

    Returns:
        uint8 [H, W, 3].

    Raises:
        PictureError: `picture` is something else.
    """
    _require_picture(picture)
    return np.array(picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2))


def shrink(picture: np.ndarray, longest: int) -> np.ndarray:
    """Make a picture smaller, in proportion, so that no side has more than `longest` pixels.

    Args:
        picture: uint8 RGB [H, W, 3] or gray [H, W]; a small one stays as it is.
        longest: pixels, at least 1.

    Returns:
        uint8 [h, w, 3] or [h, w]; neither side is 0.

    Raises:
        PictureError: `picture` is something else.
        ValueError: `longest` is less than 1.
    """
    _require_picture(picture)
    if longest < 1:
        raise ValueError(f"longest must be at least 1 pixel, not {longest}.")
    if max(picture.shape[:2]) <= longest:
        return picture
    image = Image.fromarray(picture)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=None)
    return np.array(image)


def central_square(picture: np.ndarray, side: int) -> np.ndarray:
    """The middle of a picture, as large a square as fits, at `side` pixels, antialiased (bicubic).

    Args:
        picture: uint8 RGB [H, W, 3] or gray [H, W].
        side: pixels, at least 1.

    Returns:
        uint8 [side, side, 3] or [side, side].

    Raises:
        PictureError: `picture` is something else.
        ValueError: `side` is less than 1.
    """
    _require_picture(picture)
    if side < 1:
        raise ValueError(f"side must be at least 1 pixel, not {side}.")
    height, width = picture.shape[:2]
    short = min(height, width)
    left, top = (width - short) // 2, (height - short) // 2
    # Cut before enlarging: a strip of one pixel by a million would otherwise fill the memory.
    square = Image.fromarray(picture[top : top + short, left : left + short])
    return np.array(square.resize((side, side), Image.Resampling.BICUBIC))


def short_name(name: str) -> str:
    """The last part of a path, without what cannot be printed, cut at 40 characters."""
    last = "".join(filter(str.isprintable, re.split(r"[/\\]", name)[-1])).strip()
    if len(last) > LONGEST_NAME:
        last = last[: LONGEST_NAME - 1] + "…"
    return last or "the picture"


def _decode(content: bytes, name: str, smallest: int | None) -> np.ndarray:
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise _too_large(name)
            if image.mode in ("I", "F"):
                raise PictureError(
                    f"Cannot read {name}: its pixels are 32-bit numbers. Save it as PNG."
                )
            if smallest is not None:
                image.draft(None, (smallest, smallest))  # only JPEG can; the others ignore it
            return _to_rgb(_upright(image))
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except UnidentifiedImageError as error:
        raise PictureError(
            f"Cannot read {name}: it is no {', '.join(FORMATS[:-1])} or {FORMATS[-1]} picture. "
            "Choose another file, or save it as PNG."
        ) from error
    except Exception as error:  # Pillow raises many kinds on damaged bytes
        raise PictureError(
            f"Cannot read {name}: the picture is damaged or cut short. "
            "Save it again as PNG, or choose another one."
        ) from error


def _upright(image: Image.Image) -> Image.Image:
    image.load()  # whatever fails from here on, the pixels are good
    try:
        turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # `ImageOps.exif_transpose` would refuse the picture for a note beside it
        return image
    return image if turn is None else image.transpose(turn)


def _require_size(count: int, name: str) -> None:
    if count > MOST_BYTES:
        raise PictureError(
            f"Cannot read {name}: the file has {count / 1e6:.1f} MB, and "
            f"{MOST_BYTES / 1e6:.0f} MB are the most. Save the picture smaller and try again."
        )


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I;16"):  # Pillow would clip; for colors it keeps the high byte, too
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))  # a copy, which may be written to


def _too_large(name: str) -> PictureError:
    return PictureError(
        f"Cannot read {name}: it has more than {MOST_PIXELS // 10**6} million pixels. "
        "Save the picture smaller and try again."
    )


def _require_picture(picture: Any) -> None:
    if not isinstance(picture, np.ndarray):
        found = type(picture).__name__
    elif picture.dtype != np.uint8 or not (
        picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)
    ):
        found = f"{picture.dtype} {list(picture.shape)}"
    elif picture.size == 0:
        found = f"an empty array {list(picture.shape)}"
    else:
        return
    raise PictureError(f"A picture must be an array uint8 [H, W] or [H, W, 3], not {found}.")
