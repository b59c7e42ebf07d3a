"""Hostile and odd files through everything that takes a picture: it is shown, or a sentence is."""

import itertools
import os
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import test_saliency_explorer
import test_sanity_explorer
from explorer_driver import upload
from hostile_files import (
    FILES,
    NAMES,
    REFUSED,
    TOO_LARGE,
    TOO_MANY_BYTES,
    code_has_run,
    content,
    written_outside,
)
from own_classes import GREEN, RED, color_backbone, counts, pictures
from picture_files import RGB, encode
from PIL import Image, ImageOps
from pixels import TINY
from side_effects import side_effects
from test_feature_map_explorer import PICTURES, Net
from test_feature_map_explorer import prepare as net_prepare
from test_window_explorers import EXPLORERS as WINDOWS

from course_utils.explorers.base import Explorer
from course_utils.explorers.feature_maps import FeatureMapExplorer
from course_utils.explorers.my_classes import MyClassesExplorer
from course_utils.pictures import PictureError, read_picture, read_picture_file

TOO_THIN = ("tall strip", "wide strip")  # for explorers of explanations
HEAVY = [name for name in REFUSED if FILES[name].words in (TOO_LARGE, TOO_MANY_BYTES)]
numbers = itertools.count()


def fresh() -> bytes:
    """A good picture, another one each time."""
    generator = np.random.default_rng(next(numbers))
    return encode(generator.integers(0, 256, (24, 32, 3), np.uint8), "PNG")


@pytest.fixture(autouse=True)
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd) -> Iterator[None]:
    """Whatever is tested prints nothing, unpickles nothing and writes nothing where it runs."""
    work = tmp_path / "a" / "b"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    yield
    assert capfd.readouterr() == ("", "")
    assert not list(work.iterdir())
    assert not written_outside(work)
    assert not code_has_run()


def require_refusal(said: str | None, name: str) -> None:
    assert said is not None
    assert said.startswith("Cannot read mine.png: ")
    assert FILES[name].words in said
    assert said.endswith(".")
    assert "\n" not in said
    assert len(said) < 200


# ---------------------------------------------------------------- functions


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("read", [read_picture, read_picture_file])
def test_a_picture_is_read_or_refused(read, name: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.png"
    path.write_bytes(content(name))
    call = (
        partial(read, path)
        if read is read_picture_file
        else partial(read, content(name), path.name)
    )
    with side_effects() as effects:
        if FILES[name].shape:
            picture = call()
            assert picture.shape == (*FILES[name].shape, 3)
            assert picture.dtype == np.uint8
        else:
            with pytest.raises(PictureError) as caught:
                call()
            require_refusal(str(caught.value), name)
    assert effects == []


@pytest.mark.parametrize("orientation", range(10))
def test_pictures_are_set_upright_as_pillow_would(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(RGB, "PNG", exif=exif)
    with Image.open(BytesIO(data)) as image:
        np.testing.assert_array_equal(read_picture(data), np.array(ImageOps.exif_transpose(image)))


MEASURE = """
import resource
from hostile_files import REFUSED, content
from course_utils.pictures import PictureError, read_picture
files = {name: content(name) for name in REFUSED}
for name, data in files.items():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        read_picture(data)
    except PictureError:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, name)
"""


def test_no_refusal_takes_much_memory() -> None:
    pytest.importorskip("resource", reason="only Unix tells how much memory a process took")
    here = Path(__file__).parent
    settings = os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])}
    run = subprocess.run(
        [sys.executable, "-c", MEASURE], env=settings, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    grown = {
        name: int(size) for size, name in (line.split(" ", 1) for line in run.stdout.splitlines())
    }
    assert list(grown) == REFUSED
    unit = 1 if sys.platform == "darwin" else 1024
    assert max(grown.values()) * unit < 50e6, grown


# ---------------------------------------------------------------- explorers


def by_button(explorer: Explorer, name: str, data: bytes, path: Path, button: str) -> None:
    upload(explorer.controls[button], name, data)


def by_add(explorer: Explorer, name: str, data: bytes, path: Path) -> None:
    explorer.add({name: data})


def by_path(explorer: Explorer, name: str, data: bytes, path: Path) -> None:
    explorer.add_path(path)


def by_class(explorer: Explorer, name: str, data: bytes, path: Path) -> None:
    explorer.add("mine", {name: data})


ENTRIES = {
    ("convolution", "button"): partial(by_button, button="upload"),
    ("pooling", "button"): partial(by_button, button="upload"),
    ("saliency", "button"): partial(by_button, button="upload"),
    ("saliency", "add"): by_add,
    ("sanity", "button"): partial(by_button, button="upload"),
    ("sanity", "add"): by_add,
    ("feature maps", "button"): partial(by_button, button="upload"),
    ("feature maps", "add"): by_add,
    ("feature maps", "add_path"): by_path,
    ("my classes", "button for a class"): partial(by_button, button="pictures"),
    ("my classes", "button for a new picture"): partial(by_button, button="new"),
    ("my classes", "add"): by_class,
}
every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=", ".join)


