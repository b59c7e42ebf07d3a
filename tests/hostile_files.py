"""Files that could hurt a learner or puzzle a program, and what must become of each.

All are built in code. Crafted files run code when they are unpickled, or write outside their
folder when they are unpacked.
"""

import functools
import io
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from picture_files import RGB, encode, png_chunk, png_of_zeros
from PIL import Image

NOISE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
UPRIGHT = (60, 40)  # height and width of a picture that was turned by a quarter
MARKER = "A_CRAFTED_FILE_RAN_CODE"  # the variable that crafted pickles set
OUTSIDE = "escaped_from_its_folder"  # the file that crafted archives would write


class Hostile(NamedTuple):
    """A file and what must become of it.

    Attributes:
        make: gives the file's bytes; `content` keeps them.
        shape: height and width of the picture that must be shown, or None if there is none.
        words: of the sentence that refuses the file.
    """

    make: Callable[[], bytes]
    shape: tuple[int, int] | None = None
    words: str = ""


# ---------------------------------------------------------------- crafted files


class Payload:
    """What runs code when it is unpickled: it sets a variable of the environment."""

    def __reduce__(self):
        return exec, (f"import os; os.environ[{MARKER!r}] = 'yes'",)


def crafted_pickle(protocol: int | None = None) -> bytes:
    return pickle.dumps(Payload(), protocol)


def code_has_run() -> bool:
    """Whether a crafted pickle was opened since the last time that somebody asked."""
    return os.environ.pop(MARKER, None) is not None


