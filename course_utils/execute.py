"""Run a notebook from its first cell to its last and save it with the outputs it gave."""

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import ipykernel.kernelspec
import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from course_utils.files import replace_text
from course_utils.progress import Progress

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE_INFO = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}
KEPT_NOTEBOOK_METADATA = {"accelerator", "authors", "title"}
SIGNATURE = "executed_code"  # the notebook metadata that `sign` writes
KEPT_CELL_METADATA = {"jupyter", "tags"}


class NotebookError(Exception):
    """A notebook could not be read, run or saved; the message says why, and which cell."""


@dataclass(frozen=True)
class Execution:
    """What running one notebook took, in seconds, and wrote to stderr; cells go by their In [n]."""

    path: Path
    seconds: float
    cell_seconds: list[float]  # of In [1], In [2] and so on
    stderr: dict[int, str]  # what a cell wrote to stderr, warnings for example

    @property
    def slowest_seconds(self) -> float:
        """Of the slowest cell; 0 if there is none."""
        return max(self.cell_seconds, default=0.0)

    @property
    def slowest_cell(self) -> int:
        """The number of the slowest cell; 0 if there is none."""
        return self.cell_seconds.index(self.slowest_seconds) + 1 if self.cell_seconds else 0


class _ThisInterpreter(KernelSpecManager):
    """Offers the kernel of the running interpreter, whatever other kernels the user registered."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(
            resource_dir=ipykernel.kernelspec.RESOURCES, **ipykernel.kernelspec.get_kernel_dict()
        )


def execute(path: str | os.PathLike, timeout: float = 600) -> Execution:
    """Run the notebook at `path` in its own folder, then save it in place, normalized.

    The file is replaced in one step at the very end: if a cell raises, the kernel dies or the
    run is interrupted, it stays as it was, byte for byte.

    Args:
        path: the notebook.
        timeout: seconds that each cell may take.

    Raises:
        NotebookError: the notebook cannot be read, a cell raised or ran out of time, the
            kernel did not start or died, or the result cannot be saved.
    """
    path = Path(path)
    notebook = read(path)
    execution = _run(notebook, path, timeout)
    normalize(notebook)
    sign(notebook)
    try:
        replace_text(path, layout(notebook))
    except OSError as error:
        raise NotebookError(f"{path} cannot be saved: {error.strerror}.") from error
    return execution


def layout(notebook: NotebookNode) -> str:
    """The text of the file that holds `notebook`."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def sign(notebook: NotebookNode) -> None:
    """Note in the metadata of `notebook`, in place, which code its outputs come from."""
    notebook.metadata[SIGNATURE] = _code_digest(notebook)


def is_signed(notebook: NotebookNode) -> bool:
    """Whether the code of `notebook` is still what was executed, or somebody has edited it since.

    Outputs are not part of it: to compare them is the business of nbval.
    """
    return notebook.metadata.get(SIGNATURE) == _code_digest(notebook)


def _code_digest(notebook: NotebookNode) -> str:
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def normalize(notebook: NotebookNode) -> None:
    """Drop from `notebook`, in place, what differs from run to run or from machine to machine.

    Widget state, timings and editors' own metadata go; cell ids, tags and outputs stay.
    """
    for key in notebook.metadata.keys() - KEPT_NOTEBOOK_METADATA:
        del notebook.metadata[key]
    notebook.metadata["kernelspec"] = nbformat.from_dict(KERNELSPEC)
    notebook.metadata["language_info"] = nbformat.from_dict(LANGUAGE_INFO)
    for cell in notebook.cells:
        for key in cell.metadata.keys() - KEPT_CELL_METADATA:
            del cell.metadata[key]
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
    nbformat.validate(notebook)


def read(path: Path) -> NotebookNode:
    """The valid notebook at `path`.

    Raises:
        NotebookError: there is none, or the file is no notebook.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except FileNotFoundError:
        raise NotebookError(f"There is no notebook {path}.") from None
    except Exception as error:  # nbformat raises whatever a malformed file makes it trip over
        reason = str(error).splitlines()[0]
        raise NotebookError(f"{path} cannot be read as a notebook: {reason}") from error
    return notebook


def _run(notebook: NotebookNode, path: Path, timeout: float) -> Execution:
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    times: list[float] = []

    with Progress(len(code_cells), path.name, unit="cells") as progress:

        def start(cell: NotebookNode, cell_index: int) -> None:
            times.append(time.perf_counter())

        def finish(cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
            times[-1] = time.perf_counter() - times[-1]
            progress.update()

        kernel = AsyncKernelManager(
            kernel_name=KERNELSPEC["name"], kernel_spec_manager=_ThisInterpreter()
        )
        client = NotebookClient(
            notebook,
            km=kernel,
            extra_arguments=["--log-level=ERROR"],
            timeout=timeout,
            resources={"metadata": {"path": str(path.parent)}},
            coalesce_streams=True,
            force_raise_errors=True,
            shutdown_kernel="immediate",
            record_timing=False,
            on_cell_execute=start,
            on_cell_executed=finish,
        )
        began = time.perf_counter()
        try:
            client.execute()
        except CellExecutionError as error:
            problem = f"raised {error.ename}: {error.evalue}".splitlines()[0]
        except CellTimeoutError:
            problem = f"took longer than {timeout:g} seconds"
        except DeadKernelError:
            problem = "lost its kernel, which ran out of memory or was ended"
        except RuntimeError as error:
            if times:
                raise
            client.km = kernel  # nbclient has forgotten it, but asks for it when Python exits
            reason = str(error).splitlines()[0]
            raise NotebookError(
                f"{path}: got no kernel: {reason}. The file was left as it was."
            ) from error
        else:
            problem = None
        finally:
            seconds = time.perf_counter() - began
            if client.kc is not None:
                # Else its heartbeats go on, to a port that a later notebook's kernel may get.
                client.kc.stop_channels()
            run_sync(kernel.shutdown_kernel)(now=True)

    if client.km is None:  # how nbclient answers Ctrl-C: it ends the kernel and forgets it
        raise KeyboardInterrupt
    if problem:
        raise NotebookError(f"{path}: cell {len(times)} {problem}. The file was left as it was.")
    return Execution(
        path,
        seconds,
        cell_seconds=times,
        stderr={
            cell.execution_count: output.text
            for cell in code_cells
            for output in cell.outputs
            if output.get("name") == "stderr"
        },
    )
