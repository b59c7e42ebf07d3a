"""A progress bar: HTML in a notebook, tqdm's in a terminal.

tqdm's own notebook bar is a widget: in a saved notebook it is dead, and its text stays at 0%.
This one is a plain display that updates in place, and what is saved is its last state.
"""

import time
from html import escape

from tqdm import tqdm

REFRESH_SECONDS = 0.1


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ModuleNotFoundError:
        return False
    return get_ipython() is not None and hasattr(get_ipython(), "kernel")


class _Text:
    """A display with the bar for a notebook, and the same in words for anything else."""

    def __init__(self, done: float, total: float | None, words: str):
        self.done, self.total, self.words = done, total, words

    def __repr__(self) -> str:
        return self.words

    def _repr_html_(self) -> str:
        if self.total is not None and self.done >= self.total:
            return f"<small>{escape(self.words)}</small>"
        value = "" if self.total is None else f'value="{self.done}" max="{self.total}"'
        return (
            f'<progress {value} style="width: 16em"></progress> <small>{escape(self.words)}</small>'
        )


class _NotebookBar:
    """The part of tqdm's interface that the course uses, drawn by `IPython.display`."""

    def __init__(self, total: float | None, desc: str, unit: str):
        from IPython.display import display

        self.total, self.desc, self.unit = total, desc, unit
        self.n, self.note = 0, ""
        self._start = self._drawn = time.monotonic()
        self._handle = display(self._text(), display_id=True)

    def _text(self) -> _Text:
        seconds = time.monotonic() - self._start
        words = f"{self.desc}: {self._count()}, {seconds:.0f} s"
        return _Text(self.n, self.total, f"{words}, {self.note}" if self.note else words)

    def _count(self) -> str:
        numbers = [self.n] if self.total is None else [self.n, self.total]
        if self.unit != "B":
            return f"{' of '.join(f'{number:,}' for number in numbers)} {self.unit}"
        size, unit = (1e6, "MB") if numbers[-1] >= 1e6 else (1e3, "kB")
        return f"{' of '.join(f'{number / size:.1f}' for number in numbers)} {unit}"

    def refresh(self) -> None:
        self._drawn = time.monotonic()
        self._handle.update(self._text())

    def update(self, n: float = 1) -> None:
        self.n += n
        if time.monotonic() - self._drawn > REFRESH_SECONDS:
            self.refresh()

    def set_postfix_str(self, note: str, refresh: bool = False) -> None:
        self.note = note

    def close(self) -> None:
        self.refresh()


class Progress:
    """A progress bar over `total` steps.

    Args:
        total: number of steps, or None if unknown.
        description: what is being done, in two or three words; None shows no bar.
        unit: what one step is, for example "batches"; "B" counts bytes.
    """

    def __init__(self, total: float | None, description: str | None, unit: str = "it"):
        if description is None:
            self._bar = tqdm(total=total, disable=True)
        elif _in_notebook():
            self._bar = _NotebookBar(total, description, unit)
        else:
            self._bar = tqdm(total=total, desc=description, unit=unit, unit_scale=unit == "B")

    @property
    def total(self) -> float | None:
        """Number of steps, or None if unknown."""
        return self._bar.total

    @total.setter
    def total(self, total: float | None) -> None:
        self._bar.total = total

    def update(self, n: float = 1) -> None:
        """Count `n` more steps as done."""
        self._bar.update(n)

    def note(self, words: str) -> None:
        """Show `words` behind the bar, for example the current loss."""
        self._bar.set_postfix_str(words, refresh=False)

    def close(self) -> None:
        """Draw the last state and stop."""
        self._bar.close()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
