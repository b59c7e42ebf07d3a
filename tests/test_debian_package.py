"""The Debian package, fetched without root by stand-ins for apt-get and dpkg."""

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


def test_no_package_manager(use, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    use(APT)
    assert "this system has no apt-get" in complaint()
