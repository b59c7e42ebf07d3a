"""Files that run code when they are unpickled, or write elsewhere when unpacked: neither happens.

Uploads and folders of pictures are in `test_hostile_pictures` and `test_hostile_folders`.
"""

import io
import pickle
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pooch
import pytest
import torch
from hostile_files import (
    ARCHIVES,
    Payload,
    code_has_run,
    crafted_pickle,
    tar_file,
    written_outside,
    zip_file,
)
from side_effects import side_effects
from torch import nn

from course_utils import datasets, graph_data, pretrained, results, sources
from course_utils.catalog import DATASETS, OPTIONAL, SHIPPED
from course_utils.checkpoints import load_checkpoint, save_checkpoint
from course_utils.places import Cache, File, UserFolder
from course_utils.results import Results, ResultsError
from course_utils.sources import DataUnavailable
from course_utils.training import fit, to_float


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd) -> Iterator[Path]:
    """No code of a file runs, no archive writes outside of its folder, nothing is printed."""
    work = tmp_path / "a" / "b"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    assert not code_has_run()
    yield work
    assert not code_has_run()
    assert not written_outside(work)
    assert capfd.readouterr() == ("", "")


def torch_file(thing: object, **options) -> bytes:
    content = io.BytesIO()
    torch.save(thing, content, **options)
    return content.getvalue()


def torch_archive(instructions: bytes) -> bytes:
    """What looks like a file of `torch.save`, with these instructions for the unpickler."""
    return zip_file({"x/data.pkl": instructions, "x/version": b"3\n", "x/byteorder": b"little"})


def array_file(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def object_array() -> bytes:
    """An archive of arrays, each of which is a crafted pickle."""
    loaded = np.array([Payload()], dtype=object)
    return array_file(**dict.fromkeys(("train_images", "indptr", "frames", "conv1.weight"), loaded))


def old_tar() -> bytes:
    """How PyTorch kept tensors before it used zip."""
    parts = dict.fromkeys(("storages", "tensors"), pickle.dumps(0))
    return tar_file({**parts, "pickle": crafted_pickle(2)})


CRAFTED: dict[str, Callable[[], bytes]] = {
    "pickle": crafted_pickle,
    "pickle of protocol 2": lambda: crafted_pickle(2),
    "torch file": lambda: torch_file({"plan": Payload()}),
    "old torch file": lambda: torch_file({"plan": Payload()}, _use_new_zipfile_serialization=False),
    "oldest torch file": old_tar,
    "array": object_array,
    **ARCHIVES,
}


def test_the_crafted_files_are_dangerous(nothing_runs):
    for make in (crafted_pickle, lambda: crafted_pickle(2)):
        pickle.loads(make())
        assert code_has_run()
    for name in ("torch file", "old torch file"):
        torch.load(io.BytesIO(CRAFTED[name]()), weights_only=False)
        assert code_has_run()
    with np.load(io.BytesIO(object_array()), allow_pickle=True) as arrays:
        assert arrays["frames"].shape == (1,)
    assert code_has_run()
    with zipfile.ZipFile(io.BytesIO(ARCHIVES["zip that escapes"]())) as archive:
        assert all(name.startswith("..") for name in archive.namelist())
    with tarfile.open(fileobj=io.BytesIO(ARCHIVES["tar that escapes"]())) as archive:
        archive.extractall(nothing_runs, filter="fully_trusted")
    escaped = written_outside(nothing_runs)
    assert escaped
    for path in escaped:
        path.unlink()


# ---------------------------------------------------------------- checkpoints


def train(checkpoint: Path) -> list[float]:
    torch.manual_seed(0)
    images = torch.randint(0, 255, (8, 1, 2, 2), dtype=torch.uint8)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    options = {"epochs": 1, "batch_size": 4, "prepare": to_float, "description": None}
    history = fit(
        model,
        images,
        torch.arange(8) % 2,
        checkpoint=checkpoint,
        device=torch.device("cpu"),
        bfloat16=False,
        **options,
    )
    return history.step_loss


ODD_CHECKPOINTS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"milk, bread",
    "cut short": lambda: torch_file({"model": torch.zeros(500)})[:-300],
    "list": lambda: torch_file([1, 2]),
    "tensor": lambda: torch_file(torch.zeros(2)),
    "nothing": lambda: torch_file(None),
    "compiled network": lambda: zip_file({"x/constants.pkl": b".", "x/version": b"3\n"}),
    "no instructions": lambda: torch_archive(b"."),
    "unknown memory": lambda: torch_archive(b"\x80\x02h\x05."),
    "no text": lambda: torch_archive(b"\x80\x02X\x02\0\0\0\xff\xff."),
    "cut instructions": lambda: torch_archive(b"\x80\x02X\xff\xff"),
    "senseless storage": lambda: torch_archive(b"\x80\x02K\x01Q."),
    "senseless call": lambda: torch_archive(b"\x80\x02ccollections\nOrderedDict\nK\x05\x85R."),
}


@pytest.mark.parametrize("name", CRAFTED | ODD_CHECKPOINTS)
def test_a_checkpoint_that_is_none_is_refused_and_stays(name: str, tmp_path: Path):
    path, content = tmp_path / "net.pt", (CRAFTED | ODD_CHECKPOINTS)[name]()
    path.write_bytes(content)
    words = r"net\.pt is not a checkpoint of this course: name another file, or delete it\.$"
    everything = warnings.catch_warnings(record=True, action="always")
    with everything as warned, pytest.raises(ValueError, match=words):
        load_checkpoint(path)
    assert warned == []
    with pytest.raises(ValueError, match=words):
        train(path)
    assert path.read_bytes() == content
    path.unlink()
    assert train(path)


