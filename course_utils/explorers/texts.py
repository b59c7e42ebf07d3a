"""Texts of several lines for explorers."""

from functools import lru_cache

from course_utils.explorers.drawing import shorten


@lru_cache(1024)
def wrap(
    text: str, width: float, size: int = 12, *, bold: bool = False, most: int = 2
) -> tuple[str, ...]:
    """`text` broken between words into lines of at most `width` screen pixels.

    What does not fit into `most` lines stands in the last one, which is then too wide, as a single
    word may be.
    """
    words = text.split(" ")
    lines = [words[0]]
    for place, word in enumerate(words[1:], start=1):
        longer = f"{lines[-1]} {word}"
        if shorten(longer, width, size, bold) == longer:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(word)
        else:
            lines[-1] = " ".join([lines[-1], *words[place:]])
            break
    return tuple(lines)
