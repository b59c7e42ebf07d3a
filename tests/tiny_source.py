"""A data set of two small files, and a web server that hands them out, well or badly."""

import hashlib
import http.server
import re
import threading
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pooch
import pytest

from course_utils.catalog import DATASETS, Dataset
from course_utils.downloads import Web
from course_utils.places import Cache, File, UserFolder
from course_utils.sources import DataUnavailable, fetch

CONTENT = {"big.gz": bytes(range(256)) * 800, "small.gz": b"labels"}
FILES = tuple(
    File(name, len(content), (hashlib.sha256(content).hexdigest(),))
    for name, content in CONTENT.items()
)


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT, with one fault at a time."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.fault = None
        self.requests = Counter()
        self.closing = threading.Event()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        name = self.path.strip("/")
        self.server.requests[name] += 1
        content = CONTENT[name]
        fault = self.server.fault
        if fault == "truncated once":
            fault, self.server.fault = "truncated", None
        if isinstance(fault, int):
            return self.send_error(fault)
        self.send_response(200)
        page = b"<html>Please log in</html>"
        self.send_header("Content-Type", "text/html" if fault == "html" else "application/gzip")
        self.send_header("Content-Length", str(len(page if fault == "html" else content)))
        self.end_headers()
        half = len(content) // 2
        if fault == "html":
            self.wfile.write(page)
        elif fault == "wrong bytes":
            self.wfile.write(content[::-1])
        elif fault == "truncated":
            self.wfile.write(content[:half])
        elif fault == "stall":
            self.wfile.write(content[:half])
            self.server.closing.wait(30)
        elif fault == "drip":
            for byte in content:
                self.wfile.write(bytes([byte]))
                if self.server.closing.wait(0.02):
                    break
        else:
            time.sleep(0.1)  # long enough for a second process to ask for the same
            self.wfile.write(content)


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    return tmp_path / "convolution-course" / "tiny"


@pytest.fixture
def use(cache, monkeypatch):
    """Make a dataset "tiny" of the given remote places."""

    def use(*remote, local=()):
        places = (UserFolder(("tiny",)), Cache("tiny"), *local)
        monkeypatch.setitem(DATASETS, "tiny", Dataset("Tiny data", FILES, places, remote))

    return use


@pytest.fixture
def web(server, use, monkeypatch):
    no_pause = SimpleNamespace(sleep=lambda _: None)  # pooch waits before it tries again
    monkeypatch.setattr(pooch.core, "time", no_pause)
    use(Web("The test server", lambda: [server.address], "tiny"))
    return server


def complaint() -> str:
    with pytest.raises(DataUnavailable) as caught:
        fetch("tiny")
    message = str(caught.value)
    assert "COURSE_DATA_DIR" in message
    assert "course prefetch" in message
    assert not re.search(r"Traceback|object at 0x|Error\(", message)
    return message


def write(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


def assert_fetched(folder: Path):
    assert fetch("tiny") == {name: folder / name for name in CONTENT}
    assert {name: (folder / name).read_bytes() for name in CONTENT} == CONTENT


def left_over(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


# Folders
