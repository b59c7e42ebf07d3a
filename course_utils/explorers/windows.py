"""What the explorers of convolution and pooling share: a window that sweeps over a picture."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import ipywidgets as widgets
import numpy as np

from course_utils.explorers.base import Explorer, ExplorerError
from course_utils.explorers.drawing import number
from course_utils.explorers.uploads import free_name, take_upload, upload_button
from course_utils.pictures import read_picture, shrink, to_gray

LONGEST = 90  # pixels: few enough that one of them can be seen on the screen
ROUNDING = 1e-9  # how far two sums of the same numbers may lie apart, relative to their size


class Sweep(NamedTuple):
    """How a window moves along one side of a picture, in pixels."""

    length: int
    window: int
    stride: int
    padding: int = 0
    dilation: int = 1

    @property
    def padded(self) -> int:
        """The side with its padding."""
        return self.length + 2 * self.padding

    @property
    def reach(self) -> int:
        """From the first to the last pixel that the window reads, both included."""
        return self.dilation * (self.window - 1) + 1

    @property
    def positions(self) -> int:
        """The number of places where the window fits: the side of the feature map."""
        return (self.padded - self.reach) // self.stride + 1

    @property
    def leftover(self) -> int:
        """Pixels of the padded side that lie beyond the window's last place."""
        return (self.padded - self.reach) % self.stride

    def read_at(self, position: int | np.ndarray) -> np.ndarray:
        """The pixels of the padded side that the window reads there, integers [window]."""
        return position * self.stride + self.dilation * np.arange(self.window)

    def read_anywhere(self) -> np.ndarray:
        """Which pixels of the padded side the window reads somewhere, booleans [padded]."""
        read = np.zeros(self.padded, bool)
        every = np.arange(self.positions)[:, None]  # [positions, 1]
        read[self.read_at(every)] = True
        return read


class Sweeps(NamedTuple):
    """A window that moves down and across a picture."""

    rows: Sweep
    columns: Sweep

    @property
    def shape(self) -> tuple[int, int]:
        """The height and width of the feature map."""
        return self.rows.positions, self.columns.positions

    def never_read(self) -> np.ndarray:
        """Which pixels of the padded picture no window reads, booleans [H, W]."""
        return ~np.outer(self.rows.read_anywhere(), self.columns.read_anywhere())

    def require_cell(self, row: int, column: int) -> None:
        """Check that the feature map has this cell.

        Raises:
            ExplorerError: it has not.
        """
        for name, cell, count in zip(("row", "column"), (row, column), self.shape, strict=True):
            if not 0 <= cell < count:
                raise ExplorerError(
                    f"There is no {name} {cell}: choose a {name} from 0 to {count - 1}."
                )


def size_in_words(sweep: Sweep, formula: str, *, side: str, line: str) -> str:
    """The arithmetic of the feature map's size, and what is left over where it is rounded down.

    Args:
        sweep: the window's way along this side.
        formula: the arithmetic with its numbers, up to the equals sign.
        side: "Height" or "Width".
        line: what a line of pixels across this side is called: "row" or "column".
    """
    exact = (sweep.padded - sweep.reach) / sweep.stride + 1
    sentence = f"{side}: {formula} = {number(exact)}"
    if sweep.leftover == 0:
        return f"{sentence}."
    count, lines, verb = "", line, "is"
    if sweep.leftover > 1:
        count, lines, verb = f" {sweep.leftover}", f"{line}s", "are"
    where = " of the padded picture" if sweep.padding else ""
    rounded = f"rounded down to {sweep.positions}"
    return f"{sentence}, {rounded}: the last{count} {lines}{where} {verb} never read."


def require_same(by_hand: float, library: float, size: float, function: str) -> None:
    """Check that PyTorch's number is the one worked out by hand.

    Args:
        by_hand: the number worked out by hand.
        library: PyTorch's number.
        size: the sum of the absolute values of what was added; rounding grows with it.
        function: the name of PyTorch's function.

    Raises:
        ExplorerError: the two differ by more than rounding.
    """
    if not abs(by_hand - library) <= ROUNDING * max(size, 1):
        raise ExplorerError(
            f"By hand this cell is {number(by_hand)}, but PyTorch's {function} gives "
            f"{number(library)}: run `course doctor` to check this installation of PyTorch."
        )


