"""Places on the network: web servers and Debian packages.

A download happens in a private folder beside its target, under a lock; each file is checked and
then moved into place in one step. A full disk, a pulled plug, a second process or an impatient
user never leaves a half file that is later believed.
"""

import contextlib
import errno
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pooch
from filelock import FileLock
from filelock import Timeout as LockTimeout

from course_utils.places import File, PlaceFailed, download_folder, search, user_folder
from course_utils.progress import Progress

SILENCE_SECONDS = 20  # a server that says nothing for so long has stalled
DOWNLOAD_SECONDS = 600  # for all files of one place together
APT_SILENCE_SECONDS = 5  # shorter, because apt-get waits anew for each of its package lists
APT_UPDATE_SECONDS = 60  # for all package lists together
SLOW_SECONDS = 5  # a package that fails after so long ...
PAUSE_SECONDS = 600  # ... is not tried again by this process for so long
CHUNK_BYTES = 1 << 16
DISK_FACTOR = 4  # a package needs room for its archive, its files and the package lists
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
CHECK_NETWORK = "Check the network; behind a proxy, set the variables http_proxy and https_proxy."

_slow_failures: dict[str, tuple[float, str]] = {}  # when a package failed slowly, and why


class _Interrupted(ValueError):
    """A transfer broke off; pooch tries again after a ValueError."""


@contextlib.contextmanager
def _staging(target: Path, deadline: float) -> Iterator[Path]:
    """An empty folder on the target's disk, for one process at a time."""
    target.mkdir(parents=True, exist_ok=True)
    staging = target / ".partial"
    try:
        lock = FileLock(target / ".lock", timeout=deadline - time.monotonic()).acquire()
    except LockTimeout:
        reason = "another process has not finished its download"
        raise PlaceFailed(reason, "Wait for the other process, or end it.") from None
    with lock:
        shutil.rmtree(staging, ignore_errors=True)  # left by a run that was killed
        staging.mkdir()
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


Fill = Callable[[Sequence[File], Path, float], Iterator[Path]]


def _download(files: Sequence[File], name: str, fill: Fill) -> Iterator[Path]:
    """Let `fill(files, staging, deadline)` yield checked files and move each into place."""
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    target = download_folder(name)
    try:
        with _staging(target, deadline) as staging:
            missing = []
            for file in files:
                path = target / file.name
                if path.exists() and file.is_intact(path):
                    yield path  # another process was faster
                elif path.exists() and user_folder():
                    raise PlaceFailed(f"would overwrite {path}", f"Delete or replace {path}.")
                else:
                    missing.append(file)
            if missing:
                for staged in fill(missing, staging, deadline):
                    yield staged.replace(target / staged.name)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            megabytes = DISK_FACTOR * sum(file.size for file in files) / 1e6
            reason = f"the disk of {target} is full"
            remedy = f"Free {megabytes:.0f} MB there, or set COURSE_DATA_DIR to another disk."
        else:
            reason = f"cannot write to {target} ({error.strerror or error})"
            remedy = "Set the variable COURSE_DATA_DIR to a folder that you may write to."
        raise PlaceFailed(reason, remedy) from error


@dataclass(frozen=True)
class Web:
    """Web servers that hold the files side by side.

    Args:
        label: the servers in words.
        mirrors: returns their base addresses, each with a trailing slash.
        name: folder for the downloads.
    """

    label: str
    mirrors: Callable[[], Sequence[str]]
    name: str

    def find(self, files: Sequence[File]) -> Iterator[Path]:
        """Download the files from the first mirror that has them."""
        failures = []
        for mirror in self.mirrors():
            try:
                yield from _download(files, self.name, partial(self._fill, mirror))
                return
            except PlaceFailed as failure:
                failures.append(PlaceFailed(f"{mirror}: {failure}", failure.remedy))
        raise PlaceFailed("; ".join(map(str, failures)), failures[-1].remedy)

    @staticmethod
    def _fill(mirror: str, files: Sequence[File], staging: Path, deadline: float) -> Iterator[Path]:
        pooch.get_logger().setLevel("WARNING")
        registry = {file.name: f"sha256:{file.sha256[0]}" for file in files}
        server = pooch.create(staging, mirror, registry=registry, retry_if_failed=1)
        for file in files:
            downloader = partial(_get, file=file, deadline=deadline)
            try:
                yield Path(server.fetch(file.name, downloader=downloader))
            except _Interrupted as error:
                raise PlaceFailed(str(error), CHECK_NETWORK) from error
            except ValueError as error:
                raise PlaceFailed(f"sent wrong bytes for {file.name}", CHECK_NETWORK) from error


def _get(url: str, output_file: str, _: pooch.Pooch, *, file: File, deadline: float) -> None:
    """A pooch downloader that neither a silent nor a dripping server can hold up for ever."""
    done = 0
    with (
        _ask(url, file) as response,
        open(output_file, "wb") as target,
        Progress(file.size, file.name, unit="B") as progress,
    ):
        if response.headers.get_content_type() == "text/html":
            raise PlaceFailed(f"sent a web page instead of {file.name}", CHECK_NETWORK)
        while done <= file.size and (chunk := _read(response, done, file)):
            target.write(chunk)
            progress.update(len(chunk))
            done += len(chunk)
            if time.monotonic() > deadline:
                raise PlaceFailed(f"too slow: {_share(done, file)}", CHECK_NETWORK)
    if done < file.size:
        raise _Interrupted(f"the connection broke off: {_share(done, file)}")


