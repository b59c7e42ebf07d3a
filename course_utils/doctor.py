"""Look at the machine, its software and the data, and say how to mend what is wrong.

Each check is a function of what it judges, without side effects; `examine` gathers that and
prints the findings.
"""

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from course_utils.catalog import DATASETS, SHIPPED
from course_utils.downloads import Web, download_folder
from course_utils.places import PlaceFailed, user_folder
from course_utils.sources import DataUnavailable, shipped, where

COURSE = "convolution-course"  # the distribution whose requirements are checked
PYTHONS = SpecifierSet(">=3.11,<3.14")
LOW_DISK_BYTES = 10**9
CONNECT_SECONDS = 3.0
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


def check_package(needed: Requirement, installed: str | None) -> Finding:
    """Whether a package that the course needs is there, in a version that it was made for."""
    if installed is None:
        return Finding("problem", needed.name, "not installed", f"{REINSTALL}.")
    if needed.specifier.contains(installed, prereleases=True):
        return Finding("ok", needed.name, installed)
    detail = f"{installed}, but the course needs {needed.specifier}"
    command = f'`pip install "{needed.name}{needed.specifier}"`'
    remedy = f"{REINSTALL}; or run {command}, then restart JupyterLab."
    return Finding("problem", needed.name, detail, remedy)


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


def examine() -> int:
    """Run every check, print a line for each, and return 1 if there is any problem, else 0."""
    findings = []
    for finding in _findings():
        print(_line(finding), flush=True)
        findings.append(finding)
    return int(any(finding.status == "problem" for finding in findings))


def _findings() -> Iterator[Finding]:
    yield check_python(platform.python_version())
    yield from _package_findings()
    torch, torchvision = _installed("torch"), _installed("torchvision")
    torch_error = _import_error("torch")
    if torch and torchvision:
        error = torch_error or _import_error("torchvision")
        yield check_torch_pair(torch, torchvision, requires("torchvision") or [], error)
    if torch_error is None:
        try:
            yield from _torch_findings()
        except Exception as error:  # of another version, or without a library that it needs
            words = f"{type(error).__name__}: {error}".splitlines()[0]
            yield Finding("problem", "device", f"torch fails: {words}", f"{REINSTALL}.")

    located = {dataset.title: where(name) for name, dataset in DATASETS.items()}
    for title, folders in located.items():
        yield check_data(title, folders)
    yield check_shipped(_damaged_files())
    if (folder := user_folder()) is not None:
        yield check_data_dir(folder, _is_reachable(folder))
    for folder in _distinct_disks(download_folder(""), Path.home()):
        yield check_disk(folder, shutil.disk_usage(folder).free)
    if (mirror := _mirror()) is not None:
        host = urlsplit(mirror).hostname
        yield check_network(host, _answers(mirror), all(located.values()))


def _package_findings() -> Iterator[Finding]:
    try:
        needed = [Requirement(line) for line in requires(COURSE) or []]
    except PackageNotFoundError:
        yield Finding("problem", COURSE, "not installed", f"{REINSTALL}.")
        return
    for each in needed:
        if each.marker is None or each.marker.evaluate({"extra": ""}):
            yield check_package(each, _installed(each.name))


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _import_error(module: str) -> str | None:
    try:
        import_module(module)
    except Exception as error:  # a broken binary can raise anything
        return f"{type(error).__name__}: {error}"
    return None


def _torch_findings() -> Iterator[Finding]:
    import torch

    from course_utils.environment import bfloat16_is_fast, pick_device

    device = pick_device()
    reported = torch.accelerator.current_accelerator(check_available=True)
    accelerator = None if reported is None else reported.type
    yield check_device(device.type, bfloat16_is_fast(device), accelerator)
    yield check_threads(torch.get_num_threads(), os.environ.get("OMP_WAIT_POLICY"))


def _damaged_files() -> list[str]:
    failures = []
    for name in SHIPPED:
        try:
            shipped(name)
        except DataUnavailable as error:
            failures.append(str(error))
    return failures


def _existing(folder: Path) -> Path | None:
    """The folder, or its nearest parent that exists; None on a Windows drive that is not there."""
    # Path.exists raises PermissionError below a folder that one may not enter.
    return next((path for path in (folder, *folder.parents) if os.path.exists(path)), None)


def _is_reachable(folder: Path) -> bool:
    existing = _existing(folder)
    return existing is not None and existing.is_dir() and os.access(existing, os.X_OK)


def _distinct_disks(*folders: Path) -> list[Path]:
    """The folders, or their nearest parents that exist, one for each disk."""
    existing = [path for path in map(_existing, folders) if path is not None]
    return list({path.stat().st_dev: path for path in reversed(existing)}.values())


def _mirror() -> str | None:
    """Address of the first web server of the first dataset that has one."""
    servers = [
        place for dataset in DATASETS.values() for place in dataset.remote if isinstance(place, Web)
    ]
    try:
        return servers[0].mirrors()[0]
    except PlaceFailed:  # torchvision knows the address, and cannot be imported
        return None


def _answers(address: str) -> bool:
    """Whether a server answers, with whatever status; through a proxy where one is set."""
    try:
        urlopen(Request(address, method="HEAD"), timeout=CONNECT_SECONDS).close()
    except HTTPError:
        return True
    except (OSError, HTTPException):
        return False
    return True


def _line(finding: Finding) -> str:
    line = f"{finding.status:8}{finding.name:20} {finding.detail}"
    return f"{line}\n{'':8}-> {finding.remedy}" if finding.remedy else line
