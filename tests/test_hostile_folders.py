"""A folder full of hostile and odd files: what is a picture is learned from, the rest is named."""

import os
import re
from pathlib import Path

import pytest
from hostile_files import FILES, NAMES, NO_PICTURE, code_has_run, content, crafted_pickle
from own_classes import GREEN, RED, color_backbone, counts, files, pictures
from side_effects import side_effects

from course_utils.classifier import FolderClassifier, train_on_folder
from course_utils.explorers.my_classes import MyClassesExplorer
from course_utils.folders import FolderError
from course_utils.pretrained import Backbone

SAME = re.compile(r"it is the same picture as reds/\S+\.$")


@pytest.fixture
def backbone() -> Backbone:
    return color_backbone([])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three red and three green pictures."""
    for name, color in (("reds", RED), ("greens", GREEN)):
        (tmp_path / "root" / name).mkdir(parents=True)
        for file, data in files(color, 3).items():
            (tmp_path / "root" / name / f"good {file}").write_bytes(data)
    return tmp_path / "root"


@pytest.fixture(params=[".png", ""], ids=["with endings", "without endings"])
def hostile(request: pytest.FixtureRequest, root: Path) -> dict[str, str]:
    """All hostile files, among the reds: the name of each on the disk -> in the table."""
    names = {f"hostile{place}{request.param}": name for place, name in enumerate(FILES)}
    for file, name in names.items():
        (root / "reds" / file).write_bytes(content(name))
    return names


def train(root: Path, backbone: Backbone) -> FolderClassifier:
    return train_on_folder(root, backbone=backbone, size=32, splits=2, progress=False)


def require_each(hostile: dict[str, str], skipped: tuple[str, ...], taken: int) -> None:
    """Check that each picture was taken and all else was named, unless it seems no picture."""
    reasons = dict(sentence.removeprefix("reds/").split(": ", 1) for sentence in skipped)
    assert not reasons.keys() - hostile.keys()
    copies = 0
    for file, name in hostile.items():
        if FILES[name].shape:
            assert SAME.match(reasons.get(file, "it is the same picture as reds/it.")), name
            copies += file in reasons
        elif file.endswith(".png") or FILES[name].words != NO_PICTURE:
            passed_over = not file.endswith(".png") and not looks_like_a_picture(name)
            assert passed_over or FILES[name].words in reasons[file], name
    assert taken == sum(FILES[name].shape is not None for name in hostile.values()) - copies
    assert taken > 8


def looks_like_a_picture(name: str) -> bool:
    return content(name)[:2] in (b"\x89P", b"\xff\xd8", b"GI", b"BM", b"RI", b"II", b"MM")


def test_a_classifier_learns_from_what_is_good(root, hostile, backbone, capfd):
    with side_effects() as effects:
        trained = train(root, backbone)
    assert effects == []
    assert not code_has_run()
    assert trained.classes == ("greens", "reds")
    assert trained.counts[0] == 3
    require_each(hostile, trained.skipped, trained.counts[1] - 3)
    assert capfd.readouterr() == ("", "")


def test_an_explorer_takes_what_is_good(root, hostile, backbone):
    explorer = MyClassesExplorer({"reds": pictures(RED, 2, start=50)}, backbone)
    with side_effects() as effects:
        said = explorer.add_folder(root)
    assert effects == []
    assert explorer.error is None
    assert counts(explorer)["reds"] > 2 + 3 + 8
    assert re.match(r"reds/hostile\d+(\.png)?: [^<]+And \d+ more were not taken\. ", said)
    opened = MyClassesExplorer.from_folder(root, backbone)
    assert counts(opened)["reds"] == counts(explorer)["reds"] - 2
    assert not code_has_run()


def test_hostile_files_alone_are_one_sentence(root, backbone):
    for file in (root / "reds").iterdir():
        file.write_bytes(crafted_pickle())
    explorer = MyClassesExplorer({"blues": []}, backbone)
    before = explorer.picture_png
    with pytest.raises(FolderError, match=r"no readable picture in reds \(reds/good 0\.png: it is"):
        train(root, backbone)
    assert "There is no readable picture in reds" in explorer.add_folder(root)
    assert explorer.error
    assert explorer.picture_png == before
    assert not code_has_run()


def test_names_on_the_disk_are_shown_as_text(root, backbone):
    possible = [name for name in NAMES if not re.search(r'[/\\\0"]', name)]
    made = []
    for place, name in enumerate(name for name in possible if name not in ("", "..")):
        try:
            (root / name).mkdir()
        except OSError:  # this system has no such names
            continue
        for file, data in files((40, 20 * place, 90), 2).items():
            (root / name / f"{name}{file}").write_bytes(data)
        (root / name / f"{name}.png").write_bytes(b"milk")
        made.append(name)
    assert made
    trained = train(root, backbone)
    assert len(trained.classes) == len(made) + 2
    assert len(trained.skipped) == len(made)
    assert all(sentence.isprintable() for sentence in trained.skipped)
    assert not re.search(r"(?<!\\)<img", trained._repr_markdown_())
    explorer = MyClassesExplorer.from_folder(root, backbone)
    assert "<img" not in explorer._status.value
    assert len(counts(explorer)) == len(made) + 2
    assert all(name.isprintable() for name in counts(explorer))


@pytest.mark.parametrize("name", NAMES)
def test_a_class_may_have_any_name_that_can_be_shown(name: str, backbone):
    explorer = MyClassesExplorer({"reds": pictures(RED, 2)}, backbone)
    said = explorer.add(name, files(GREEN, 1))
    assert "<img" not in explorer._status.value
    if explorer.error:
        assert re.match("Type the name of a class|Choose a shorter name: it has 300", said)
    else:
        assert len(counts(explorer)) == 2
    assert all(known.isprintable() and 0 < len(known) <= 40 for known in counts(explorer))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a\0b", "There is no folder"),
        ("x" * 5000, "There is no folder"),
        ("~nobody-is-called-so/x", "There is no folder"),
        ("", "Give the path of a folder"),
        (None, "Give the path of a folder"),
        (3, "Give the path of a folder"),
    ],
    ids=["null", "long", "nobody's", "empty", "none", "number"],
)
def test_a_path_that_leads_nowhere_is_a_sentence(path, words: str, backbone):
    with pytest.raises(FolderError, match=words):
        train(path, backbone)
    explorer = MyClassesExplorer({}, backbone)
    assert explorer.add_folder(path).startswith(words)


@pytest.mark.parametrize("name", ["pickle", "zip", "zip that escapes", "tar that escapes"])
def test_an_archive_in_place_of_a_folder_is_not_opened(name, tmp_path, backbone):
    (tmp_path / "mine").write_bytes(content(name))
    words = r"mine is a file: give the folder .* and unpack an archive first\."
    with side_effects() as effects, pytest.raises(FolderError, match=words):
        train(tmp_path / "mine", backbone)
    assert effects == []
    assert os.listdir(tmp_path) == ["mine"]
    assert not code_has_run()
