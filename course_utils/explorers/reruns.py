"""When a notebook cell runs again, close the explorers that its earlier run left behind.

Otherwise the kernel keeps every widget of every run, with all the images it refers to.
"""

from hashlib import sha256
from typing import Protocol

from IPython import get_ipython


class Closable(Protocol):
    """Anything with a `close` method."""

    def close(self) -> None:
        """Give up what it holds."""


_runs: dict[str, tuple[str, list[Closable]]] = {}  # cell -> id of its last run, what that made


def close_previous_run(newcomer: Closable) -> None:
    """Note that the running cell made `newcomer`, and close what an earlier run of it made.

    Several explorers of one run live side by side. Outside a notebook cell nothing happens.
    """
    if (running := _running_cell()) is None:
        return
    cell, run = running
    last_run, members = _runs.get(cell, (run, []))
    if last_run != run:
        for member in members:
            member.close()
        members = []
    _runs[cell] = (run, [*members, newcomer])


def _running_cell() -> tuple[str, str] | None:
    """What identifies the running cell and this run of it; None outside a cell of a kernel."""
    shell = get_ipython()
    if not hasattr(shell, "get_parent"):  # no IPython, or IPython in a terminal
        return None
    request = shell.get_parent()
    code = request.get("content", {}).get("code")
    if code is None:  # a widget's callback
        return None
    # JupyterLab names the cell; other front ends do not, and its code stands for it.
    cell = request.get("metadata", {}).get("cellId") or sha256(code.encode()).hexdigest()
    return cell, request["header"]["msg_id"]