# The network's errors are told from the disk's by where they come from: both are OSErrors.


def _ask(url: str, file: File) -> HTTPResponse:
    request = Request(url, headers={"User-Agent": "convolution-course"})
    try:
        return urlopen(request, timeout=SILENCE_SECONDS)
    except HTTPError as error:
        raise PlaceFailed(f"answered {error.code} {error.reason}", CHECK_NETWORK) from error
    except URLError as error:
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise PlaceFailed(f"no connection ({reason})", CHECK_NETWORK) from error
    except (OSError, HTTPException) as error:
        raise _Interrupted(f"the connection broke off: {_share(0, file)}") from error


def _read(response: HTTPResponse, done: int, file: File) -> bytes:
    try:
        return response.read1(CHUNK_BYTES)
    except (OSError, HTTPException) as error:
        raise _Interrupted(f"the connection broke off: {_share(done, file)}") from error


def _share(done: int, file: File) -> str:
    return f"{done:,} of {file.size:,} bytes of {file.name} arrived"


@dataclass(frozen=True)
class DebianPackage:
    """A Debian or Ubuntu package, fetched without root and without touching the system.

    Args:
        package: the package's name.
        folder: the folder of the files inside the package.
        name: folder for the downloads.
    """

    package: str
    folder: str
    name: str

    @property
    def label(self) -> str:
        """The package in words."""
        return f"apt-get download {self.package}"

    def find(self, files: Sequence[File]) -> Iterator[Path]:
        """Download and unpack the package."""
        if not (shutil.which("apt-get") and shutil.which("dpkg")):
            raise PlaceFailed("this system has no apt-get")
        yield from _download(files, self.name, self._fill)

    def _fill(self, files: Sequence[File], staging: Path, deadline: float) -> Iterator[Path]:
        started = time.monotonic()
        failed, reason = _slow_failures.get(self.package, (-PAUSE_SECONDS, ""))
        if started - failed < PAUSE_SECONDS:
            raise PlaceFailed(f"{reason} (a while ago, not tried again)", CHECK_NETWORK)
        try:
            yield from self._unpack(files, staging, deadline)
        except PlaceFailed as failure:
            if time.monotonic() - started > SLOW_SECONDS:
                _slow_failures[self.package] = time.monotonic(), str(failure)
            raise

    def _unpack(self, files: Sequence[File], staging: Path, deadline: float) -> Iterator[Path]:
        for below in ("state/lists/partial", "cache/archives/partial"):
            (staging / below).mkdir(parents=True)
        # apt's package lists go to a folder of our own: the system's may be empty or not ours.
        options = {
            "Dir::State": staging / "state",
            "Dir::Cache": staging / "cache",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::GzipIndexes": "true",
            "Acquire::Retries": 0,
            "Acquire::http::Timeout": APT_SILENCE_SECONDS,
            "Acquire::https::Timeout": APT_SILENCE_SECONDS,
        }
        apt = ["apt-get", "-q", *(f"-o{key}={value}" for key, value in options.items())]
        with Progress(3, self.label, unit="steps") as progress:
            # One broken entry among the sources fails the update but not always the download.
            lists_deadline = min(deadline, time.monotonic() + APT_UPDATE_SECONDS)
            _run([*apt, "update"], staging, lists_deadline, check=False)
            progress.update()
            _run([*apt, "download", self.package], staging, deadline)
            progress.update()
            for archive in staging.glob("*.deb"):
                _run(["dpkg", "-x", archive.name, "unpacked"], staging, deadline)
            progress.update()
        try:
            yield from search(files, [staging / "unpacked" / self.folder])
        except PlaceFailed as failure:
            raise PlaceFailed("the package holds other bytes than expected") from failure


def _environment() -> dict[str, str]:
    """This process's variables, those of proxies also in lower case: apt reads no others."""
    proxies = {name.lower(): os.environ[name] for name in PROXIES if name in os.environ}
    return proxies | os.environ | {"LC_ALL": "C"}


def _run(command: list[str], folder: Path, deadline: float, check: bool = True) -> None:
    log = folder / "log"
    with log.open("wb") as stream:
        try:
            code = subprocess.run(
                command,
                cwd=folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                timeout=max(0.0, deadline - time.monotonic()),
            ).returncode
        except subprocess.TimeoutExpired as error:
            raise PlaceFailed("too slow", CHECK_NETWORK) from error
    if check and code != 0:
        lines = log.read_text(errors="replace").split("\n")
        errors = [line for line in lines if "E:" in line or "error" in line]
        said = errors[0].removeprefix("E:").strip()[:150] if errors else f"exit status {code}"
        if os.strerror(errno.ENOSPC) in said:
            raise OSError(errno.ENOSPC, said)
        raise PlaceFailed(f"{command[0]} failed: {said}", CHECK_NETWORK)