@pytest.fixture(scope="module")
def explorers() -> dict[str, Explorer]:
    made = {}
    for (kind, plain), name in zip(WINDOWS, ("convolution", "pooling"), strict=True):
        made[name] = kind({"tiny": TINY})
        made[name].choose(**plain)  # every picture is large enough
    return made | {
        "saliency": test_saliency_explorer.make(),
        "sanity": test_sanity_explorer.make(),
        "feature maps": FeatureMapExplorer(Net(), PICTURES, net_prepare),
        "my classes": MyClassesExplorer(
            {"reds": pictures(RED, 2), "greens": pictures(GREEN, 2)}, color_backbone([])
        ),
    }


@pytest.fixture
def explorer(explorers: dict[str, Explorer], entry: tuple[str, str]) -> Iterator[Explorer]:
    explorer = explorers[entry[0]]
    state = getattr(explorer, "_state", None)
    yield explorer
    if state is not None:  # its classes would otherwise fill up
        explorer._state = state


def seen(explorer: Explorer) -> tuple:
    """All that a refusal must leave as it was."""
    options = [getattr(control, "options", None) for control in explorer.controls.values()]
    return explorer.picture_png, explorer.values, options, getattr(explorer, "_state", None)


def require_shown(explorer: Explorer, way: str, name: str) -> None:
    assert explorer.error is None
    if way == "button for a new picture":
        assert explorer._state.new.name == name
    elif isinstance(explorer, MyClassesExplorer):
        assert counts(explorer)[explorer.values["name"]] > 0
    else:
        assert re.fullmatch(re.escape(name) + r"( \(\d+\))?", explorer.values["picture"])


@every_entry
@pytest.mark.parametrize("name", FILES)
def test_an_explorer_shows_it_or_says_why_not(explorer, entry, name: str, tmp_path: Path) -> None:
    give, path = ENTRIES[entry], tmp_path / "mine.png"
    path.write_bytes(content(name))
    before = seen(explorer)
    with side_effects() as effects:
        give(explorer, path.name, content(name), path)
    assert effects == []
    thin = entry[0] in ("saliency", "sanity") and name in TOO_THIN
    if thin or FILES[name].shape is None:
        if thin:
            assert explorer.error.startswith(
                "The picture has {} × {} pix".format(*FILES[name].shape)
            )
        else:
            require_refusal(explorer.error, name)
        assert explorer.status == explorer.error
        assert seen(explorer) == before
    else:
        require_shown(explorer, entry[1], path.name)
    assert not any(
        explorer.controls[name].value for name in explorer.controls.keys() - explorer.values.keys()
    )


@every_entry
def test_after_refusals_that_take_little_memory_a_good_picture_is_shown(
    explorer, entry, tmp_path: Path
) -> None:
    give, path, before = ENTRIES[entry], tmp_path / "mine.png", explorer.picture_png
    for name in HEAVY:
        path.write_bytes(content(name))
        tracemalloc.start()
        give(explorer, path.name, content(name), path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        require_refusal(explorer.error, name)
        assert peak < len(content(name)) + 5e6, name
    path.write_bytes(fresh())
    give(explorer, path.name, path.read_bytes(), path)
    require_shown(explorer, entry[1], path.name)
    assert explorer.picture_png != before


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if entry[1] != "add_path"], ids=", ".join
)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_as_text_and_used_for_nothing(explorer, entry, name: str) -> None:
    with side_effects() as effects:
        ENTRIES[entry](explorer, name, fresh(), None)
        require_shown(explorer, entry[1], NAMES[name])
        assert "<img" not in explorer._status.value
        ENTRIES[entry](explorer, name, b"milk", None)
    assert effects == []
    assert explorer.error.startswith(f"Cannot read {NAMES[name]}: it is no PNG")
    assert "<img" not in explorer._status.value


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry[1] == "add"], ids=", ".join)
@pytest.mark.parametrize("data", [None, "words", 3, bytearray(b"x"), memoryview(b"x"), [b"x"]])
def test_what_is_no_bytes_is_refused(explorer, entry, data) -> None:
    before = seen(explorer)
    ENTRIES[entry](explorer, 3, data, None)
    assert explorer.error.startswith("Cannot read 3: give the bytes of a file, not ")
    assert seen(explorer) == before


@pytest.mark.parametrize("entry", [("feature maps", "add_path")])
@pytest.mark.parametrize(
    "path", ["", ".", "none.png", "a\0b.png", "\ud800.png", "x" * 5000, None, 3]
)
def test_a_path_that_leads_nowhere_is_a_sentence(explorer, entry, path) -> None:
    before = seen(explorer)
    said = explorer.add_path(path)
    assert re.match(r"Cannot read [^\0]+: |Give the path of a picture's file, not ", said)
    assert "Something went wrong" not in said
    assert len(said) < 200
    assert seen(explorer) == before