@pytest.mark.parametrize("name", ["", "none.pt"])
def test_a_checkpoint_that_cannot_be_opened_is_a_sentence(name: str, tmp_path: Path):
    with pytest.raises(ValueError, match=r"cannot be read \(.+\): name another file\.$"):
        load_checkpoint(tmp_path / name)


def test_a_good_checkpoint_goes_on(tmp_path: Path):
    state = {"a": torch.arange(3), "b": [1, "x", {"c": 2.5}]}
    save_checkpoint(tmp_path / "net.pt", state)
    read = load_checkpoint(tmp_path / "net.pt")
    assert read["a"].tolist() == [0, 1, 2]
    assert read["b"] == state["b"]
    losses = train(tmp_path / "good.pt")
    assert train(tmp_path / "good.pt") == losses


# ---------------------------------------------------------------- weights and data


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, type], Path]:
    """Gives the folder that a dataset is looked for in, on a machine that has no other place."""
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "mine"))
    for known in (DATASETS, OPTIONAL):
        for name, dataset in known.items():
            local = tuple(each for each in dataset.local if isinstance(each, UserFolder | Cache))
            monkeypatch.setitem(known, name, replace(dataset, local=local, remote=()))
    return lambda name, kind: Cache(name).path if kind is Cache else tmp_path / "mine"


LOADERS: dict[str, Callable[[], object]] = {
    "fashion-mnist": lambda: datasets._full.__wrapped__(),  # the cache might have it already
    "efficientnet-lite0": pretrained.efficientnet_lite0,
    "resnet18": pretrained.resnet18,
    "planetoid-cora": graph_data.cora_public,
}
PLACES = [
    (name, type(place))
    for name in LOADERS
    for place in (DATASETS | OPTIONAL)[name].local
    if isinstance(place, UserFolder | Cache)
]
SHIPPED_LOADERS: dict[str, Callable[[], object]] = {
    "fashion_mnist_subset.npz": datasets._subset,
    "bunny.npz": datasets.sample_clip,
    "cora.npz": lambda: graph_data.cora.__wrapped__(),
    "fashion_cnn.npz": pretrained.fashion_cnn,
}


def lay(folder: Path, names: Iterable[str], content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(content)


def test_every_loader_of_the_catalog_is_tested_here() -> None:
    assert LOADERS.keys() == DATASETS.keys() | OPTIONAL.keys()
    assert SHIPPED_LOADERS.keys() == {name for name in SHIPPED if name.endswith(".npz")}


@pytest.mark.parametrize("crafted", CRAFTED)
@pytest.mark.parametrize(("name", "kind"), PLACES)
def test_crafted_data_are_not_opened(name: str, kind: type, crafted: str, place) -> None:
    dataset, folder = (DATASETS | OPTIONAL)[name], place(name, kind)
    names = [file.name for file in dataset.files]
    lay(folder, names, CRAFTED[crafted]())
    with side_effects() as effects, pytest.raises(DataUnavailable) as caught:
        LOADERS[name]()
    assert effects == []
    said = str(caught.value)
    assert said.startswith(f"{dataset.title} is not available. Tried:")
    assert f"{folder / names[0]} has a wrong checksum" in said
    assert f"- Delete or replace {folder / names[0]}" in said


@pytest.mark.parametrize("name", ["efficientnet-lite0", "resnet18"])
@pytest.mark.parametrize("crafted", ["pickle of protocol 2", "torch file", "old torch file"])
def test_no_code_of_weights_would_run_if_their_checksum_were_right(
    name: str, crafted: str, place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(File, "is_intact", lambda *_: True)
    names = [file.name for file in (DATASETS | OPTIONAL)[name].files]
    lay(place(name, UserFolder), names, CRAFTED[crafted]())
    with pytest.raises((pickle.UnpicklingError, DataUnavailable)):
        LOADERS[name]()


@pytest.mark.parametrize("crafted", CRAFTED)
@pytest.mark.parametrize("name", SHIPPED)
def test_crafted_files_of_the_course_are_not_opened(
    name: str, crafted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path / "data", [name], CRAFTED[crafted]())
    monkeypatch.setattr(sources, "shipped_folder", lambda: tmp_path / "data")
    load = SHIPPED_LOADERS.get(name, partial(sources.shipped, name))
    with side_effects() as effects, pytest.raises(DataUnavailable) as caught:
        load()
    assert effects == []
    assert str(caught.value).startswith(f"{name}, which ships with the course, is not usable: ")
    assert f"has a wrong checksum. Restore it with `git checkout -- data/{name}`" in str(
        caught.value
    )


@pytest.mark.parametrize("name", SHIPPED_LOADERS)
def test_no_code_of_arrays_would_run_if_their_checksum_were_right(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(File, "is_intact", lambda *_: True)
    monkeypatch.setattr(sources, "shipped_folder", lambda: tmp_path / "data")
    lay(tmp_path / "data", [name], object_array())
    with pytest.raises(ValueError, match="allow_pickle=False"):
        SHIPPED_LOADERS[name]()


@pytest.mark.parametrize(
    "crafted", ["pickle", "torch file", "zip that escapes", "tar that escapes"]
)
def test_crafted_results_of_experiments_are_not_executed(
    crafted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "shipped_folder", lambda: tmp_path / "data")
    names = ["coins.json", "coins.partial.json"]
    lay(tmp_path / "data" / "results", names, CRAFTED[crafted]())
    with side_effects() as effects:
        with pytest.raises(ResultsError, match=r"coins.json holds no results.*git checkout"):
            Results.load("coins")
        with pytest.raises(ResultsError, match=r"partial.json holds no results.*Delete it"):
            Results.resume("coins", 1)
    assert effects == []
