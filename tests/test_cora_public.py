"""Cora with its public split: files of pickles that are checked before they are opened."""

import os
import pickle
import shutil
import socket
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pooch
import pytest
import torch

from course_utils.catalog import OPTIONAL, Dataset
from course_utils.downloads import Web
from course_utils.graph_data import NodeSplit, cora, cora_public, largest_component
from course_utils.places import PlaceFailed
from course_utils.sources import DataUnavailable

PUBLIC_FILES = Path(__file__).parents[2] / "shared" / "planetoid"


def columns(edge_index):
    return list(zip(*edge_index.tolist(), strict=True))


@pytest.fixture
def no_network(tmp_path, monkeypatch):
    """A machine without earlier downloads and without a network."""

    def refuse(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    given = OPTIONAL["planetoid-cora"]
    dead = Web("A dead server", lambda: ["http://127.0.0.1:9/"], "planetoid-cora")
    dataset = Dataset(given.title, given.files, given.local, (dead,))
    monkeypatch.setitem(OPTIONAL, "planetoid-cora", dataset)


@pytest.fixture
def public_files(no_network, tmp_path, monkeypatch):
    """A writable copy of the eight files, in the user's folder."""
    if not PUBLIC_FILES.is_dir():
        pytest.skip(f"the files of Cora's public split are not in {PUBLIC_FILES}")
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in OPTIONAL["planetoid-cora"].files:
        shutil.copyfile(PUBLIC_FILES / file.name, folder / file.name)
    monkeypatch.setenv("COURSE_DATA_DIR", str(folder))
    return folder


def described(data):
    """Papers and citations, whatever the order of papers: each paper by its words and subject."""
    words = data.features.to_dense().to(torch.uint8).numpy()
    names = [data.classes[label] for label in data.labels]
    papers = [(row.tobytes(), name) for row, name in zip(words, names, strict=True)]
    degrees = np.bincount(data.edge_index[0], minlength=len(papers))
    citations = Counter((papers[i], papers[j]) for i, j in columns(data.edge_index))
    return Counter(zip(papers, degrees.tolist(), strict=True)), citations


def test_the_public_files_hold_the_same_papers(public_files):
    data = cora_public()
    assert data.features.layout == torch.sparse_coo
    assert (data.features.dtype, data.labels.dtype) == (torch.float32, torch.int64)
    assert data.classes == cora().classes
    assert data.papers is None
    assert columns(data.edge_index) == sorted(columns(data.edge_index))
    assert not torch.equal(data.labels, cora().labels)
    assert described(data) == described(cora())


def test_the_public_split(public_files):
    data = cora_public()
    train, validation, test = (part.tolist() for part in data.public_split)
    assert data.labels[train].bincount().tolist() == [20] * 7
    assert train == list(range(140))
    assert validation == list(range(140, 640))
    assert test == list(range(1708, 2708))
    part = largest_component(data)
    assert all(map(torch.equal, part.public_split, expected_after_cutting(data)))


def expected_after_cutting(data):
    """The public split in PyTorch Geometric's largest component."""
    from torch_geometric.data import Data
    from torch_geometric.transforms import LargestConnectedComponents

    masks = {}
    for name, part in zip(NodeSplit._fields, data.public_split, strict=True):
        masks[name] = torch.zeros(2708, dtype=torch.bool)
        masks[name][part] = True
    cut = LargestConnectedComponents()(Data(edge_index=data.edge_index, num_nodes=2708, **masks))
    return [cut[name].nonzero().squeeze(1) for name in NodeSplit._fields]


def test_pyg_s_own_folder_will_do(public_files, tmp_path, monkeypatch):
    (tmp_path / "root" / "Cora").mkdir(parents=True)
    public_files.rename(tmp_path / "root" / "Cora" / "raw")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "root"))
    assert len(cora_public().labels) == 2708


@pytest.mark.parametrize("name", [file.name for file in OPTIONAL["planetoid-cora"].files])
def test_a_file_with_one_other_byte_is_not_opened(name, public_files, monkeypatch):
    content = bytearray((public_files / name).read_bytes())
    content[len(content) // 2] ^= 1
    (public_files / name).write_bytes(content)
    opened = []
    monkeypatch.setattr(pickle, "load", lambda *_, **__: opened.append(1))
    with pytest.raises(DataUnavailable, match="has a wrong checksum") as caught:
        cora_public()
    assert f"Delete or replace {public_files / name}." in str(caught.value)
    assert not opened


class Bomb:
    """What runs code when it is unpickled: it makes a folder."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


def test_code_in_a_file_never_runs(no_network, tmp_path, monkeypatch):
    bomb = pickle.dumps(Bomb(tmp_path / "crater"))
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in OPTIONAL["planetoid-cora"].files:
        (folder / file.name).write_bytes(bomb)
    monkeypatch.setenv("COURSE_DATA_DIR", str(folder))
    with pytest.raises(DataUnavailable, match="has a wrong checksum"):
        cora_public()
    assert not (tmp_path / "crater").exists()
    pickle.loads(bomb)
    assert (tmp_path / "crater").exists()


def test_without_the_web_it_says_what_to_do(no_network):
    with pytest.raises(DataUnavailable, match="Cora with its public split is not available") as e:
        cora_public()
    message = str(e.value)
    assert "- A dead server: http://127.0.0.1:9/: no connection (" in message
    assert "- Check the network" in message
    assert "Or put ind.cora.x, ind.cora.tx, " in message
    assert "into a folder and set the variable COURSE_DATA_DIR to it." in message


def test_names_and_address_are_those_of_pyg():
    from torch_geometric.datasets import Planetoid

    [web] = OPTIONAL["planetoid-cora"].remote
    assert web.mirrors() == [f"{Planetoid.url}/"]
    names = [file.name for file in OPTIONAL["planetoid-cora"].files]
    assert names == Planetoid.raw_file_names.fget(SimpleNamespace(name="Cora"))


def test_a_broken_torch_geometric_is_no_traceback(monkeypatch):
    [web] = OPTIONAL["planetoid-cora"].remote
    monkeypatch.setitem(sys.modules, "torch_geometric.datasets", None)
    with pytest.raises(PlaceFailed, match="torch_geometric cannot be imported") as caught:
        web.mirrors()
    assert "course doctor" in caught.value.remedy
