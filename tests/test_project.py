"""The files around the course agree with each other and with what was promised."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TEST_COMMAND = "pip install uv && uv run pytest"
OPEN_COMMAND = "pip install uv && uv run jupyter lab"


def test_environment_yml_agrees_with_pyproject():
    lines = (ROOT / "environment.yml").read_text("utf-8").splitlines()
    items = [line.split("- ", 1)[1] for line in lines if re.match(r"\s+- ", line)]
    start = items.index("pip:")
    assert f"python{PROJECT['project']['requires-python']}" in items[:start]
    assert items[start + 1 :] == ["--editable .", *PROJECT["dependency-groups"]["dev"]]


@pytest.mark.parametrize(
    "package",
    [
        "torch",
        "torchvision",
        "torch-geometric",
        "jupyterlab",
        "matplotlib",
        "ipywidgets",
        "nbval",
        "opencv-python",
    ],
)
def test_every_promised_package_has_a_floor_and_a_ceiling(package):
    requirements = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    [found] = [r for r in requirements if re.match(rf"{package}\b(?!-)", r)]
    assert re.fullmatch(rf"{package}>=[\d.]+,<\d+", found)


def test_commands_are_the_same_everywhere():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"\n{OPEN_COMMAND}\n" in readme
    assert f"\n{TEST_COMMAND}\n" in readme
    assert f"\n{TEST_COMMAND}\n" in (ROOT / ".ci" / "run").read_text("utf-8")
    assert f"- run: {TEST_COMMAND}\n" in (ROOT / ".github/workflows/ci.yml").read_text("utf-8")


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def test_no_lock_file_and_no_package_registry_is_committed():
    files = tracked_files()
    assert not [path for path in files if path.name.endswith(".lock")]
    hosts = re.compile(rb"pypi\.(?:org|io)|pythonhosted|registry\.npmjs|deb\.debian\.org")
    here = Path(__file__)
    texts = [path for path in files if path.exists() and path != here]
    assert not [path for path in texts if hosts.search(path.read_bytes())]


@pytest.mark.parametrize(("given", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_sleep_unless_the_user_decided(given, expected):
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    if given:
        environment["OMP_WAIT_POLICY"] = given
    code = (
        "import sys, os, course_utils; assert 'torch' not in sys.modules;"
        "print(os.environ['OMP_WAIT_POLICY'])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == expected


@pytest.mark.parametrize("heavy", ["torch_geometric", "timm", "captum"])
def test_datasets_load_no_heavy_library(heavy):
    code = f"import sys, course_utils.datasets; assert {heavy!r} not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_source_file_grows_past_one_idea():
    sources = ROOT.glob("course_utils/**/*.py")
    lengths = {str(path): len(path.read_text("utf-8").splitlines()) for path in sources}
    assert not {name: lines for name, lines in lengths.items() if lines > 300}


@pytest.mark.parametrize(
    "failing", [None, "run ruff check", "run ruff format --check", "run pytest"]
)
def test_whatever_fails_in_ci_fails_it(failing: str | None, tmp_path: Path):
    """With stand-ins for what it calls, as on a machine without apt-get."""
    folder = tmp_path / "tools"
    folder.mkdir()
    tools = {"pip": "exit 0", "uv": f'[ "$*" != "{failing}" ]', "dirname": f'echo "{folder}"'}
    for name, body in tools.items():
        tool = folder / name
        tool.write_text(f"#!/bin/sh\n{body}\n")
        tool.chmod(0o755)
    command = ["/bin/bash", str(ROOT / ".ci" / "run")]
    run = subprocess.run(command, env={"PATH": str(folder)}, check=False)
    assert bool(run.returncode) == (failing is not None)
