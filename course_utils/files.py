"""Write a file so that nobody ever sees half of it."""

import os
import tempfile
from pathlib import Path
from shutil import copymode


def replace_text(path: Path, text: str) -> None:
    """Put `text` into the file at `path` in one step; its permissions stay.

    The file becomes UTF-8, with the line ends that `text` has.

    Raises:
        OSError: the file cannot be written; it stays as it was.
    """
    name = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        copymode(path, name)
        os.replace(name, path)
    finally:
        if name is not None:
            Path(name).unlink(missing_ok=True)
