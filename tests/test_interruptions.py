"""Interrupting any cell of any chapter leaves a kernel in which Run All works again."""

import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from types import SimpleNamespace
from typing import NamedTuple

import nbformat
import psutil
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output, output_from_msg
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, start_new_kernel
from notebook_rules import code_cells
from saved_outputs import is_compared, text_differences
from test_nbval import sanitize

pytestmark = pytest.mark.slow

RUN_SECONDS = 600
PATIENCE = 30  # seconds that a cell may take to end once it is interrupted
LINGER = 10  # seconds after which a process that it started is said to be left
REPLY_SECONDS = 1  # the reply comes before the kernel says that it is idle
NO_REPLY = "no reply"
# Python cannot raise in a callback: it writes this instead, and the cell goes on.
DROPPED = re.compile(
    r"Exception ignored (?:in|on)[^\n]*\n"
    r"(?:Traceback[^\n]*\n(?:  [^\n]*\n|\n)*)?"
    r"KeyboardInterrupt: ?\n"
)
COLOR = re.compile(r"\x1b\[[\d;]*m")
OUTPUTS = {"stream", "display_data", "execute_result", "error"}


class Run(NamedTuple):
    """What one run of a cell gave; its reply is "ok", or the exception's name and message."""

    reply: str
    seconds: float
    outputs: list[NotebookNode]

    @property
    def was_interrupted(self) -> bool:
        return self.reply.partition(":")[0] == "KeyboardInterrupt"

    @property
    def was_interrupted_inside(self) -> bool:
        """Whether the traceback leads through the cell, not only through IPython around it."""
        lines = [line for output in self.outputs for line in output.get("traceback", [])]
        return self.was_interrupted and "Cell In[" in COLOR.sub("", "".join(lines))

    @property
    def stderr(self) -> str:
        text = "".join(o.text for o in self.outputs if o.get("name") == "stderr")
        return DROPPED.sub(lambda found: found[0] * ("course_utils" in found[0]), text)


class Hung(Exception):
    """A cell did not end."""


class Kernel:
    """A kernel of this interpreter in a notebook's folder, with a folder for temporary files."""

    def __init__(self, manager, client, temporary: Path):
        self.manager, self.client, self.temporary = manager, client, temporary

    def run(self, source: str, interrupt_after: float | None = None) -> Run:
        """Run a cell; interrupt it so many seconds after its start, unless it ended before."""
        request = self.client.execute(source, allow_stdin=False, stop_on_error=False)
        start, outputs = time.monotonic(), []
        deadline = start + RUN_SECONDS
        pending = None
        while True:
            try:
                until = deadline if pending is None else pending
                message = self.client.get_iopub_msg(timeout=max(0, until - time.monotonic()))
            except Empty:
                if pending is None:
                    raise Hung("did not end") from None
                self.manager.interrupt_kernel()
                pending, deadline = None, time.monotonic() + PATIENCE
                continue
            kind, content = message["msg_type"], message["content"]
            mine = message["parent_header"].get("msg_id") == request
            if not mine and content.get("name") != "stderr":  # which counts, whoever wrote it
                continue
            if kind == "execute_input":
                start = time.monotonic()
                pending = None if interrupt_after is None else start + interrupt_after
            elif kind in OUTPUTS:
                outputs.append(output_from_msg(message))
            elif kind == "status" and content["execution_state"] == "idle":
                return Run(self._reply(request), time.monotonic() - start, outputs)

    def _reply(self, request: str) -> str:
        try:
            while True:
                message = self.client.get_shell_msg(timeout=REPLY_SECONDS)
                if message["parent_header"].get("msg_id") == request:
                    content = message["content"]
                    if content["status"] == "ok":
                        return "ok"
                    return f"{content['ename']}: {content['evalue']}"
        except Empty:
            return NO_REPLY

    def temporary_files(self) -> int:
        return len(list(self.temporary.iterdir()))

    def processes(self) -> set[psutil.Process]:
        """The kernel's process and all that it started, orphans too: they know its folder."""
        environments = psutil.process_iter(["environ"])
        folder = str(self.temporary)
        return {p for p in environments if (p.info["environ"] or {}).get("TMPDIR") == folder}


