"""Look at the machine, its software and the data, and say how to mend what is wrong.

`examine` gathers what the checks of `findings` judge, and prints what they find.
"""

import os
import platform
import shutil
from collections.abc import Iterator
from http.client import HTTPException
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from packaging.requirements import Requirement

from course_utils.catalog import DATASETS, SHIPPED
from course_utils.downloads import Web, download_folder
from course_utils.findings import (
    REINSTALL,
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
from course_utils.places import PlaceFailed, user_folder
from course_utils.sources import DataUnavailable, shipped, shipped_folder, where

COURSE = "convolution-course"  # the distribution whose requirements are checked
CONNECT_SECONDS = 3.0


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
    alone = shipped_folder().name == "_data"  # inside the package: there is no checkout
    for each in needed:
        if each.marker is None or each.marker.evaluate({"extra": ""}):
            yield check_package(each, _installed(each.name), alone=alone)


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
