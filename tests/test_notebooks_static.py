"""Every committed notebook keeps the rules, as it lies in the checkout, without being run."""

from pathlib import Path

import nbformat
from notebook_rules import MIN_COMPARED_SHARE, compared_cells, problems, promises

PROMISES = Path(__file__).with_name("promises")


def test_notebook_keeps_the_rules(notebook_path: Path):
    assert problems(nbformat.read(notebook_path, as_version=4)) == []


def test_nbval_compares_most_cells(notebook_path: Path):
    compared, speaking = compared_cells(nbformat.read(notebook_path, as_version=4))
    assert compared >= MIN_COMPARED_SHARE * speaking


def test_notebook_keeps_its_promises_as_they_are(notebook_path: Path):
    """Who changes a promise changes it in two places, on purpose."""
    promised = (PROMISES / f"{notebook_path.stem}.txt").read_text("utf-8").splitlines()
    assert promises(nbformat.read(notebook_path, as_version=4)) == promised
