"""Uploads as in Google Colab, but the page's answers come from a queue."""

from collections import deque
from itertools import count
from pathlib import Path, PurePosixPath

answers: deque[dict[str, bytes]] = deque()  # name -> bytes, for each upload; {}: it was cancelled


def upload() -> dict[str, bytes]:
    """The next answer, its files saved in the working folder and named as they are saved there."""
    uploaded = {}
    for name, content in answers.popleft().items():
        path = PurePosixPath(name)
        saved = _free_name(path.name)
        Path(saved).write_bytes(content)
        print(f"Saving {name} to {saved}")
        uploaded[str(path.with_name(saved))] = content
    return uploaded


def _free_name(name: str) -> str:
    stem, suffix = Path(name).stem, Path(name).suffix
    names = (f"{stem} ({copy}){suffix}" if copy else name for copy in count())
    return next(free for free in names if not Path(free).exists())
