"""The base of all explorers: controls above, a picture and one sentence about it below."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from io import BytesIO
from typing import Any, ClassVar

import cv2
import ipywidgets as widgets
import numpy as np
from PIL import Image

from course_utils.explorers.reruns import close_previous_run
from course_utils.explorers.uploads import take_upload
from course_utils.figures import PALETTE
from course_utils.pictures import PictureError
from course_utils.wording import in_short

# Two columns above a picture of the usual 880 px; one where the notebook is narrow.
CONTROL_GRID = {
    "grid_template_columns": "repeat(auto-fit, minmax(300px, 1fr))",
    "grid_gap": "0 24px",
    "max_width": "880px",
}


class ExplorerError(ValueError):
    """A sentence for the learner: shown in the explorer's status line as it stands."""


class Explorer(ABC):
    """Controls, a picture that follows them, and a sentence that says what the picture shows.

    A subclass says what it is in `title`, writes `render` and `describe`, and hands its controls to
    `__init__` once everything that these two need is in place. Each argument of the two is named
    after a control and receives its value. Where one control's range depends on another's value,
    the subclass also writes `adjust`. An upload button has no value to draw: `adjust` takes the
    file that was chosen.

    Every change draws once. An exception becomes a sentence in the status line; the last good
    picture stays, and the next good value brings the explorer back. Running the cell again closes
    the explorers of its earlier run. The saved output carries a still picture with alt text, for
    readers without a kernel.

    Attributes:
        title: what the explorer is, in a few words that no computed number changes.
        pixel_ratio: picture pixels per screen pixel, so that text stays crisp on dense screens.
        controls: the controls by name, in the order in which they are shown.
        error: the sentence in the status line if the last change failed, else None.
        picture_png: the picture now shown, encoded as PNG.
        status: the sentence now shown.
    """

    title: ClassVar[str]
    pixel_ratio: ClassVar[int] = 2

    def __init__(self, controls: Mapping[str, widgets.ValueWidget]) -> None:
        """Draw the first picture.

        Raises:
            ValueError: a control has no description.
        """
        for name, control in controls.items():
            if not control.description:
                raise ValueError(f"The control {name!r} needs a description.")
        self.controls = dict(controls)
        self.error: str | None = None
        self.status = ""
        self.picture_png = b""
        self._held = False
        self._alt = ""
        self._picture_size = (0, 0)  # width and height on the screen

        self._image = widgets.Image(format="png", layout=widgets.Layout(max_width="100%"))
        self._status = widgets.HTML()
        for control in self.controls.values():
            control.layout.width = "auto"  # as wide as its column
        grid = widgets.GridBox(list(self.controls.values()), layout=widgets.Layout(**CONTROL_GRID))
        self._box = widgets.VBox([grid, self._status, self._image])
        for name, control in self.controls.items():
            control.observe(lambda change, name=name: self._on_control(name), names="value")

        self._show(encode_png(np.full((40, 400, 3), 255, np.uint8)), (400, 40))
        self._on_change(set(self.values))
        close_previous_run(self)

    @abstractmethod
    def render(self, **values: Any) -> np.ndarray:
        """The picture, uint8 RGB [H, W, 3], for these values of the controls.

        Raises:
            ExplorerError: with a sentence that tells the learner what to change.
        """

    @abstractmethod
    def describe(self, **values: Any) -> str:
        """One sentence that says what the picture shows: the status line, and the alt text."""

    def adjust(self, changed: set[str]) -> None:  # noqa: B027 (most explorers need none)
        """Bring controls in line with those named in `changed`, before anything is drawn.

        An upload button is named when a file was chosen: `uploads.take_upload` gets it.

        Raises:
            ExplorerError, PictureError: before anything is changed: what is shown then stays.
        """

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name, without the upload buttons."""
        return {
            name: control.value
            for name, control in self.controls.items()
            if not isinstance(control, widgets.FileUpload)
        }

    def choose(self, **values: Any) -> None:
        """Set several controls and draw once."""
        with self._holding():
            for name, value in values.items():
                self.controls[name].value = value
        self._on_change(set(values))

    def close(self) -> None:
        """Remove the widgets from the notebook and from the kernel; the still picture stays."""
        for control in self.controls.values():
            control.unobserve_all()
        _close_tree(self._box)

    @contextmanager
    def _holding(self) -> Iterator[None]:
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def _on_control(self, name: str) -> None:
        control = self.controls[name]
        if not isinstance(control, widgets.FileUpload):
            self._on_change({name})
        elif control.value:  # emptying the button is no upload
            try:
                self._on_change({name})
            finally:  # what `adjust` left, or the same file could not be chosen again
                take_upload(control)

    def _on_change(self, changed: set[str]) -> None:
        if self._held:
            return
        try:
            with self._holding():
                self.adjust(changed)
                picture = self.render(**self.values)
                status = self.describe(**self.values)
            _require_picture(picture)
            png = encode_png(picture)
        except (ExplorerError, PictureError) as problem:
            self._show_error(str(problem))
        except KeyboardInterrupt:  # the controls show what was asked for, not what is drawn
            self._show_error("Interrupted: the picture is that of before. Move a control to go on.")
            raise
        except Exception as problem:  # nobody sees what is raised into a widget's callback
            self._show_error(
                f"Something went wrong inside the explorer ({in_short(problem)}). "
                "Move a control to go on."
            )
        else:
            height, width = picture.shape[:2]
            self._show(png, (width // self.pixel_ratio, height // self.pixel_ratio))
            self.error, self.status, self._alt = None, status, status
            self._status.value = escape(status)

    def _show(self, png: bytes, size: tuple[int, int]) -> None:
        self._image.layout.width = f"{size[0]}px"
        self._image.value = self.picture_png = png
        self._picture_size = size

    def _show_error(self, sentence: str) -> None:
        self.error = self.status = sentence
        self._status.value = (
            f'<span style="color: {PALETTE["vermilion"]}">{escape(sentence)}</span>'
        )

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        width, height = self._picture_size
        data: dict[str, Any] = {"text/plain": self.title, "image/png": _packed(self.picture_png)}
        if self._box.comm is not None:
            data["application/vnd.jupyter.widget-view+json"] = {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self._box.model_id,
            }
        alt = f"{self.title}. {self._alt}".strip()
        return data, {"image/png": {"alt": alt, "width": width, "height": height}}


def encode_png(picture: np.ndarray) -> bytes:
    """Encode uint8 RGB [H, W, 3] as PNG, quickly.

    Flat color and text need no row filter: without one, the fastest level takes a fifth of the
    time of the default filters and makes files of the same size.
    """
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE]
    return cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def _packed(png: bytes) -> bytes:
    """The picture in fewer bytes, for saving: too slow for a slider.

    Where there are more than 256 colors, as in photographs, 256 stand for all.
    """
    packed = BytesIO()
    palette = Image.open(BytesIO(png)).quantize(
        256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    palette.save(packed, "PNG", optimize=True)
    return packed.getvalue()


def _require_picture(picture: Any) -> None:
    if not isinstance(picture, np.ndarray):
        raise TypeError(f"render gave {type(picture).__name__}, not an array")
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise TypeError(f"render gave {picture.dtype} {list(picture.shape)}, not uint8 [H, W, 3]")


def _close_tree(widget: widgets.Widget) -> None:
    """Close a widget and all that belong to it: closing a box alone leaves the rest open."""
    for child in getattr(widget, "children", ()):
        _close_tree(child)
    for part in ("layout", "style"):
        if isinstance(getattr(widget, part, None), widgets.Widget):
            getattr(widget, part).close()
    widget.close()
