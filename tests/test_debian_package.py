"""The Debian package, fetched without root by stand-ins for apt-get and dpkg."""

import time

import pytest
from tiny_source import CONTENT, assert_fetched, complaint, left_over, write

from course_utils import downloads
from course_utils.downloads import DebianPackage

# The Debian package

APT = DebianPackage("dataset-tiny", "usr/share/tiny", "tiny")
GOOD_APT = 'case "$*" in *download*) touch dataset-tiny_1_all.deb;; esac'


@pytest.fixture
def tools(tmp_path, monkeypatch, use):
    """Stand-ins for apt-get and dpkg, as shell scripts."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    content = write(tmp_path / "content")
    unpack = f"mkdir -p $3/usr/share/tiny; cp {content}/* $3/usr/share/tiny"

    def write_tools(apt_get: str, dpkg: str = unpack):
        for name, script in (("apt-get", apt_get), ("dpkg", dpkg)):
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)

    use(APT)
    monkeypatch.setattr(downloads, "_slow_failures", {})
    return write_tools


def test_the_package_is_unpacked_and_removed(tools, cache):
    tools(GOOD_APT)
    assert_fetched(cache)
    assert left_over(cache) == set(CONTENT)


@pytest.mark.parametrize(
    ("apt_get", "dpkg", "said"),
    [
        ("echo 'E: Unable to locate package'; exit 100", "", "Unable to locate package"),
        ("exit 3", "", "apt-get failed: exit status 3"),
        ("echo 'E: write, No space left on device'; exit 100", "", "is full"),
        (GOOD_APT, "echo 'dpkg-deb: error: not a package' >&2; exit 2", "not a package"),
        (GOOD_APT, "mkdir -p $3/usr/share/tiny", "the package holds other bytes than expected"),
        ("exec sleep 30", "", "too slow"),
    ],
)
def test_a_failing_package_manager(apt_get, dpkg, said, tools, cache, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(downloads, "DOWNLOAD_SECONDS", 0.5)
        tools(apt_get, dpkg)
        assert said in complaint()
    assert left_over(cache) == set()
    tools(GOOD_APT)
    assert_fetched(cache)


def test_package_lists_that_never_come_are_not_waited_for(tools, cache, monkeypatch):
    monkeypatch.setattr(downloads, "APT_UPDATE_SECONDS", 0.5)
    tools('case "$*" in *update*) exec sleep 30;; esac')
    started = time.monotonic()
    assert "apt-get download dataset-tiny: too slow" in complaint()
    assert time.monotonic() - started < 10


def test_apt_tries_each_package_list_once_and_briefly(tools, cache, tmp_path):
    tools(f'echo "$*" >> {tmp_path}/asked; {GOOD_APT}')
    assert_fetched(cache)
    for asked in (tmp_path / "asked").read_text().splitlines():
        for option in ("Retries=0", "http::Timeout=5", "https::Timeout=5"):
            assert f"-oAcquire::{option} " in asked


@pytest.mark.parametrize(
    ("variables", "proxy"),
    [
        ({"HTTP_PROXY": "http://one"}, "http://one"),
        ({"HTTP_PROXY": "http://one", "http_proxy": "http://two"}, "http://two"),
        ({"HTTP_PROXY": "http://one", "http_proxy": ""}, ""),
        ({}, ""),
    ],
)
def test_apt_is_told_of_proxies_as_it_reads_them(
    variables, proxy, tools, cache, tmp_path, monkeypatch
):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    tools(f'echo "$http_proxy" > {tmp_path}/proxy; {GOOD_APT}')
    assert_fetched(cache)
    assert (tmp_path / "proxy").read_text() == f"{proxy}\n"


def test_a_slow_failure_is_not_repeated_for_a_while(tools, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "SLOW_SECONDS", 0)
    tools(f"echo asked >> {tmp_path}/asked; echo 'E: Unable to locate package'; exit 100")
    assert "Unable to locate package" in complaint()
    (tmp_path / "asked").unlink()
    again = complaint()
    assert "Unable to locate package (a while ago, not tried again)" in again
    assert "Check the network" in again
    assert not (tmp_path / "asked").exists()
    tools(GOOD_APT)
    monkeypatch.setattr(downloads, "PAUSE_SECONDS", 0)
    assert_fetched(cache)


def test_no_package_manager(use, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    use(APT)
    assert "this system has no apt-get" in complaint()
