"""Places that files come from, and the folders among them.

A place has a `label` and a method `find(files)`, which yields the path of each file that it has,
checked against its sha256, and then raises `PlaceFailed` if it does not have them all.
`course_utils.downloads` has the places on the network.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Protocol

import pooch


class PlaceFailed(Exception):
    """A place could not supply every file.

    Args:
        reason: what the place said, in a few words.
        remedy: one sentence on what the user can do about it, if anything.
    """

    def __init__(self, reason: str, remedy: str | None = None):
        super().__init__(reason)
        self.remedy = remedy


@dataclass(frozen=True)
class File:
    """A file and the checksums that its bytes may have.

    Args:
        name: the file's name, without a folder.
        size: bytes to download.
        sha256: checksum as published, then those of the same content packed by others.
    """

    name: str
    size: int
    sha256: tuple[str, ...]

    def is_intact(self, path: Path) -> bool:
        """Whether the bytes at `path` are this file's. Raises OSError if they cannot be read."""
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() in self.sha256


class Place(Protocol):
    """Something that may have files."""

    @property
    def label(self) -> str:
        """The place in words, for messages."""

    def find(self, files: Sequence[File]) -> Iterator[Path]:
        """Yield the checked path of each file at hand; raise PlaceFailed for the rest."""


def search(files: Sequence[File], folders: Sequence[Path]) -> Iterator[Path]:
    """Yield the first intact copy of each file; raise PlaceFailed for files without one."""
    absent, damaged, faults = [], [], []
    for file in files:
        copies = [folder / file.name for folder in folders]
        copies = [copy for copy in copies if os.path.lexists(copy)]
        verdicts = [_verdict(file, copy) for copy in copies]
        if None in verdicts:
            yield copies[verdicts.index(None)]
        elif copies:
            damaged += map(str, copies)
            faults += [f"{copy} {verdict}" for copy, verdict in zip(copies, verdicts, strict=True)]
        else:
            absent.append(file.name)
    if absent:
        names = "none of the files" if len(absent) == len(files) else f"no {', '.join(absent)}"
        faults.append(f"{folders[0]} has {names}")
    if faults:
        remedy = f"Delete or replace {', '.join(damaged)}." if damaged else None
        raise PlaceFailed("; ".join(faults), remedy)


def _verdict(file: File, path: Path) -> str | None:
    try:
        return None if file.is_intact(path) else "has a wrong checksum"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


@dataclass(frozen=True)
class Folder:
    """A folder at a known path, which the course never writes to."""

    label: str
    path: Path

    def find(self, files: Sequence[File]) -> Iterator[Path]:
        """Yield the intact files in the folder."""
        yield from search(files, [self.path])


@dataclass(frozen=True)
class InstalledPackage:
    """A folder inside an installed Python package, which is not imported for it.

    Args:
        package: the package's name, as pip knows it.
        folder: the folder below site-packages, with slashes.
    """

    package: str
    folder: str

    @property
    def label(self) -> str:
        """The package in words."""
        return f"Python package {self.package}"

    def find(self, files: Sequence[File]) -> Iterator[Path]:
        """Yield the intact files in the folder."""
        remedy = f"Run `pip install {self.package}`, or `uv sync` in the course's folder."
        try:
            folder = distribution(self.package).locate_file(self.folder)
        except PackageNotFoundError:
            raise PlaceFailed("not installed", remedy) from None
        try:
            yield from search(files, [Path(str(folder))])
        except PlaceFailed as failure:
            raise PlaceFailed(str(failure), remedy) from failure


def user_folder() -> Path | None:
    """The folder that the variable COURSE_DATA_DIR names, or None."""
    value = os.environ.get("COURSE_DATA_DIR")
    # Path.expanduser fails on a user that there is not.
    return Path(os.path.expanduser(value)) if value else None


@dataclass(frozen=True)
class UserFolder:
    """The user's folder and some folders below it; files in it are never replaced or deleted."""

    subfolders: tuple[str, ...] = ()
    label: str = "COURSE_DATA_DIR"

    def find(self, files: Sequence[File]) -> Iterator[Path]:
        """Yield the intact files in the folder and below it."""
        root = user_folder()
        if root is None:
            raise PlaceFailed("not set")
        yield from search(files, [root, *(root / below for below in self.subfolders)])


@dataclass(frozen=True)
class Cache:
    """The course's own folder of earlier downloads; what is damaged in it is downloaded again."""

    name: str
    label: str = "Earlier downloads"

    @property
    def path(self) -> Path:
        """The folder, where the operating system wants caches to be."""
        return pooch.os_cache("convolution-course") / self.name

    def find(self, files: Sequence[File]) -> Iterator[Path]:
        """Yield the intact files in the folder."""
        yield from search(files, [self.path])


def download_folder(name: str) -> Path:
    """The folder that downloads of the dataset `name` go to."""
    root = user_folder()
    return root / name if root else Cache(name).path
