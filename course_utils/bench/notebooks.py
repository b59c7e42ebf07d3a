"""How long the notebooks take from their first cell to their last, and which cells take longest."""

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from nbformat import NotebookNode

from course_utils.bench import BenchFailed
from course_utils.cli import NOTEBOOKS
from course_utils.execute import NotebookError, execute, read
from course_utils.tables import Table

SLOWEST = 3
LONGEST = 60  # characters of a cell's first line


def measure() -> list[Table]:
    """Seconds and sizes of all chapters; each runs as a copy, the chapters stay as they are.

    Raises:
        BenchFailed: there are none, as where the course was installed without a checkout.
    """
    notebooks = sorted(NOTEBOOKS.glob("*.ipynb"))
    if not notebooks:
        raise BenchFailed(f"There is no notebook in {NOTEBOOKS}: run this in a checkout.")
    return [timed(notebooks)]


def timed(notebooks: Iterable[Path]) -> Table:
    """Run copies of notebooks, one after the other, in a temporary folder.

    Returns:
        For each, the seconds and the size of its file, then its slowest cells; at the end, the sum.
    """
    rows: list[Sequence[str]] = []
    seconds, megabytes = 0.0, 0.0
    for path in notebooks:
        size = path.stat().st_size / 1e6
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copy(path, folder))
            try:
                execution = execute(copy)
            except NotebookError as error:
                rows.append([str(error).replace(str(copy), path.name), "failed", f"{size:.1f}"])
                continue
            rows.append([path.name, f"{execution.seconds:.1f}", f"{size:.1f}"])
            rows += _slowest(read(copy), execution.cell_seconds)
        seconds, megabytes = seconds + execution.seconds, megabytes + size
    rows.append(["in all", f"{seconds:.1f}", f"{megabytes:.1f}"])
    return Table(["notebook, with its slowest cells", "seconds", "MB"], rows)


def _slowest(notebook: NotebookNode, seconds: Sequence[float]) -> list[Sequence[str]]:
    """A row for each of the slowest cells.

    Args:
        notebook: after its execution.
        seconds: of In [1], In [2] and so on.
    """
    cells = {cell.get("execution_count"): cell for cell in notebook.cells}
    ranked = sorted(range(len(seconds)), key=seconds.__getitem__, reverse=True)
    return [
        [f"- {cells[place + 1].id}: {_first_line(cells[place + 1])}", f"{seconds[place]:.1f}", ""]
        for place in ranked[:SLOWEST]
    ]


def _first_line(cell: NotebookNode) -> str:
    return cell.source.strip().splitlines()[0][:LONGEST]