def zip_file(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def tar_file(files: dict[str, bytes], link: str | None = None) -> bytes:
    """A tar archive; with `link`, its first entry is a link to there."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        if link is not None:
            entry = tarfile.TarInfo("link")
            entry.type, entry.linkname = tarfile.SYMTYPE, link
            archive.addfile(entry)
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()


ARCHIVES: dict[str, Callable[[], bytes]] = {
    "zip": lambda: zip_file({"cat.png": encode(RGB, "PNG")}),
    "zip that escapes": lambda: zip_file({f"../{OUTSIDE}": b"x", f"../../{OUTSIDE}": b"x"}),
    "tar that escapes": lambda: tar_file({f"../{OUTSIDE}": b"x", f"../../{OUTSIDE}": b"x"}),
    "tar that escapes by a link": lambda: tar_file({f"link/{OUTSIDE}": b"x"}, link=".."),
}

# ---------------------------------------------------------------- how the others are built


def _png_with(kind: bytes, data: bytes) -> bytes:
    """A good PNG with one more chunk, right after its header."""
    good = encode(RGB, "PNG")
    return good[:33] + png_chunk(kind, data) + good[33:]


def _replaced(content: bytes, place: int, new: bytes) -> bytes:
    return content[:place] + new + content[place + len(new) :]


def _wrong_checksum(chunk: bytes) -> bytes:
    """A PNG in which the checksum of a chunk is wrong."""
    good = encode(RGB, "PNG")
    start = good.index(chunk)
    [length] = struct.unpack(">I", good[start - 4 : start])
    return _replaced(good, start + 4 + length, b"\0\0\0\0")


def _jpeg_claiming(width: int, height: int) -> bytes:
    good = encode(RGB, "JPEG")
    return _replaced(good, good.index(b"\xff\xc0") + 5, struct.pack(">HH", height, width))


def _bmp_claiming(width: int, height: int) -> bytes:
    return _replaced(encode(RGB, "BMP"), 18, struct.pack("<ii", width, height))


def _webp_bomb(side: int) -> bytes:
    """A few bytes that stand for `side` × `side` pixels of one color."""
    small = encode(np.zeros((16, 16, 3), np.uint8), "WEBP", lossless=True)
    sizes = struct.pack("<I", (side - 1) | (side - 1) << 14 | 1 << 28)
    return _replaced(small, small.index(b"VP8L") + 9, sizes[:3] + bytes([sizes[3] & 0x0F]))


def _gif(save_all: bool = True) -> bytes:
    later = [Image.fromarray(255 - NOISE), Image.fromarray(NOISE[::-1])]
    return encode(NOISE, "GIF", save_all=save_all, append_images=later)


def _gif_cut_in_its_second_frame() -> bytes:
    first = encode(NOISE, "GIF")
    return _gif()[: len(first) + 500]


def _gif_whose_frame_exceeds_the_screen() -> bytes:
    good = encode(RGB, "GIF")
    return _replaced(good, good.rindex(b",\0\0\0\0") + 5, struct.pack("<HH", 60_000, 60_000))


def _directory(*entries: tuple[int, int, int, bytes], later: int = 0) -> bytes:
    """The start of a TIFF file, which is what EXIF is as well: tag, type, count, value of each."""
    body = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    return head + body + struct.pack("<I", later)


def _tiff_claiming(side: int) -> bytes:
    numbers = {256: side, 257: side, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: side, 279: 9}
    return _directory(*((tag, 4, 1, struct.pack("<I", n)) for tag, n in numbers.items()))


def _tiff_that_goes_round() -> bytes:
    """A TIFF file whose second page is its first."""
    good = encode(RGB, "TIFF")
    [start] = struct.unpack("<I", good[4:8])
    [count] = struct.unpack("<H", good[start : start + 2])
    return _replaced(good, start + 2 + 12 * count, struct.pack("<I", start))


def _turned(format: str, *notes: tuple[int, int, int, bytes]) -> bytes:
    """A picture that is to be shown turned by a quarter, with more notes of the camera."""
    turn = (0x0112, 3, 1, b"\x06\0\0\0")
    return encode(RGB, format, exif=b"Exif\0\0" + _directory(turn, *notes))


def _transparent_palette() -> bytes:
    image = Image.fromarray(RGB).convert("P", palette=Image.Palette.ADAPTIVE, colors=3)
    content = io.BytesIO()
    image.save(content, "PNG", transparency=bytes([0, 128, 255]))
    return content.getvalue()


POSTSCRIPT = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 60 40
(%pipe%touch escaped_from_its_folder) (w) file
(escaped_from_its_folder) (w) file closefile
showpage
%%EOF
"""
NO_PICTURE = "it is no PNG, JPEG, GIF, BMP, WEBP or TIFF picture"
DAMAGED = "the picture is damaged or cut short"
TOO_LARGE = "more than 40 million pixels"
TOO_MANY_BYTES = "20 MB are the most"

# Bytes -> what must become of them. Whatever is called a bomb would fill the memory.
FILES: dict[str, Hostile] = {
    "empty": Hostile(lambda: b"", words="the file is empty"),
    "one byte": Hostile(lambda: b"\x89", words=NO_PICTURE),
    "text": Hostile(lambda: b"milk, bread", words=NO_PICTURE),
    "web page": Hostile(lambda: b"<!DOCTYPE html><html><script>1</script>", words=NO_PICTURE),
    "SVG": Hostile(
        lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        words=NO_PICTURE,
    ),
    "PDF": Hostile(lambda: b"%PDF-1.7\n1 0 obj\n<</OpenAction 2 0 R>>\n", words=NO_PICTURE),
    "PostScript": Hostile(lambda: POSTSCRIPT, words=NO_PICTURE),
    "pickle": Hostile(crafted_pickle, words=NO_PICTURE),
    **{name: Hostile(make, words=NO_PICTURE) for name, make in ARCHIVES.items()},
    "PNG cut short": Hostile(lambda: encode(NOISE, "PNG")[:2000], words=DAMAGED),
    "JPEG cut short": Hostile(lambda: encode(NOISE, "JPEG")[:1200], words=DAMAGED),
    "GIF cut short": Hostile(lambda: encode(NOISE, "GIF")[:1500], words=DAMAGED),
    "PNG with a wrong checksum": Hostile(lambda: _wrong_checksum(b"IHDR"), words=NO_PICTURE),
    "PNG of no width": Hostile(lambda: png_of_zeros(0, 5), words=NO_PICTURE),
    "PNG whose text is a bomb": Hostile(
        lambda: _png_with(b"zTXt", b"note\0\0" + zlib.compress(bytes(30_000_000))), words=DAMAGED
    ),
    "PNG bomb": Hostile(lambda: png_of_zeros(14_000, 14_000), words=TOO_LARGE),
    "PNG claiming 100000 × 100000": Hostile(
        lambda: png_of_zeros(100_000, 100_000, rows=1), words=TOO_LARGE
    ),
    "JPEG claiming 65500 × 65500": Hostile(lambda: _jpeg_claiming(65_500, 65_500), words=TOO_LARGE),
    "BMP claiming 60000 × 60000": Hostile(lambda: _bmp_claiming(60_000, 60_000), words=TOO_LARGE),
    "GIF whose frame exceeds the screen": Hostile(
        _gif_whose_frame_exceeds_the_screen, words=TOO_LARGE
    ),
    "TIFF claiming 100000 × 100000": Hostile(lambda: _tiff_claiming(100_000), words=TOO_LARGE),
    "WebP bomb": Hostile(lambda: _webp_bomb(16_383), words=TOO_LARGE),
    "too many bytes": Hostile(lambda: bytes(20_000_001), words=TOO_MANY_BYTES),
    "picture with too many bytes": Hostile(
        lambda: encode(RGB, "PNG") + bytes(20_000_000), words=TOO_MANY_BYTES
    ),
    "float TIFF": Hostile(
        lambda: encode(np.ones((4, 6), np.float32), "TIFF"), words="its pixels are 32-bit numbers"
    ),
    "one pixel": Hostile(lambda: encode(RGB[:1, :1], "PNG"), (1, 1)),
    "tall strip": Hostile(lambda: encode(np.full((5000, 1), 90, np.uint8), "PNG"), (5000, 1)),
    "wide strip": Hostile(lambda: encode(np.full((1, 5000), 70, np.uint8), "PNG"), (1, 5000)),
    "16 bits": Hostile(lambda: encode(NOISE[..., 0].astype(np.uint16) * 257, "PNG"), (40, 60)),
    "CMYK JPEG": Hostile(lambda: encode(RGB, "JPEG", "CMYK"), (40, 60)),
    "transparent palette": Hostile(_transparent_palette, (40, 60)),
    "all transparent": Hostile(lambda: encode(np.zeros((40, 60, 4), np.uint8), "PNG"), (40, 60)),
    "animated GIF": Hostile(_gif, (40, 60)),
    "GIF cut in its second frame": Hostile(_gif_cut_in_its_second_frame, (40, 60)),
    "TIFF of three pages": Hostile(
        lambda: encode(RGB, "TIFF", save_all=True, append_images=[Image.fromarray(NOISE)] * 2),
        (40, 60),
    ),
    "TIFF that goes round": Hostile(_tiff_that_goes_round, (40, 60)),
    "turned JPEG": Hostile(lambda: _turned("JPEG"), UPRIGHT),
    "turned JPEG with a senseless note": Hostile(
        lambda: _turned("JPEG", (0x0111, 4, 1, b"abcd"), (0x0117, 2, 4, b"abcd")), UPRIGHT
    ),
    "turned PNG with a senseless note": Hostile(
        lambda: _turned("PNG", (0x0128, 2, 4, b"abc\0"), (0x011A, 2, 4, b"abc\0")), UPRIGHT
    ),
    "JPEG with senseless EXIF": Hostile(
        lambda: encode(RGB, "JPEG", exif=b"Exif\0\0" + bytes(range(256))), (40, 60)
    ),
    "PNG with senseless EXIF": Hostile(lambda: _png_with(b"eXIf", bytes(range(256))), (40, 60)),
    "WebP with senseless EXIF": Hostile(
        lambda: encode(RGB, "WEBP", exif=b"Exif\0\0" + bytes(range(256))), (40, 60)
    ),
    "senseless color profile": Hostile(
        lambda: encode(RGB, "PNG", icc_profile=bytes(range(256))), (40, 60)
    ),
    "picture with an archive behind it": Hostile(
        lambda: encode(RGB, "PNG") + ARCHIVES["zip that escapes"](), (40, 60)
    ),
}
REFUSED = [name for name, file in FILES.items() if file.shape is None]
SHOWN = [name for name, file in FILES.items() if file.shape is not None]

# A file's name -> what of it may be shown.
NAMES = {
    "../../etc/passwd": "passwd",
    "..\\..\\windows\\system.ini": "system.ini",
    "<script>alert(1)</script>": "script>",
    "<img src=x onerror=alert(1)>": "<img src=x onerror=alert(1)>",
    "$(touch x); `touch y` && '\"": "$(touch x); `touch y` && '\"",
    "a" * 300: "a" * 39 + "…",
    "two\nlines\r\x1b[31m": "twolines[31m",
    "cat\u202egnp.exe\u200f": "catgnp.exe",
    "\0\ud800": "the picture",
    "": "the picture",
    "..": "..",
}


@functools.cache
def content(name: str) -> bytes:
    """The bytes of a file of the table."""
    return FILES[name].make()


def written_outside(folder: Path) -> list[Path]:
    """What a crafted archive wrote in a folder or above it."""
    places = [folder, *list(folder.parents)[:3]]
    return [place / OUTSIDE for place in places if (place / OUTSIDE).exists()]
