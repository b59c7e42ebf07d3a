"""Every committed notebook keeps the rules, as it lies in the checkout, without being run."""

from pathlib import Path

import nbformat
from notebook_rules import MIN_COMPARED_SHARE, compared_cells, problems


def test_notebook_keeps_the_rules(notebook_path: Path):
    assert problems(nbformat.read(notebook_path, as_version=4)) == []


def test_nbval_compares_most_cells(notebook_path: Path):
    compared, speaking = compared_cells(nbformat.read(notebook_path, as_version=4))
    assert compared >= MIN_COMPARED_SHARE * speaking
