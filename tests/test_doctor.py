import builtins
import errno
import os
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from course_utils import doctor, environment, findings
from course_utils.findings import (
    PYTHONS,
    Finding,
    check_data,
    check_data_dir,
    check_device,
    check_disk,
    check_network,
    check_package,
    check_python,
    check_shipped,
    check_threads,
    check_torch_pair,
)

NMS = "RuntimeError: operator torchvision::nms does not exist"
GB = 10**9
PROJECT = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
NEEDED = {needed.name: needed for needed in map(Requirement, PROJECT["dependencies"])}

GOOD = [
    check_python("3.11.7"),
    check_python("3.13.2"),
    check_package(NEEDED["torch"], "2.11.0+cu128"),
    check_package(NEEDED["torch"], "2.16.0a0"),
    check_package(NEEDED["ipywidgets"], "7.7.1"),
    check_torch_pair("2.15.0", "0.29.2", ["numpy", "torch>=2.14.0"], None),
    check_torch_pair("2.11.0+cu128", "0.26.0+cu128", ["torch==2.11.0"], None),
    check_torch_pair("2.11.0+cpu", "0.26.0+cpu", ["torch==2.11.0"], None),
    check_device("cpu", True),
    check_device("cuda", True, "cuda"),
    check_threads(2, "PASSIVE"),
    check_threads(2, "passive"),
    check_data("Fashion-MNIST", "/data"),
    check_shipped([]),
    check_data_dir(Path("/data"), is_reachable=True),
    check_disk(Path("/data"), GB),
    check_network("example.org", is_reachable=True, data_are_present=False),
]
NOTES = [
    (check_threads(2, "ACTIVE"), "unset OMP_WAIT_POLICY"),
    (check_threads(2, None), "unset OMP_WAIT_POLICY"),
    (check_device("cpu", False, "cuda"), "driver"),
    (check_network("example.org", is_reachable=False, data_are_present=True), "Not needed"),
]
PROBLEMS = [
    (check_python("3.10.12"), "Python 3.11, 3.12 or 3.13"),
    (check_python("3.14.0"), "Python 3.11, 3.12 or 3.13"),
    (check_package(NEEDED["jupyterlab"], None), "uv sync --reinstall"),
    (check_package(NEEDED["ipywidgets"], "7.6.5"), 'pip install "ipywidgets<9,>=7.7.1"'),
    (check_package(NEEDED["torch"], "2.3.0"), "uv sync --reinstall"),
    (check_package(NEEDED["numpy"], "1.26.4"), "uv sync --reinstall"),
    (check_package(NEEDED["torch-geometric"], "2.0"), "uv sync --reinstall"),
    (check_package(NEEDED["timm"], "2.0.1"), "uv sync --reinstall"),
    (check_torch_pair("2.15.0", "0.29.2", ["torch>=2.14"], NMS), "its own torch"),
    (check_torch_pair("2.13.0+cpu", "0.29.2", ["torch>=2.12"], None), "its own torch"),
    (check_torch_pair("2.13.0", "0.29.2", ["torch>=2.14"], None), "its own torch"),
    (check_torch_pair("2.15.0", "0.29.2", [], "OSError: libcudart.so"), "uv sync --reinstall"),
    (check_data("Fashion-MNIST", None), "course prefetch"),
    (check_shipped(["cat.png is damaged"]), "git checkout -- data"),
    (check_data_dir(Path("Z:/data"), is_reachable=False), "COURSE_DATA_DIR"),
    (check_disk(Path("/data"), GB - 1), "COURSE_DATA_DIR"),
    (check_network("example.org", is_reachable=False, data_are_present=False), "COURSE_DATA_DIR"),
]


@pytest.mark.parametrize("finding", GOOD, ids=lambda finding: finding.detail)
def test_what_is_fine_needs_no_remedy(finding: Finding):
    assert (finding.status, finding.remedy) == ("ok", "")


@pytest.mark.parametrize(("finding", "remedy"), NOTES)
def test_what_is_worth_knowing_is_a_note(finding: Finding, remedy: str):
    assert finding.status == "note"
    assert remedy in finding.remedy


@pytest.mark.parametrize(("finding", "remedy"), PROBLEMS)
def test_what_is_wrong_is_a_problem_with_a_remedy_in_one_line(finding: Finding, remedy: str):
    assert finding.status == "problem"
    assert remedy in finding.remedy
    assert "\n" not in finding.remedy


def test_the_doctor_knows_the_pythons_of_the_project():
    assert SpecifierSet(PROJECT["requires-python"]) == PYTHONS


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "_answers", lambda address: False)


def test_examine_covers_versions_machine_and_data(
    capsys: pytest.CaptureFixture[str], no_network: None
):
    doctor.examine()
    printed = capsys.readouterr().out
    names = ["Python", *NEEDED, "torch + torchvision", "device", "threads"]
    for name in [*names, "Fashion-MNIST", "shipped data", "disk", "network"]:
        assert f" {name} " in printed
    assert "bfloat16 is" in printed
    assert "OMP_WAIT_POLICY=" in printed