def checked_pictures(pictures: Any) -> dict[str, np.ndarray]:
    """Pictures by name as gray uint8 [H, W], small enough to see single pixels.

    Raises:
        ValueError: there is none, or one of them is no picture.
    """
    if not isinstance(pictures, Mapping) or not pictures:
        raise ValueError("pictures must name at least one picture, as in {'cat': array}.")
    checked = {}
    for name, picture in pictures.items():
        try:
            checked[str(name)] = np.array(shrink(to_gray(picture), LONGEST))
        except ValueError as problem:
            raise ValueError(f"The picture {name!r} cannot be shown: {problem}") from problem
    return checked


def slider(low: int, high: int, value: int, description: str) -> widgets.IntSlider:
    """A slider over whole numbers from `low` to `high`, both included."""
    return widgets.IntSlider(min=low, max=high, value=value, description=description)


class WindowExplorer(Explorer):
    """Pictures, uploads, and a cell of a feature map to look at.

    A subclass writes `sweeps`, whose arguments are named after controls, as those of `render` are.

    Args:
        pictures: as `checked_pictures` gives them: before the controls are made, so that none is
            left over where pictures are refused.
        controls: the controls by name, but for those of the picture and the upload. Among them
            are the sliders `row` and `column` of the cell.
    """

    def __init__(
        self, pictures: dict[str, np.ndarray], controls: Mapping[str, widgets.ValueWidget]
    ) -> None:
        self._pictures = pictures
        picture = widgets.Dropdown(options=list(self._pictures), description="Picture")
        super().__init__({"picture": picture, "upload": upload_button(), **controls})

    @abstractmethod
    def sweeps(self, **values: Any) -> Sweeps:
        """The window's way over the picture, for these values of the controls.

        Raises:
            ExplorerError: the window does not fit.
        """

    def adjust(self, changed: set[str]) -> None:
        """Take in an uploaded picture, and let the sliders of the cell reach as far as the map."""
        if "upload" in changed:
            self._add_upload()
        for name, count in zip(("row", "column"), self.sweeps(**self.values).shape, strict=True):
            self.controls[name].max = count - 1
            self.controls[name].disabled = count == 1

    def choose(self, **values: Any) -> None:
        """Set several controls and draw once; the cell may lie on the map that they lead to."""
        with self._holding():
            for name in {"row", "column"} & values.keys():
                self.controls[name].max = max(self.controls[name].max, values[name])
        super().choose(**values)

    def picture(self, name: str) -> np.ndarray:
        """The picture of that name, uint8 [H, W].

        Raises:
            ExplorerError: there is none.
        """
        if name not in self._pictures:
            known = ", ".join(self._pictures)
            raise ExplorerError(f"There is no picture {name!r}: choose one of {known}.")
        return self._pictures[name]

    def _add_upload(self) -> None:
        """Add the uploaded picture to the pictures, under a name of its own, and choose it.

        Raises:
            ExplorerError, PictureError: it is no picture, or the window does not fit into it.
        """
        upload = take_upload(self.controls["upload"])
        if upload is None:
            return
        file_name, content = upload
        picture = shrink(to_gray(read_picture(content, file_name)), LONGEST)
        name = free_name(file_name, self._pictures)
        self._pictures[name] = picture
        try:
            self.sweeps(**self.values | {"picture": name})
        except ExplorerError as problem:
            if self._fits():  # else something else is wrong, which the drawing then says
                del self._pictures[name]
                raise ExplorerError(f"{problem} Then choose the file again.") from problem
        self.controls["picture"].options = list(self._pictures)
        self.controls["picture"].value = name

    def _fits(self) -> bool:
        """Whether the window fits into the picture that is chosen."""
        try:
            self.sweeps(**self.values)
        except ExplorerError:
            return False
        return True
