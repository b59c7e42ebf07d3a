"""What the explorers of explanations share: pictures, uploads, a choice of methods."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import ipywidgets as widgets

from course_utils.attribution import METHODS
from course_utils.explorers.base import Explorer, ExplorerError
from course_utils.explorers.gallery import Gallery
from course_utils.explorers.uploads import named_files, take_uploads, upload_button
from course_utils.pictures import short_name


class ExplanationExplorer(Explorer):
    """An explorer of how a network's answers on pictures can be explained.

    Args:
        gallery: the network and the pictures.
        controls: the controls by name, but for those of the picture and the upload.

    Attributes:
        quick: the control that only draws what was computed before.
    """

    quick: ClassVar[str]

    def __init__(self, gallery: Gallery, controls: Mapping[str, widgets.ValueWidget]) -> None:
        self._gallery = gallery
        self._files: list[tuple[str, bytes]] = []  # from `add`, for the next drawing
        self._notes: tuple[str, ...] = ()  # about files that were left out
        picture = widgets.Dropdown(options=list(gallery.pictures), description="Picture")
        super().__init__({"picture": picture, "upload": upload_button(), **controls})

    def add(self, files: Mapping[str, bytes]) -> str:
        """Add pictures, as those that Colab's `files.upload()` gives, and choose the last one.

        Args:
            files: file name -> the file's bytes.

        Returns:
            What the status line says: what is shown, or why nothing was added.
        """
        try:
            self._files = [(short_name(name), content) for name, content in named_files(files)]
        except ValueError as problem:
            self._show_error(str(problem))
            return self.status
        self._on_change({"upload"})
        return self.status

    def adjust(self, changed: set[str]) -> None:
        """Take in new pictures, or a network that was trained on.

        Say that explaining takes a while, unless `quick` alone moved.
        """
        self._notes = ()
        if not self._ask_again() and changed == {self.quick}:
            return
        if "upload" in changed:
            files, self._files = self._files, []
            files = files or take_uploads(self.controls["upload"])
            if not files:
                raise ExplorerError("No file was chosen.")
            name, self._notes = self._gallery.add(files)
            self.controls["picture"].options = list(self._gallery.pictures)
            self.controls["picture"].value = name
        self._status.value = "Computing …"  # until there is more to say

    def describe(self, **values: Any) -> str:
        """Which files were left out, then what the picture shows."""
        return " ".join([*self._notes, self.explain(**values)])

    def _ask_again(self) -> bool:
        """Whether the network was trained on; then its new answers are there.

        Raises:
            ExplorerError: it has no answer now; the former ones stay.
        """
        if self._gallery.is_current():
            return False
        self._status.value = "Computing …"
        self._gallery.ask_again()
        self.forget()
        return True

    @abstractmethod
    def forget(self) -> None:
        """Give up what was computed from the network as it was before."""

    @abstractmethod
    def explain(self, **values: Any) -> str:
        """One sentence that says what the picture shows."""


def method_control(methods: Iterable[str] | None = None) -> widgets.Dropdown:
    """The control that chooses among methods, keys of `METHODS`; by default all.

    Raises:
        ValueError: there is none, or one of them is unknown.
    """
    keys = list(METHODS if methods is None else methods)
    unknown = [key for key in keys if key not in METHODS]
    if unknown or not keys:
        wrong = f", not {unknown[0]!r}" if unknown else ""
        raise ValueError(f"methods must name some of {', '.join(METHODS)}{wrong}.")
    options = [(METHODS[key].name, key) for key in keys]
    return widgets.Dropdown(options=options, description="Method")
