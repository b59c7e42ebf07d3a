"""nbval as the course calls it: its sanitize rules, and that it catches a changed digit."""

import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbval.plugin import get_sanitize_patterns

SANITIZE_FILE = Path(__file__).with_name("nbval_sanitize.cfg")


def declared_rules(text: str) -> int:
    return len(re.findall(r"^\s*regex\b", text, re.MULTILINE))


def sanitize(text: str) -> str:
    for regex, replacement in dict(get_sanitize_patterns(SANITIZE_FILE.read_text())).items():
        text = re.sub(regex, replacement, text)
    return text


def test_nbval_loads_every_sanitize_rule():
    text = SANITIZE_FILE.read_text()
    assert len(dict(get_sanitize_patterns(text))) == declared_rules(text) > 0


@pytest.mark.parametrize(
    ("old", "new"), [("replace: RATE", "replace:"), ("regex: \\d", "regex:\\d")]
)
def test_malformed_sanitize_rule_is_lost(old: str, new: str):
    text = SANITIZE_FILE.read_text()
    malformed = text.replace(old, new, 1)
    assert malformed != text
    assert len(get_sanitize_patterns(malformed)) == declared_rules(malformed) - 1


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        ('<progress value="3" max="9" style="a"></progress> <small>x: 3</small>', "PROGRESS"),
        ("<small>DNN: 5 of 5 epochs, 11 s, loss 0.31</small>", "PROGRESS"),
        ("DNN: 5 of 5 epochs, 11 s, loss 0.31", "PROGRESS"),
        ("DNN: 2,345 of 2,345 batches, 8 s", "PROGRESS"),
        ("ubyte.gz: 13.1 of 26.4 MB, 3 s", "PROGRESS"),
        ("DNN:  40%|####      | 2/5 [00:04<00:06, 2.1s/epochs]", "PROGRESS"),
        ("12.5 images/s, 3 kB/s, 1.4 it/s", "RATE, RATE, RATE"),
        ("took 11.3 s and 63 ms, not 5 seconds", "took TIME and TIME, not TIME"),
        ("<object object at 0x7f3c2a1b0d90>", "<object object at ADDRESS>"),
        ("'/tmp/ipykernel_12/3.py'", "'TEMPORARY_PATH'"),
        ("accuracy 92.3 %, 235,146 parameters, lr 0.004", None),
        ("28 x 28, 5 epochs, 7 shirts, 0x1f", None),
    ],
)
def test_sanitize_rules_mask_what_varies_and_nothing_else(raw: str, masked: str | None):
    assert sanitize(raw) == (masked or raw)


def printing_cell(source: str, text: str) -> NotebookNode:
    output = new_output("stream", name="stdout", text=text)
    return new_code_cell(source, execution_count=1, outputs=[output])


def run_nbval(path: Path) -> subprocess.CompletedProcess[str]:
    options = ["--nbval", "--nbval-current-env", f"--nbval-sanitize-with={SANITIZE_FILE}"]
    command = [sys.executable, "-m", "pytest", "-c", "/dev/null", "-p", "no:cacheprovider"]
    command += [f"--rootdir={path.parent}", "--color=no", *options, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_nbval_passes_a_true_notebook_and_catches_a_changed_digit(tmp_path: Path):
    notebook = new_notebook(
        cells=[
            printing_cell("print(6 * 7)", "42\n"),
            printing_cell("print(object())", "<object object at 0x7f0000000000>\n"),
        ]
    )
    changed = deepcopy(notebook)
    changed.cells[0].outputs[0].text = "43\n"
    nbformat.write(notebook, tmp_path / "true.ipynb")
    nbformat.write(changed, tmp_path / "changed.ipynb")
    passed = run_nbval(tmp_path / "true.ipynb")
    assert "2 passed" in passed.stdout, passed.stdout + passed.stderr
    failed = run_nbval(tmp_path / "changed.ipynb")
    assert "1 failed, 1 passed" in failed.stdout, failed.stdout + failed.stderr
