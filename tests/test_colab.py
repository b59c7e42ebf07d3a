"""Every notebook runs on what Google Colab has, from an empty folder, through its set-up cell."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbformat import NotebookNode
from packaging.utils import canonicalize_name
from test_setup_cell import SetupCell, plain_python

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
STAND_IN = ROOT / "tests/colab"
INSTALLED = ("LICENSE", "README.md", ".gitignore", "pyproject.toml", "course_utils", "data")
CELL_SECONDS = 600
NO_NETWORK = 2  # uv's exit status; where a package cannot be had at all it is 1
UPLOAD = """
import cv2
import numpy as np
from google.colab import files
from torch import nn

from course_utils.explorers.feature_maps import FeatureMapExplorer

pixels = np.eye(16, dtype=np.uint8)
files.answers.append({"../mine.png": cv2.imencode(".png", 255 * pixels)[1].tobytes()})
network = nn.Sequential(nn.Conv2d(3, 2, 3))
explorer = FeatureMapExplorer(network, {"dark": pixels}, lambda images: images / 255)
print(explorer.add(files.upload()))
print(explorer.error, explorer.values["picture"])
"""

run = partial(subprocess.run, capture_output=True, text=True, check=False)


class Colab:
    """An environment with the packages of Google Colab, and no more.

    Args:
        folder: where it is made; empty.

    Attributes:
        python: its Python.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uv("venv", "--quiet", f"--python={_python()}", folder / "environment")
        self.python = self._uv("python", "find", folder / "environment").strip()
        self._uv("pip", "install", f"--python={self.python}", "--dry-run", "--refresh", "hatchling")
        self.restore()

    def restore(self) -> dict[str, str]:
        """Remove what a notebook installed; gives the versions of what there is by name."""
        requirements = STAND_IN / "requirements.txt"
        self._uv(
            "pip", "install", "--quiet", "--exact", f"--python={self.python}", "-r", requirements
        )
        return self.versions()

    def versions(self) -> dict[str, str]:
        """The version of each package by its name."""
        lines = self._uv("pip", "freeze", f"--python={self.python}").splitlines()
        pairs = [re.split("==| @ ", line, maxsplit=1) for line in lines]
        return {canonicalize_name(name): version for name, version in pairs}

    def _uv(self, *words: str | Path) -> str:
        """What uv says to a command; the test is skipped where it cannot reach what it needs."""
        result = run(["uv", *map(str, words)], cwd=self._folder)
        if result.returncode == NO_NETWORK:
            pytest.skip(f"uv cannot reach the package index: {result.stderr.strip()}")
        assert result.returncode == 0, f"uv {words}: {result.stderr}"
        return result.stdout


def _python() -> str:
    """Which Python to take: $COLAB_PYTHON, or Colab's version if uv finds it, or this one."""
    found = run(["uv", "python", "find", "--no-project", "3.13"])
    return os.environ.get("COLAB_PYTHON") or found.stdout.strip() or sys.executable


@pytest.fixture(scope="module")
def colab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Colab]:
    """Takes 5 GB, as hard links to uv's cache where that lies on the same disk."""
    for program in ("uv", "git"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}: install it to run the notebooks as Google Colab does")
    folder = tmp_path_factory.mktemp("colab")
    try:
        yield Colab(folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository of the course as it lies here, with what is not committed, too."""
    folder = tmp_path_factory.mktemp("repository")
    for name in INSTALLED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder)
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "-C", folder]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=Course"]):
        subprocess.run([*git, *words], check=True)
    return folder


class _KernelOf(KernelSpecManager):
    """Offers one Python's kernel, whatever other kernels the user registered."""

    spec: KernelSpec

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return self.spec


def execute(notebook: NotebookNode, python: str, folder: Path, variables: dict[str, str]) -> None:
    """Run a notebook in place, in a folder, with environment variables of its own."""
    specs = _KernelOf()
    specs.spec = KernelSpec(
        argv=[python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name="Colab",
        language="python",
        env=variables,
    )
    kernel = AsyncKernelManager(kernel_name="colab", kernel_spec_manager=specs)
    client = NotebookClient(
        notebook,
        km=kernel,
        extra_arguments=["--InteractiveShell.colors=NoColor"],
        timeout=CELL_SECONDS,
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,
        force_raise_errors=True,
        shutdown_kernel="immediate",
    )
    try:
        client.execute()
    finally:
        run_sync(kernel.shutdown_kernel)(now=True)


def test_a_notebook_runs_as_in_colab(
    notebook_path: Path,
    colab: Colab,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = colab.restore()
    notebook = nbformat.read(notebook_path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    packages = SetupCell(monkeypatch, plain_python(cells[0].source)).packages
    address, _, branch = packages.pop("course_utils").removeprefix("git+").partition("@")
    if branch:
        subprocess.run(["git", "-C", repository, "checkout", "--quiet", "-B", branch], check=True)
    cells.append(nbformat.v4.new_code_cell(UPLOAD))
    notebook.cells.append(cells[-1])
    content = tmp_path / "content"
    content.mkdir()
    variables = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONPATH": str(STAND_IN),
    }
    execute(notebook, colab.python, content, variables)

    after = colab.versions()
    assert {name: after.get(name) for name in before} == before
    assert after.keys() - before == {"convolution-course", *packages.values()}
    said = {number: spoken(cell) for number, cell in enumerate(cells, start=1)}
    assert {number: stderr for number, (_, stderr) in said.items() if stderr} == {}
    assert "ERROR" not in said[1][0]
    assert said[len(cells)][0].startswith("Saving ../mine.png to mine.png\n")
    assert said[len(cells)][0].endswith("\nNone mine.png\n")
    assert [path.name for path in content.iterdir()] == ["mine.png"]


def spoken(cell: NotebookNode) -> tuple[str, str]:
    """What a cell wrote to stdout and to stderr."""
    streams = [output for output in cell.outputs if output.output_type == "stream"]
    return tuple(
        "".join(stream.text for stream in streams if stream.name == name)
        for name in ("stdout", "stderr")
    )
