"""A button through which a learner hands a file to an explorer."""

from collections.abc import Mapping

import ipywidgets as widgets

from course_utils.pictures import short_name


def upload_button(description: str = "Your picture, up to 10 MB") -> widgets.FileUpload:
    """A button that asks for one picture; `take_upload` gets what was chosen.

    A file over 10 MB never reaches the kernel: JupyterLab drops the connection, and the button
    answers again only after its cell has run again. So the button itself must say it.
    """
    return widgets.FileUpload(accept="image/*", multiple=False, description=description)


def take_upload(button: widgets.FileUpload) -> tuple[str, bytes] | None:
    """Short name and bytes of the file that was chosen, or None; empties the button.

    Only an empty button notices when the same file is chosen again.
    """
    chosen = button.value
    if not chosen:
        return None
    if isinstance(chosen, Mapping):  # ipywidgets 7: {name: {"content": bytes, ...}}
        name, file = next(iter(chosen.items()))
        button.metadata, button.data = [], []
        button._counter = 0  # the number on the button; when it changes, so does the value
    else:  # ipywidgets 8: ({"name": ..., "content": memoryview, ...},)
        file = chosen[0]
        name = file["name"]
        button.value = ()
    return short_name(name), bytes(file["content"])
