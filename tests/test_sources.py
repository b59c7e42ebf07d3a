"""Faults of folders, networks, disks and packages, played on tiny files of our own."""

import hashlib
import re
import struct
import subprocess
import sys

import pytest
from tiny_source import CONTENT, FILES, assert_fetched, complaint, write

from course_utils import sources
from course_utils.catalog import DATASETS, OPTIONAL, SHIPPED, Dataset
from course_utils.downloads import Web
from course_utils.places import Folder
from course_utils.sources import DataUnavailable, fetch, where


@pytest.mark.parametrize("below", ["", "tiny"])
def test_the_users_folder_comes_first(below, use, cache, tmp_path, monkeypatch):
    use()
    write(cache)
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "mine"))
    assert_fetched(write(tmp_path / "mine" / below))


def test_a_home_that_there_is_not_is_no_traceback(use, cache, monkeypatch):
    use()
    monkeypatch.setenv("COURSE_DATA_DIR", "~no-such-user/data")
    assert_fetched(write(cache))


def test_local_places_need_no_download(web, cache):
    assert where("tiny") is None
    assert_fetched(write(cache))
    assert where("tiny") == str(cache)
    assert not web.requests


def test_files_may_come_from_several_places(web, cache, tmp_path):
    folder = Folder("A system package", write(tmp_path / "package"))
    (folder.path / "small.gz").unlink()
    place = Web("The test server", lambda: [web.address], "tiny")
    DATASETS["tiny"] = Dataset("Tiny data", FILES, (folder,), (place,))
    assert fetch("tiny") == {
        "big.gz": folder.path / "big.gz",
        "small.gz": cache / "small.gz",
    }


def test_a_damaged_file_of_the_user_is_named_and_kept(web, tmp_path, monkeypatch):
    folder = write(tmp_path / "mine" / "tiny")
    damaged = folder / "big.gz"
    damaged.write_bytes(CONTENT["big.gz"][:1000])
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "mine"))
    message = complaint()
    assert f"{damaged} has a wrong checksum" in message
    assert f"Delete or replace {damaged}." in message
    assert damaged.stat().st_size == 1000
    damaged.unlink()
    assert_fetched(folder)


def test_a_damaged_file_in_the_cache_is_replaced(web, cache):
    write(cache)
    (cache / "big.gz").write_bytes(CONTENT["big.gz"][:1000])
    assert_fetched(cache)
    assert web.requests == {"big.gz": 1}


def test_a_file_that_cannot_be_read_is_named(use, cache):
    use()
    (cache / "big.gz").mkdir(parents=True)
    assert f"{cache / 'big.gz'} cannot be read (Is a directory)" in complaint()


# What ships, and the sums


def test_the_readme_lists_every_file_with_its_sum():
    data = sources.shipped_folder()
    readme = (data / "README.md").read_text()
    rows = dict(re.findall(r"^\| `([\w.-]+)` \|.*\| (?:`(\w{64})` )?\|$", readme, re.MULTILINE))
    present = {path.name for path in data.iterdir() if path.is_file()} - {"README.md"}
    downloads = {file.name for part in (DATASETS | OPTIONAL).values() for file in part.files}
    documented = rows.keys() - downloads
    assert present == documented
    sums = {name: rows[name] for name in documented if rows[name]}
    assert documented - sums.keys() == {name for name in documented if name.endswith(".py")}
    assert sums.keys() - SHIPPED.keys() == {"LICENSE-Apache-2.0.txt"}
    for name, sha256 in sums.items():
        assert hashlib.sha256((data / name).read_bytes()).hexdigest() == sha256
    for name, file in SHIPPED.items():
        assert (file.size, file.sha256) == ((data / name).stat().st_size, (sums[name],))
    for dataset in (DATASETS | OPTIONAL).values():
        for file in dataset.files:
            assert all(f"`{sha256}`" in readme for sha256 in file.sha256)


def test_a_damaged_shipped_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "shipped_folder", lambda: tmp_path)
    (tmp_path / "cat.png").write_bytes(b"not a cat")
    with pytest.raises(DataUnavailable, match=r"cat\.png has a wrong checksum.*git checkout"):
        sources.shipped("cat.png")
    with pytest.raises(DataUnavailable, match=r"has none of the files.*git checkout"):
        sources.shipped("coffee.png")


PUBLISHED_TIME = {"train": 1_504_176_606, "t10k": 1_504_176_627}  # in the gzip headers, 2017-08-31


def test_our_sums_are_of_the_files_whose_md5_torchvision_pins():
    from torchvision.datasets import FashionMNIST

    if where("fashion-mnist") is None:
        pytest.skip("Fashion-MNIST is not on this machine; run `course prefetch`")
    found = fetch("fashion-mnist")
    for (name, md5), file in zip(
        FashionMNIST.resources, DATASETS["fashion-mnist"].files, strict=True
    ):
        content = found[name].read_bytes()
        published, debian = file.sha256
        if hashlib.sha256(content).hexdigest() == debian:
            stem, seconds = name.removesuffix(".gz"), PUBLISHED_TIME[name.split("-")[0]]
            header = content[:3] + struct.pack("<BI", 8, seconds) + content[8:10]
            content = header + stem.encode() + b"\0" + content[10:]
        assert hashlib.md5(content).hexdigest() == md5
        assert hashlib.sha256(content).hexdigest() == published
        assert len(content) == file.size


def test_sources_need_no_torch():
    code = "import sys, course_utils.sources; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_prefetch_names_the_folders(use, cache, monkeypatch):
    use()
    monkeypatch.setattr(sources, "DATASETS", {"tiny": DATASETS["tiny"]})
    write(cache)
    assert sources.prefetch() == {"tiny": str(cache)}
