"""What each of the doctor's checks finds: functions of what they judge, without side effects."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

PYTHONS = SpecifierSet(">=3.11,<3.14")
LOW_DISK_BYTES = 10**9
REINSTALL = "Make the environment anew with `uv sync --reinstall` or `conda env update`"


@dataclass(frozen=True)
class Finding:
    """What one check found; a problem always names its remedy, in one line."""

    status: Literal["ok", "note", "problem"]
    name: str
    detail: str
    remedy: str = ""


def check_python(running: str) -> Finding:
    """Whether the course was made for this Python."""
    if Version(running) in PYTHONS:
        return Finding("ok", "Python", running)
    remedy = "Use Python 3.11, 3.12 or 3.13; `uv run` fetches one by itself."
    return Finding("problem", "Python", running, remedy)


def check_package(needed: Requirement, installed: str | None, *, alone: bool = False) -> Finding:
    """Whether a package that the course needs is there, in a version that it was made for.

    Args:
        needed: as the course declares it.
        installed: version, or None.
        alone: whether the course was installed without the packages that it needs, as its chapters
            do in Google Colab; each then installs what it needs itself.
    """
    if installed is None and alone:
        remedy = f"If a chapter asks for it: `{_pip()} --no-deps {needed.name}`."
        return Finding("note", needed.name, "not installed", remedy)
    if installed is None:
        return Finding("problem", needed.name, "not installed", f"{REINSTALL}.")
    if needed.specifier.contains(installed, prereleases=True):
        return Finding("ok", needed.name, installed)
    detail = f"{installed}, but the course needs {needed.specifier}"
    command = f'`{_pip()} "{needed.name}{needed.specifier}"`'
    remedy = f"{REINSTALL}; or run {command}, then restart JupyterLab."
    return Finding("problem", needed.name, detail, remedy)


def _pip() -> str:
    """The command that installs into this environment: those that uv makes have no pip."""
    return "pip install" if find_spec("pip") else "uv pip install"


def check_torch_pair(
    torch: str, torchvision: str, torchvision_requires: list[str], import_error: str | None
) -> Finding:
    """Whether torch and torchvision, of the given versions, were built for each other.

    Args:
        torch: installed version, for example "2.15.0" or "2.15.0+cpu".
        torchvision: installed version.
        torchvision_requires: the requirements that torchvision declares.
        import_error: what importing the two raised, or None.
    """
    name = "torch + torchvision"
    pair = f"torch {torch} and torchvision {torchvision}"
    together = f"{REINSTALL}, so that torchvision chooses its own torch."
    pins = [Requirement(line) for line in torchvision_requires]
    unmet = [
        pin
        for pin in pins
        if pin.name == "torch" and not pin.specifier.contains(torch, prereleases=True)
    ]
    if unmet:
        return Finding(
            "problem", name, f"torchvision needs {unmet[0]}, not torch {torch}", together
        )
    if _is_cpu_build(torch) != _is_cpu_build(torchvision):
        detail = f"{pair}: only one of them is a CPU build"
        return Finding("problem", name, detail, together)
    if import_error and "torchvision::nms does not exist" in import_error:
        detail = f"{pair} were not built for each other"
        return Finding("problem", name, detail, together)
    if import_error:
        detail = f"{pair} cannot be imported: {import_error.splitlines()[0]}"
        return Finding("problem", name, detail, f"{REINSTALL}.")
    return Finding("ok", name, "built for each other")


def _is_cpu_build(installed: str) -> bool:
    return Version(installed).local == "cpu"


def check_device(device: str, bfloat16_is_fast: bool, accelerator: str | None = None) -> Finding:
    """What training runs on, and whether it is the accelerator that torch reports, if any."""
    speed = "fast" if bfloat16_is_fast else "slow, so training uses float32"
    detail = f"{device}, bfloat16 is {speed}"
    if accelerator is None or accelerator == device:
        return Finding("ok", "device", detail)
    remedy = "To use it, install its driver anew, and a torch that was built for it."
    return Finding(
        "note", "device", f"{detail}; {accelerator} is there, but cannot compute", remedy
    )


def check_threads(threads: int, wait_policy: str | None) -> Finding:
    """Whether torch's threads sleep while they wait."""
    detail = f"{threads}, OMP_WAIT_POLICY={wait_policy or 'not set'}"
    if wait_policy is not None and wait_policy.upper() == "PASSIVE":
        return Finding("ok", "threads", detail)
    remedy = "If training is slow while other programs run, unset OMP_WAIT_POLICY."
    return Finding("note", "threads", detail, remedy)


def check_data(title: str, folders: str | None) -> Finding:
    """Whether a dataset is on this machine, in which folders."""
    if folders is None:
        remedy = "Run `course prefetch`: it fetches what it can, or says what to do."
        return Finding("problem", title, "not on this machine", remedy)
    return Finding("ok", title, folders)


def check_shipped(failures: list[str]) -> Finding:
    """Whether the files that ship with the course are as they were shipped."""
    if failures:
        remedy = "Restore it with `git checkout -- data/<its name>`, or install the course again."
        return Finding("problem", "shipped data", failures[0], remedy)
    return Finding("ok", "shipped data", "complete")


def check_data_dir(folder: Path, is_reachable: bool) -> Finding:
    """Whether the user's folder for data is there, or could be made."""
    if is_reachable:
        return Finding("ok", "COURSE_DATA_DIR", str(folder))
    detail = f"{folder} cannot be reached"
    remedy = "Let COURSE_DATA_DIR name a folder that you may enter, on a disk that is there."
    return Finding("problem", "COURSE_DATA_DIR", detail, remedy)


def check_disk(folder: Path, free_bytes: int) -> Finding:
    """Whether there is room for downloads and checkpoints."""
    detail = f"{free_bytes / 1e9:.1f} GB free at {folder}"
    if free_bytes >= LOW_DISK_BYTES:
        return Finding("ok", "disk", detail)
    remedy = "Free at least 1 GB there, or let COURSE_DATA_DIR name a folder on another disk."
    return Finding("problem", "disk", detail, remedy)


def check_network(host: str, is_reachable: bool, data_are_present: bool) -> Finding:
    """Whether missing data could be fetched; without a network the course runs on what is here."""
    if is_reachable:
        return Finding("ok", "network", f"{host} answers")
    detail = f"no connection to {host}"
    if data_are_present:
        return Finding("note", "network", detail, "Not needed: the data are on this machine.")
    remedy = "Connect, or copy the data here and let COURSE_DATA_DIR name their folder."
    return Finding("problem", "network", detail, remedy)
