"""A button through which a learner hands files to an explorer."""

from collections.abc import Container, Mapping
from typing import Any

import ipywidgets as widgets

from course_utils.pictures import short_name


def upload_button(
    description: str = "Your picture, up to 10 MB", *, multiple: bool = False
) -> widgets.FileUpload:
    """A button that asks for one picture or several; `take_upload` or `take_uploads` gets them.

    Files over 10 MB in all never reach the kernel: JupyterLab drops the connection, and the button
    answers again only after its cell has run again. So the button itself must say it.
    """
    return widgets.FileUpload(accept="image/*", multiple=multiple, description=description)


def free_name(file_name: str, taken: Container[str]) -> str:
    """The file's name if nothing is called so, or else with a number behind it."""
    name, copies = file_name, 1
    while name in taken:
        copies += 1
        name = f"{file_name} ({copies})"
    return name


def named_files(files: Any) -> list[tuple[str, Any]]:
    """Names and bytes of files that a notebook hands over.

    Args:
        files: {name: bytes}, as Colab's `files.upload()` gives.

    Raises:
        ValueError: something else.
    """
    if not isinstance(files, Mapping):
        raise ValueError(
            "Give the files as {name: bytes}, as Colab's files.upload() does, "
            f"not {type(files).__name__}."
        )
    return [(str(name), content) for name, content in files.items()]


def take_upload(button: widgets.FileUpload) -> tuple[str, bytes] | None:
    """Short name and bytes of the file that was chosen, or None; empties the button."""
    return next(iter(take_uploads(button)), None)


def take_uploads(button: widgets.FileUpload) -> list[tuple[str, bytes]]:
    """Short names and bytes of all files that were chosen; empties the button.

    Only an empty button notices when the same file is chosen again.
    """
    chosen = button.value
    if not chosen:
        return []
    if isinstance(chosen, Mapping):  # ipywidgets 7: {name: {"content": bytes, ...}}
        files = [(name, file["content"]) for name, file in chosen.items()]
        button.metadata, button.data = [], []
        button._counter = 0  # the number on the button; when it changes, so does the value
    else:  # ipywidgets 8: ({"name": ..., "content": memoryview, ...}, ...)
        files = [(file["name"], file["content"]) for file in chosen]
        button.value = ()
    return [(short_name(name), bytes(content)) for name, content in files]
