"""Downloads from a server that misbehaves, to disks that do."""

import errno
import ssl
import subprocess
import sys
import time
from http.client import HTTPResponse
from pathlib import Path

import pytest
from tiny_source import CONTENT, FILES, assert_fetched, complaint, left_over, write

from course_utils import downloads
from course_utils.catalog import DATASETS
from course_utils.downloads import Web
from course_utils.sources import fetch

# The network


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("truncated", "the connection broke off: 102,400 of 204,800 bytes of big.gz arrived"),
        ("wrong bytes", "sent wrong bytes for big.gz"),
        ("html", "sent a web page instead of big.gz"),
        (403, "answered 403 Forbidden"),
        (404, "answered 404 Not Found"),
        ("stall", "the connection broke off: 102,400 of 204,800 bytes of big.gz arrived"),
        ("drip", "too slow"),
    ],
)
def test_a_bad_server_is_described_and_a_second_run_recovers(fault, said, web, cache, monkeypatch):
    monkeypatch.setattr(downloads, "SILENCE_SECONDS", 0.3)
    monkeypatch.setattr(downloads, "DOWNLOAD_SECONDS", 0.6 if fault == "drip" else 10)
    web.fault = fault
    started = time.monotonic()
    message = complaint()
    assert time.monotonic() - started < 5
    assert f"- The test server: {web.address}: {said}" in message
    assert "Check the network" in message
    assert max(map(len, message.splitlines())) < 200
    assert left_over(cache) == set()
    web.fault = None
    monkeypatch.setattr(downloads, "DOWNLOAD_SECONDS", 10)
    assert_fetched(cache)
    assert left_over(cache) == set(CONTENT)


def test_a_passing_interruption_is_tried_again(web, cache):
    web.fault = "truncated once"
    assert_fetched(cache)
    assert web.requests["big.gz"] == 2


@pytest.mark.parametrize("method", ["begin", "read1"])  # the answer's head, and its bytes
@pytest.mark.parametrize(
    "error", [OSError(errno.EHOSTUNREACH, "No route to host"), ssl.SSLError("bad record mac")]
)
def test_a_network_that_breaks_is_not_an_unwritable_folder(method, error, web, cache, monkeypatch):
    tried = []

    def break_off(*_):
        tried.append(method)
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(HTTPResponse, method, break_off)
        message = complaint()
    assert "the connection broke off: 0 of 204,800 bytes of big.gz arrived" in message
    assert "Check the network" in message
    assert "cannot write" not in message
    assert len(tried) == 2
    assert_fetched(cache)


def test_no_network(web, use, cache):
    use(Web("A dead server", lambda: ["http://127.0.0.1:9/"], "tiny"))
    assert "no connection (Connection refused)" in complaint()
    use(Web("A host", lambda: ["http://host.invalid/"], "tiny"))
    assert "no connection (" in complaint()
    use(Web("Two servers", lambda: ["http://127.0.0.1:9/", web.address], "tiny"))
    assert_fetched(cache)


def test_the_address_comes_from_torchvision(use, server, cache, monkeypatch):
    from torchvision.datasets import FashionMNIST

    [web] = [p for p in DATASETS["fashion-mnist"].remote if isinstance(p, Web)]
    assert web.mirrors() == FashionMNIST.mirrors
    names = [name for name, _ in FashionMNIST.resources]
    assert [file.name for file in DATASETS["fashion-mnist"].files] == names
    monkeypatch.setattr(FashionMNIST, "mirrors", [server.address])
    use(Web("torchvision's host", web.mirrors, "tiny"))
    assert_fetched(cache)


def test_a_broken_torchvision_is_no_traceback(use, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    use(*DATASETS["fashion-mnist"].remote[:1])
    assert "torchvision cannot be imported" in complaint()


# The disk


@pytest.mark.parametrize("step", [(downloads, "open"), (Path, "replace"), (Path, "mkdir")])
def test_a_full_disk(step, web, cache, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(*step, full, raising=False)
        message = complaint()
    assert f"the disk of {cache} is full" in message
    assert "Free 1 MB there" in message
    assert not cache.exists() or left_over(cache) == set()
    assert_fetched(cache)


def test_a_folder_that_cannot_be_written(web, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "file" / "below"))
    message = complaint()
    assert f"cannot write to {tmp_path}/file/below/tiny (Not a directory)" in message
    assert "to a folder that you may write to" in message
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "other"))
    assert_fetched(tmp_path / "other" / "tiny")


def test_good_files_in_a_read_only_folder_are_used(web, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    folder = write(tmp_path / "mine")
    monkeypatch.setenv("COURSE_DATA_DIR", str(folder))
    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(downloads, "FileLock", refuse)
    assert_fetched(folder)
    (folder / "small.gz").unlink()
    assert "(Permission denied)" in complaint()


# Interruptions and neighbors

FETCH = """
import sys
from pathlib import Path
from course_utils.catalog import DATASETS, Dataset
from course_utils.downloads import Web
from course_utils.places import File, UserFolder
from course_utils.sources import fetch
address, *files = sys.argv[1:]
files = [file.split(",") for file in files]
DATASETS["tiny"] = Dataset(
    "Tiny data",
    tuple(File(name, int(size), (sha256,)) for name, size, sha256 in files),
    (UserFolder(("tiny",)),),
    (Web("The test server", lambda: [address], "tiny"),),
)
fetch("tiny")
"""


def fetch_in_a_process(address: str) -> subprocess.Popen:
    files = [f"{file.name},{file.size},{file.sha256[0]}" for file in FILES]
    return subprocess.Popen([sys.executable, "-c", FETCH, address, *files])


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_killed_while_writing(web, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    folder = tmp_path / "tiny"
    web.fault = "stall"
    process = fetch_in_a_process(web.address)
    wait_for(lambda: any(p.stat().st_size for p in (folder / ".partial").glob("tmp*")))
    process.kill()
    process.wait()
    assert left_over(folder) == {".partial"}
    web.fault = None
    assert_fetched(folder)
    assert left_over(folder) == set(CONTENT)


def test_two_processes_download_once(web, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    processes = [fetch_in_a_process(web.address) for _ in range(2)]
    assert [process.wait(20) for process in processes] == [0, 0]
    assert web.requests == {name: 1 for name in CONTENT}
    assert_fetched(tmp_path / "tiny")


def test_a_neighbor_that_hangs_is_named(web, cache, monkeypatch):
    monkeypatch.setattr(downloads, "DOWNLOAD_SECONDS", 0.3)
    cache.mkdir(parents=True)
    with downloads.FileLock(cache / ".lock"):
        assert "another process has not finished its download" in complaint()
    assert_fetched(cache)


def test_an_interrupt_leaves_nothing(web, cache, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(downloads.Progress, "update", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch("tiny")
    assert left_over(cache) == set()
    assert_fetched(cache)
