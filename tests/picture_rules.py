"""What a picture in a notebook's output must be: decodable, large enough, not blank, described."""

import base64
import binascii
from collections.abc import Iterator

import cv2
import numpy as np
from nbformat import NotebookNode

PICTURE_TYPES = {"image/png", "image/jpeg"}
MIN_WIDTH = 200
MIN_ALT_LENGTH = 20
# Two runs of a cell may draw pictures that differ this much. Measured: 0.2% with other threads
# and instructions, 1.6% where a network was trained in float32 instead of bfloat16.
MOST_CHANGED = 0.02  # of the pixels
CHANGED_LEVELS = 32  # of 256, in any channel


def pictures(output: NotebookNode) -> Iterator[str]:
    """The picture types that a display output holds."""
    yield from sorted(PICTURE_TYPES & output.get("data", {}).keys())


def alt_text(output: NotebookNode) -> str | None:
    """The alt text of the output's picture; Jupyter reads it from the metadata of its type."""
    for mime in pictures(output):
        if "alt" in output.metadata.get(mime, {}):
            return output.metadata[mime]["alt"]
    return None


def picture_problems(output: NotebookNode) -> Iterator[str]:
    """What is wrong with the pictures of one display output."""
    for mime in output.data:
        if mime.startswith("image/") and mime not in PICTURE_TYPES:
            yield f"holds {mime}, which the gate cannot look into: save a PNG or a JPEG"
    for mime in sorted(PICTURE_TYPES & output.metadata.keys() - output.data.keys()):
        yield f"describes a picture ({mime}) that is gone"
    if output.data.get("text/plain", "").startswith("<Figure size") and not list(pictures(output)):
        yield "holds a figure without its picture"
    for mime in pictures(output):
        yield from _image_problems(output.data[mime])
    if list(pictures(output)):
        yield from _alt_problems(output)


def difference(saved: str, new: str) -> str | None:
    """How two encoded pictures differ more than two runs may, or None."""
    if saved == new:
        return None
    before, after = _decoded(saved), _decoded(new)
    if before is None or after is None:
        return "cannot be decoded"
    if before.shape != after.shape:
        return f"was {_size(before)} px and is {_size(after)} px now"
    changed = (cv2.absdiff(before, after).max(axis=2) > CHANGED_LEVELS).mean()
    return f"has {changed:.1%} other pixels now" if changed > MOST_CHANGED else None


def _decoded(encoded: str) -> np.ndarray | None:
    try:
        content = base64.b64decode("".join(encoded.split()), validate=True)
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except (binascii.Error, cv2.error):
        return None


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"


def _image_problems(encoded: str) -> Iterator[str]:
    image = _decoded(encoded)
    if image is None:
        yield "holds a picture that cannot be decoded"
    elif image.shape[1] < MIN_WIDTH:
        yield f"holds a picture {image.shape[1]} px wide, under {MIN_WIDTH}"
    elif (image == image[0, 0]).all():
        yield "holds a picture of a single color"


def _alt_problems(output: NotebookNode) -> Iterator[str]:
    alt = alt_text(output)
    if alt is None:
        yield "holds a picture without alt text: use course_utils.figures.show(fig, alt)"
        return
    if len(alt) < MIN_ALT_LENGTH:
        yield f"has alt text of {len(alt)} characters, under {MIN_ALT_LENGTH}: {alt!r}"
    if alt.lower().startswith(("figure", "image")):
        yield f"has alt text that starts by saying that it is a picture: {alt!r}"
    text = output.data.get("text/plain", "")
    if not text or not alt.startswith(text):
        yield f"says {text!r} where pictures cannot be shown, which is not how its alt text begins"
