"""Every chapter runs on the checkout and the installed packages alone: no network, no data."""

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from notebook_rules import code_cells
from torchvision.datasets import FashionMNIST

from course_utils.catalog import DATASETS
from course_utils.execute import execute
from course_utils.places import Folder

pytestmark = pytest.mark.slow
OFFLINE = Path(__file__).with_name("offline")


def test_a_chapter_runs_on_the_checkout_alone(
    notebook_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    [system] = [p for p in DATASETS["fashion-mnist"].local if isinstance(p, Folder)]
    monkeypatch.setenv("PYTHONPATH", str(OFFLINE), prepend=os.pathsep)
    monkeypatch.setenv("COURSE_OFFLINE_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("COURSE_OFFLINE_HIDDEN", str(system.path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    path = Path(shutil.copy(notebook_path, tmp_path))
    execute(path)
    cells = code_cells(nbformat.read(path, as_version=4))
    said = "".join(output.get("text", "") for cell in cells for output in cell.outputs)
    log = tmp_path / "log"
    attempts = set(log.read_text().splitlines()) if log.exists() else set()
    if any("fashion_mnist()" in cell.source for cell in cells):
        # The course looked for the rest of the data, was refused, said so and went on.
        hosts = {f"looking up {urlsplit(mirror).hostname}" for mirror in FashionMNIST.mirrors}
        assert attempts <= hosts | {"running apt-get"}
        assert attempts
        assert "SMALL SUBSET" in said
    else:
        assert attempts == set()