@pytest.mark.parametrize("broken", ["torch", "torchvision"])
def test_examine_survives_a_broken_import(
    broken: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    no_network: None,
):
    real_import = builtins.__import__

    def breaking_import(name: str, *args, **kwargs):
        if name.split(".")[0] == broken:
            raise RuntimeError("operator torchvision::nms does not exist")
        return real_import(name, *args, **kwargs)

    def breaking_import_module(name: str):
        return breaking_import(name) and sys.modules[name]

    monkeypatch.setattr(builtins, "__import__", breaking_import)
    monkeypatch.setattr(doctor, "import_module", breaking_import_module)
    assert doctor.examine() == 1
    printed = capsys.readouterr().out
    assert "problem torch + torchvision" in printed
    assert "so that torchvision chooses its own torch" in printed
    assert "disk" in printed


def test_what_a_chapter_installs_itself_is_no_problem(monkeypatch: pytest.MonkeyPatch):
    finding = check_package(NEEDED["trimesh"], None, alone=True)
    assert finding.status == "note"
    assert "--no-deps trimesh" in finding.remedy
    monkeypatch.setattr(doctor, "shipped_folder", lambda: Path("course_utils", "_data"))
    monkeypatch.setattr(doctor, "_installed", lambda package: None)
    assert {finding.status for finding in doctor._package_findings()} == {"note"}


@pytest.mark.parametrize(("found", "command"), [(None, "`uv pip inst"), ("pip", "`pip inst")])
def test_a_remedy_acts_on_this_environment(found, command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(findings, "find_spec", lambda name: found)
    assert command in check_package(NEEDED["ipywidgets"], "7.6.5").remedy


BROKEN = {
    "import torch; del torch.accelerator": "no attribute 'accelerator'",
    "import sys; sys.modules['numpy'] = None": "import of numpy halted",
}


@pytest.mark.parametrize("breakage", BROKEN)
def test_a_torch_that_fails_is_one_finding_and_the_rest_is_examined(breakage: str):
    code = (
        f"import course_utils; {breakage}; from course_utils import doctor;"
        "doctor._answers = lambda address: False; raise SystemExit(doctor.examine())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    [line] = [line for line in run.stdout.splitlines() if " device " in line]
    assert line.startswith("problem")
    assert BROKEN[breakage] in line
    for name in ("Fashion-MNIST", "shipped data", "disk"):
        assert f" {name} " in run.stdout


def test_a_course_that_is_not_installed_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], no_network: None
):
    def nothing_installed(package: str):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(doctor, "requires", nothing_installed)
    monkeypatch.setattr(doctor, "version", nothing_installed)
    assert doctor.examine() == 1
    printed = capsys.readouterr().out
    assert "problem convolution-course   not installed" in printed
    assert " network " in printed


def test_no_server_is_no_answer():
    assert not doctor._answers("http://127.0.0.1:9/")


def test_the_nearest_existing_folder_stands_for_one_to_come(tmp_path: Path):
    assert doctor._distinct_disks(tmp_path / "a" / "b", tmp_path) == [tmp_path]


def test_a_folder_without_any_existing_parent_has_no_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    lost = tmp_path / "Z:" / "data"
    monkeypatch.setattr(Path, "parents", [])  # as of a Windows drive that is not there
    assert doctor._distinct_disks(lost, tmp_path) == [tmp_path]


def _stat_refused_below(folder: Path):
    """`os.stat` for a user who may not enter `folder`; root may enter any."""
    real_stat = os.stat

    def stat(path, *args, **kwargs):
        if not isinstance(path, int) and folder in Path(os.fsdecode(path)).parents:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real_stat(path, *args, **kwargs)

    return stat


def _access_refused(folder: Path):
    return lambda path, mode, **_: Path(path) != folder


@pytest.mark.parametrize("fault", ["locked", "a file"])
def test_examine_says_that_the_data_folder_cannot_be_reached(
    fault: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    no_network: None,
):
    parent = tmp_path / "parent"
    monkeypatch.setenv("COURSE_DATA_DIR", str(parent / "a" / "b"))
    if fault == "locked":
        parent.mkdir()
        monkeypatch.setattr(os, "stat", _stat_refused_below(parent))
        monkeypatch.setattr(os, "access", _access_refused(parent))
    else:
        parent.touch()
    assert doctor.examine() == 1
    printed = capsys.readouterr().out
    assert f"problem COURSE_DATA_DIR      {parent}/a/b cannot be reached" in printed
    assert " network " in printed


def test_examine_says_that_an_accelerator_is_not_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], no_network: None
):
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: cuda)
    monkeypatch.setattr(environment, "pick_device", lambda: cpu)
    doctor.examine()
    assert "note    device               cpu, bfloat16 is" in (printed := capsys.readouterr().out)
    assert "cuda is there, but cannot compute" in printed
