import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import ipykernel.kernelspec
import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebook_rules import problems

from course_utils.execute import KERNELSPEC, Execution, NotebookError, execute, normalize


def write_notebook(path: Path, *sources: str) -> bytes:
    """Write a notebook with one code cell per source, and return the file's bytes."""
    cells = [new_markdown_cell("# Title"), *map(new_code_cell, sources)]
    nbformat.write(new_notebook(cells=cells), path)
    return path.read_bytes()


def output_text(notebook: NotebookNode, cell: int) -> str:
    [output] = notebook.cells[cell].outputs
    return output.text


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Execution, NotebookNode]:
    """A notebook after its execution, what `execute` returned, and the notebook before."""
    path = tmp_path_factory.mktemp("chapter") / "good.ipynb"
    write_notebook(
        path,
        "import os, sys, time\nfrom pathlib import Path\nimport ipywidgets as widgets",
        "time.sleep(0.3)\nprint(Path.cwd().name, os.environ['OMP_WAIT_POLICY'])",
        "print('10 %', end='\\r')\nprint('99 %', end='\\r')\nprint('done')",
        "widgets.IntSlider(3)",
        "print(Path(sys.executable).parent == Path(os.environ['TEST_PYTHON']).parent)",
        "print('careful', file=sys.stderr)",
    )
    path.chmod(0o640)
    before = nbformat.read(path, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_PYTHON", sys.executable)
        return path, execute(path, timeout=60), before


def test_execute_saves_outputs_and_counts(executed):
    path, _, _ = executed
    notebook = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2, 3, 4, 5, 6]
    assert output_text(notebook, 2) == f"{path.parent.name} PASSIVE\n"
    assert output_text(notebook, 5) == "True\n"


def test_execute_keeps_only_the_last_state_of_a_progress_line(executed):
    path, _, _ = executed
    assert output_text(nbformat.read(path, as_version=4), 3) == "done\n"


def test_execute_saves_a_normal_file(executed):
    path, _, before = executed
    text = path.read_text()
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
    notebook = nbformat.reads(text, as_version=4)
    assert set(notebook.metadata) == {"kernelspec", "language_info", "executed_code"}
    assert notebook.metadata.kernelspec == KERNELSPEC
    assert "version" not in notebook.metadata.language_info
    assert all(cell.metadata == {} for cell in notebook.cells)
    assert [cell.id for cell in notebook.cells] == [cell.id for cell in before.cells]
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.iterdir()) == [path]
    assert problems(notebook) == [
        "cell 4: holds a widget without a picture: nothing is seen until it is run",
        "cell 6: wrote to stderr: careful",
    ]


def test_execute_leaves_no_thread_behind(tmp_path: Path):
    """The heartbeats of a kernel that has gone would reach whichever gets its port."""
    write_notebook(tmp_path / "short.ipynb", "1 + 1")
    before = set(threading.enumerate())
    execute(tmp_path / "short.ipynb", timeout=60)
    assert not [thread for thread in threading.enumerate() if thread not in before]


def test_execute_reports_times_and_stderr(executed):
    _, execution, _ = executed
    assert 0.3 < execution.seconds < 60
    assert execution.slowest_seconds < execution.seconds
    assert execution.slowest_cell in {1, 2}  # importing ipywidgets may outlast the sleep
    assert execution.slowest_seconds > 0.3
    assert len(execution.cell_seconds) == 6
    assert execution.cell_seconds[1] > 0.3
    assert execution.slowest_seconds == max(execution.cell_seconds)
    assert sum(execution.cell_seconds) < execution.seconds
    assert execution.stderr == {6: "careful\n"}


@pytest.mark.parametrize(
    ("source", "timeout", "complaint"),
    [
        ("1 + 1\nraise ValueError('no\\nsuch luck')", 60, "cell 2 raised ValueError: no"),
        ("import time; time.sleep(60)", 1, "cell 2 took longer than 1 seconds"),
        (
            "import os; os._exit(1)",
            60,
            "cell 2 lost its kernel, which ran out of memory or was ended",
        ),
    ],
)
def test_failed_notebook_stays_as_it_was(
    source: str, timeout: float, complaint: str, tmp_path: Path
):
    path = tmp_path / "bad.ipynb"
    before = write_notebook(path, "print('fine')", source, "print('never')")
    with pytest.raises(NotebookError) as caught:
        execute(path, timeout=timeout)
    assert str(caught.value) == f"{path}: {complaint}. The file was left as it was."
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_kernel_that_does_not_start_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "bad.ipynb"
    before = write_notebook(path, "print('never')")
    spec = {"argv": [sys.executable, "-c", "raise SystemExit(1)"]}
    monkeypatch.setattr(ipykernel.kernelspec, "get_kernel_dict", lambda: spec)
    with pytest.raises(NotebookError) as caught:
        execute(path, timeout=60)
    assert str(caught.value).startswith(f"{path}: got no kernel: Kernel died before replying")
    assert str(caught.value).endswith(". The file was left as it was.")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_tag_does_not_excuse_an_exception(tmp_path: Path):
    path = tmp_path / "tagged.ipynb"
    cell = new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    nbformat.write(new_notebook(cells=[cell]), path)
    with pytest.raises(NotebookError, match="cell 1 raised ZeroDivisionError: division by zero"):
        execute(path)


def test_interrupted_notebook_stays_as_it_was(tmp_path: Path):
    path, started = tmp_path / "slow.ipynb", tmp_path / "started"
    source = f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\ntime.sleep(60)"
    before = write_notebook(path, source)
    code = "import sys; from course_utils.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "execute", str(path), str(path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not started.exists() and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr.endswith("Interrupted.\n")
    assert "Traceback" not in stderr
    assert path.read_bytes() == before


def test_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "good.ipynb"
    before = write_notebook(path, "print(1)")

    def fail(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(NotebookError, match="cannot be saved: No space left on device"):
        execute(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["no JSON", "{}", '{"nbformat": 4, "cells": 1}', "\x00"])
def test_file_that_is_no_notebook_is_named(content: str, tmp_path: Path):
    path = tmp_path / "odd.ipynb"
    path.write_text(content)
    with pytest.raises(NotebookError, match=r"odd\.ipynb cannot be read as a notebook"):
        execute(path)


def test_missing_file_is_named(tmp_path: Path):
    with pytest.raises(NotebookError, match=r"There is no notebook .*absent\.ipynb"):
        execute(tmp_path / "absent.ipynb")


def test_normalize_drops_what_varies_and_keeps_what_was_written():
    cell = new_code_cell("1", metadata={"execution": {"busy": "1"}, "collapsed": False})
    tagged = new_code_cell("2", metadata={"tags": ["nbval-ignore-output"], "scrolled": True})
    untagged = new_code_cell("3", metadata={"tags": []})
    notebook = new_notebook(cells=[cell, tagged, untagged])
    notebook.metadata.update(widgets={}, colab={}, title="Convolution", kernelspec={"name": "old"})
    notebook.metadata.language_info = {"name": "python", "version": "3.11.7"}
    normalize(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info", "title"}
    assert notebook.metadata.kernelspec == KERNELSPEC
    assert "version" not in notebook.metadata.language_info
    tags = {"tags": ["nbval-ignore-output"]}
    assert [cell.metadata for cell in notebook.cells] == [{}, tags, {}]
    once = nbformat.writes(notebook)
    normalize(notebook)
    assert nbformat.writes(notebook) == once
