"""What Colab's `files.upload()` gives is taken by explorers, or one sentence says why not."""

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest
import test_feature_map_explorer
import test_saliency_explorer
import test_sanity_explorer
from own_classes import color_backbone, counts, png, two_classes

import course_utils.explorers
from course_utils.explorers.base import Explorer
from course_utils.explorers.feature_maps import FeatureMapExplorer
from course_utils.explorers.my_classes import MyClassesExplorer
from course_utils.explorers.saliency import SaliencyExplorer
from course_utils.explorers.sanity import SanityExplorer

STAND_IN = Path(__file__).with_name("colab")
PICTURES = np.random.default_rng(1).integers(0, 256, (4, 20, 24, 3), np.uint8)
FIRST, SECOND, THIRD, FOURTH = map(png, PICTURES)
SHOPPING = b"milk, bread"


class Taker(NamedTuple):
    """An explorer, how files are handed to it, and how many pictures it has."""

    explorer: Explorer
    add: Callable[[dict[str, bytes]], str]
    size: Callable[[], int]


def pictured(explorer: FeatureMapExplorer | SaliencyExplorer | SanityExplorer) -> Taker:
    return Taker(explorer, explorer.add, lambda: len(explorer.controls["picture"].options))


def feature_maps() -> Taker:
    module = test_feature_map_explorer
    return pictured(FeatureMapExplorer(module.Net(), module.PICTURES, module.prepare))


def my_classes() -> Taker:
    explorer = MyClassesExplorer(two_classes(), color_backbone([]))
    return Taker(
        explorer,
        lambda files: explorer.add("mine", files),
        lambda: sum(counts(explorer).values()),
    )


TAKERS = {
    FeatureMapExplorer: feature_maps,
    MyClassesExplorer: my_classes,
    SaliencyExplorer: lambda: pictured(test_saliency_explorer.make(methods=["saliency"])),
    SanityExplorer: lambda: pictured(test_sanity_explorer.make()),
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The stand-in for `google.colab.files`; the working folder is empty."""
    with monkeypatch.context() as patch:
        for name in [name for name in sys.modules if name.split(".")[0] == "google"]:
            patch.delitem(sys.modules, name)
        patch.syspath_prepend(STAND_IN)
        (tmp_path / "content").mkdir()
        patch.chdir(tmp_path / "content")
        yield importlib.import_module("google.colab.files")
        for name in [name for name in sys.modules if name.split(".")[0] == "google"]:
            del sys.modules[name]


@pytest.fixture(params=TAKERS, ids=lambda explorer: explorer.__name__)
def taker(request: pytest.FixtureRequest) -> Taker:
    return TAKERS[request.param]()


def uploaded(files: ModuleType, answer: dict[str, bytes]) -> dict[str, bytes]:
    """What a notebook gets when the page answers so."""
    files.answers.append(answer)
    return files.upload()


def assert_taken(taker: Taker, given: dict[str, bytes], count: int) -> str:
    """Hand over files of which `count` are good; returns what is said."""
    size, png_before = taker.size(), taker.explorer.picture_png
    said = taker.add(given)
    assert taker.explorer.error is None
    assert said == taker.explorer.status
    assert taker.size() == size + count
    assert taker.explorer.picture_png != png_before
    return said


def assert_refused(taker: Taker, given: dict[str, bytes]) -> str:
    """Hand over what changes nothing; returns the sentence that says why."""
    size, png_before, values = taker.size(), taker.explorer.picture_png, taker.explorer.values
    said = taker.add(given)
    assert said == taker.explorer.error == taker.explorer.status
    assert said.endswith(".")
    assert "\n" not in said
    assert (taker.size(), taker.explorer.picture_png) == (size, png_before)
    assert taker.explorer.values == values
    return said


def test_every_explorer_that_takes_files_is_tried() -> None:
    classes = {}
    for path in Path(course_utils.explorers.__path__[0]).glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        classes |= {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    bases = {name: {ast.unparse(base) for base in node.bases} for name, node in classes.items()}
    takers = {
        name
        for name, node in classes.items()
        if any(isinstance(part, ast.FunctionDef) and part.name == "add" for part in node.body)
        and "Explorer" in name
    }
    while more := {name for name in bases if bases[name] & takers} - takers:
        takers |= more
    leaves = takers - set().union(*bases.values())
    assert leaves == {explorer.__name__ for explorer in TAKERS}


def test_the_stand_in_saves_as_colab_does(files, capsys) -> None:
    assert uploaded(files, {"cat.png": FIRST}) == {"cat.png": FIRST}
    assert uploaded(files, {"cat.png": SECOND}) == {"cat (1).png": SECOND}
    assert uploaded(files, {"../cat.png": THIRD}) == {"../cat (2).png": THIRD}
    assert uploaded(files, {}) == {}
    saved = {path.name: path.read_bytes() for path in Path().iterdir()}
    assert saved == {"cat.png": FIRST, "cat (1).png": SECOND, "cat (2).png": THIRD}
    assert not list(Path().glob("../*.png"))
    assert "Saving cat.png to cat (1).png\n" in capsys.readouterr().out


def test_a_file_whose_name_was_taken_is_another_picture(files, taker) -> None:
    assert_taken(taker, uploaded(files, {"cat.png": FIRST}), 1)
    assert_taken(taker, uploaded(files, {"cat.png": SECOND}), 1)
    if "picture" in taker.explorer.values:
        assert taker.explorer.controls["picture"].options[-2:] == ("cat.png", "cat (1).png")
        assert taker.explorer.values["picture"] == "cat (1).png"


def test_several_files_are_all_taken(files, taker) -> None:
    alike = "a long name " * 5  # the explorers cut it
    answer = {"a.png": FIRST, "b.png": SECOND, f"{alike}1.png": THIRD, f"{alike}2.png": FOURTH}
    assert_taken(taker, uploaded(files, answer), 4)


@pytest.mark.parametrize("name", ["../up.png", "../../etc/up.png", r"..\up.png"])
def test_a_name_is_no_path(files, taker, name: str) -> None:
    said = assert_taken(taker, uploaded(files, {name: FIRST}), 1)
    assert ".." not in said
    if "picture" in taker.explorer.values:
        assert taker.explorer.values["picture"] == "up.png"
    assert "Cannot read up.txt: " in assert_refused(taker, {"../up.txt": SHOPPING})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "No file was chosen."),
        ({"big.png": bytes(21_000_000)}, "Cannot read big.png: the file has 21.0 MB, and 20 MB "),
        ({"list.txt": SHOPPING}, "Cannot read list.txt: it is no PNG, "),
        ({"list.png": SHOPPING}, "Cannot read list.png: it is no PNG, "),
        ({"cut.png": FIRST[:-40]}, "Cannot read cut.png: the picture is damaged or cut short. "),
        ({"empty.png": b""}, "Cannot read empty.png: the file is empty. "),
    ],
    ids=["cancelled", "too large", "text", "text named png", "cut short", "empty"],
)
def test_what_is_no_picture_is_one_sentence(
    files, taker, answer: dict[str, bytes], words: str
) -> None:
    assert_taken(taker, uploaded(files, {"good.png": FIRST}), 1)
    assert assert_refused(taker, uploaded(files, answer)).startswith(words)
    assert_taken(taker, uploaded(files, {"next.png": SECOND}), 1)


def test_a_bad_file_among_good_ones_is_named(files, taker) -> None:
    given = uploaded(files, {"a.png": FIRST, "list.txt": SHOPPING, "b.png": SECOND})
    words = "Cannot read list.txt: it is no PNG, "
    assert assert_taken(taker, given, 2).startswith(words)
