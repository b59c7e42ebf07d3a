import re
from pathlib import Path

import pytest
from small_course import ADA, CHAPTERS, badge, contents, edit, make_course

from course_utils.publish import publish, strays

ROOT = Path(__file__).parents[1]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_course(tmp_path / "course")


def test_small_course_has_no_strays(root: Path):
    assert strays(root) == []
    publish(root, ADA)
    assert strays(root) == []


STRAY = "ada/pixels", "eve/pixels"
STRAYS = {
    "pyproject": edit("pyproject.toml", "ada/pixels/issues", "eve/pixels/issues"),
    "clone": edit("README.md", "github.com:ada/pixels.git", "github.com:eve/pixels.git"),
    "old name": edit("README.md", "com:ada/pixels.git", "com:eve/Convolution-Course.git"),
    "end of sentence": edit("README.md", "github.com/ada/pixels.", "github.com/eve/pixels."),
    "README's badge": edit(
        "README.md", "ada/pixels/blob/main/notebooks/01", "eve/a/blob/main/notebooks/01"
    ),
    "data": edit("data/README.md", *STRAY),
    "workflow": edit(".github/workflows/ci.yml", *STRAY),
    "set-up": edit(
        CHAPTERS[0], "git+https://github.com/ada/pixels", "git+https://github.com/eve/a"
    ),
    "notebook's badge": edit(CHAPTERS[0], "ada/pixels/blob", "eve/a/blob"),
    "text": edit(CHAPTERS[1], "(https://github.com/ada/pixels)", "(https://github.com/eve/pixels)"),
}


@pytest.mark.parametrize("place", STRAYS)
def test_stray_address_is_found(root: Path, place: str):
    publish(root, ADA)
    STRAYS[place](root)
    [sentence] = strays(root)
    assert re.search(r" names eve/.*, pyproject\.toml ada/pixels\.$", sentence)
    assert (root / sentence.split(" names ")[0]).is_file()


def test_stray_address_in_pyproject_makes_all_others_strays(root: Path):
    publish(root, ADA)
    edit(
        "pyproject.toml",
        'Repository = "https://github.com/ada',
        'Repository = "https://github.com/eve',
    )(root)
    assert {sentence.split(" names ")[0] for sentence in strays(root)} == contents(root).keys()


def test_badge_of_a_file_that_is_not_there_is_found(root: Path):
    publish(root, ADA)
    edit(CHAPTERS[0], "main/notebooks/01_one.ipynb", "main/notebooks/01_uno.ipynb")(root)
    assert strays(root) == [
        f"{CHAPTERS[0]} has a badge of notebooks/01_uno.ipynb, which is not there."
    ]


def test_badge_of_a_course_that_nobody_published_is_found(root: Path):
    with (root / "README.md").open("a") as file:
        file.write(badge("OWNER/convolution-course", "main", CHAPTERS[0]))
    assert strays(root) == ["README.md has a badge, but nobody has published the course."]


def test_this_checkout_has_no_strays():
    assert strays(ROOT) == []