@contextmanager
def running_kernel(folder: Path, temporary: Path) -> Iterator[Kernel]:
    manager, client = start_new_kernel(
        kernel_name=CURRENT_ENV_KERNEL_NAME,
        cwd=str(folder),
        env=os.environ | {"TMPDIR": str(temporary)},
        extra_arguments=["--log-level=ERROR"],
    )
    try:
        yield Kernel(manager, client, temporary)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _without_progress(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """What took long once may be in a cache now, and then no bar is shown."""
    shown = (output.get("data", {}).get("text/plain", "") for output in outputs)
    return [out for out, text in zip(outputs, shown, strict=True) if sanitize(text) != "PROGRESS"]


def interrupt_every_cell(
    notebook: NotebookNode, kernel: Kernel, dice: random.Random
) -> tuple[list[str], int]:
    """Run all cells; each again, interrupted, and once more; then all. Give problems and hits."""
    cells = list(enumerate(code_cells(notebook), start=1))
    problems, times, files, hits = [], {}, {}, 0

    def plain(number: int, cell: NotebookNode, when: str) -> Run:
        run = kernel.run(cell.source)
        if run.reply != "ok" or run.stderr:
            problems.append(f"cell {number}, {when}: {run.reply}; stderr: {run.stderr!r}")
        return run

    number = 0
    try:
        for number, cell in cells:
            before = kernel.temporary_files()
            times[number] = plain(number, cell, "first run").seconds
            files[number] = kernel.temporary_files() - before
        for number, cell in cells:
            before, processes = kernel.temporary_files(), kernel.processes()
            wait = dice.random() ** 2 * times[number]  # rather early: a second run is faster
            run = kernel.run(cell.source, interrupt_after=wait)
            hits += run.was_interrupted_inside
            where = f"cell {number}, interrupted after {wait:.3f} of {times[number]:.3f} s"
            # In a cell of milliseconds the signal often meets the kernel around the cell's code:
            # it then answers nothing, or stumbles over its own traceback.
            if run.reply not in ("ok", NO_REPLY) and not run.was_interrupted:
                problems.append(f"{where}: {run.reply}")
            if run.stderr and (run.reply == "ok" or run.was_interrupted_inside):
                problems.append(f"{where}: stderr: {run.stderr!r}")
            if not kernel.manager.is_alive():
                problems.append(f"{where}: the kernel died")
                break
            _, left = psutil.wait_procs(kernel.processes() - processes, timeout=LINGER)
            problems += [f"{where}: left the process {process}" for process in left]
            if kernel.temporary_files() - before > files[number]:
                problems.append(f"{where}: left temporary files")
            plain(number, cell, f"run again, after {where}")
        for number, cell in cells:
            run = plain(number, cell, "Run All after the interruptions")
            if is_compared(cell):
                outputs = map(_without_progress, (cell.outputs, run.outputs))
                differences = text_differences(*outputs)
                problems += [f"cell {number}, Run All: {problem}" for problem in differences]
    except Hung as error:
        problems.append(f"cell {number} {error}")
    return problems, hits


def test_interrupted_cells_leave_a_kernel_that_runs_all(
    notebook_path: Path, tmp_path: Path, record_property
):
    notebook = nbformat.read(notebook_path, as_version=4)
    dice = random.Random(notebook_path.stem)
    with running_kernel(notebook_path.parent, tmp_path) as kernel:
        problems, hits = interrupt_every_cell(notebook, kernel, dice)
    assert not problems, "\n".join(problems)
    share = f"{hits} of {len(code_cells(notebook))} cells interrupted while they ran"
    record_property("interruptions", f"{notebook_path.name}: {share}")


# The harness itself, on small cells that are interrupted in the middle of their sleep.

SLEEP = "import time; time.sleep(1)"
GOOD = ["7", SLEEP, f"class Slow:\n    def __del__(self): {SLEEP}\nslow = Slow()\ndel slow"]
FLAWS = {  # what is found -> the cell
    " s: ZeroDivisionError": f"try: {SLEEP}\nexcept KeyboardInterrupt: 1 / 0",
    " s: stderr: 'careful": (
        f"import sys\ntry: {SLEEP}\nexcept KeyboardInterrupt: sys.stderr.write('careful'); raise"
    ),
    "left the process": (
        f"import subprocess\nchild = subprocess.Popen(['sleep', '{LINGER + 9}'], "
        f"start_new_session=True)\n{SLEEP}\nchild.kill()\nchild.wait() and None"
    ),
    "left temporary files": (
        f"import os, tempfile\nfolder = tempfile.mkdtemp()\n{SLEEP}\nos.rmdir(folder)"
    ),
    "run again, after": (f"assert 'half' not in globals()\nhalf = 1\n{SLEEP}\ndel half"),
    "Run All: stdout differs": (
        f"try: {SLEEP}\nexcept KeyboardInterrupt: spoiled = 1; raise\n"
        "print('no' if 'spoiled' in globals() else 'yes')"
    ),
}
SAVED = {
    "7": [new_output("execute_result", {"text/plain": "7"}, execution_count=1)],
    FLAWS["Run All: stdout differs"]: [new_output("stream", name="stdout", text="yes\n")],
}


def interrupt_scratch(sources: list[str], tmp_path: Path) -> tuple[list[str], int]:
    cells = [new_code_cell(source, outputs=SAVED.get(source, [])) for source in sources]
    middle = SimpleNamespace(random=lambda: 0.7)
    with running_kernel(tmp_path, tmp_path) as kernel:
        return interrupt_every_cell(new_notebook(cells=cells), kernel, middle)


def test_harness_passes_good_cells(tmp_path: Path):
    problems, hits = interrupt_scratch(GOOD, tmp_path)
    assert problems == []
    assert hits == 1  # "7" is too short, and nothing can be raised in __del__


@pytest.mark.parametrize("flaw", FLAWS)
def test_harness_catches_each_flaw(flaw: str, tmp_path: Path):
    problems, _ = interrupt_scratch([FLAWS[flaw]], tmp_path)
    assert {each for problem in problems for each in FLAWS if each in problem} == {flaw}
