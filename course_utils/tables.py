"""Small tables that render well in a notebook, on a website and in a terminal."""

from collections.abc import Sequence


class Table:
    """Rows of text under a header; Markdown in a notebook, aligned columns elsewhere.

    Args:
        header: names of the columns.
        rows: cells as text; the first column is aligned to the left, the others to the right.
    """

    def __init__(self, header: Sequence[str], rows: Sequence[Sequence[object]]):
        self._lines = [[str(cell) for cell in row] for row in (header, *rows)]

    def _repr_markdown_(self) -> str:
        header, *rows = (f"| {' | '.join(cells)} |" for cells in self._lines)
        rule = "|:--|" + "--:|" * (len(self._lines[0]) - 1)
        return "\n".join([header, rule, *rows])

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self._lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if place else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ).rstrip()
            for cells in self._lines
        )
