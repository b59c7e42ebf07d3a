"""Pictures of a few colors, and pictures as files."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image

RGB = np.zeros((40, 60, 3), np.uint8)  # red above, blue at the lower left, green at the lower right
RGB[:20, :, 0] = RGB[20:, :30, 2] = RGB[20:, 30:, 1] = 255
GRAY = np.arange(2400).reshape(40, 60).astype(np.uint8)


def encode(pixels: np.ndarray, format: str, mode: str | None = None, **options) -> bytes:
    image = Image.fromarray(pixels)
    file = BytesIO()
    (image.convert(mode) if mode else image).save(file, format, **options)
    return file.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_zeros(width: int, height: int, rows: int | None = None) -> bytes:
    """A PNG with 1 bit a pixel, all black, of which only the first `rows` are there."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(bytes((width + 7) // 8 + 1) * (height if rows is None else rows))
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in chunks)
