"""The chapters give what is saved every time, whatever the number of threads and the processor."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from notebook_gate import differences
from notebook_rules import code_cells
from saved_outputs import is_compared, text_differences

from course_utils.execute import execute

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SHORTEST = ROOT / "notebooks" / "01_convolution.ipynb"
REPETITIONS = 30
GATE_SECONDS = 1800
SETTINGS = {
    "one thread": {"OMP_NUM_THREADS": "1"},
    "two threads": {"OMP_NUM_THREADS": "2"},
    "no vector instructions": {"ATEN_CPU_CAPABILITY": "default"},
}


@pytest.mark.parametrize("repetition", range(1, REPETITIONS + 1))
def test_every_run_gives_what_is_saved(repetition: int, tmp_path: Path):
    copy = tmp_path / SHORTEST.name
    shutil.copyfile(SHORTEST, copy)
    execute(copy)
    cells = [code_cells(nbformat.read(path, as_version=4)) for path in (SHORTEST, copy)]
    problems = [
        f"cell {number}: {problem}"
        for number, (saved, new) in enumerate(zip(*cells, strict=True), start=1)
        if is_compared(saved)
        for found in (text_differences, differences)
        for problem in found(saved.outputs, new.outputs)
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("setting", SETTINGS)
def test_gate_passes_with_other_threads_and_processors(notebook_path: Path, setting: str):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "-q"]
    run = subprocess.run(
        [*command, str(notebook_path)],
        cwd=ROOT,
        env=os.environ | SETTINGS[setting],
        capture_output=True,
        text=True,
        timeout=GATE_SECONDS,
    )
    cells = code_cells(nbformat.read(notebook_path, as_version=4))
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{len(cells)} passed" in run.stdout, run.stdout
