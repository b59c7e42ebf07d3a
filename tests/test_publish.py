import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat import NotebookNode
from notebook_rules import problems
from small_course import (
    ADA,
    CHAPTERS,
    SET_UP,
    TEXTS,
    badge,
    chapter,
    contents,
    edit,
    make_course,
    read,
)

from course_utils import cli
from course_utils.addresses import Repository
from course_utils.execute import NotebookError, is_signed, layout
from course_utils.publish import PublishError, publish, strays

ROOT = Path(__file__).parents[1]
BOB = Repository("bob", "convolution-course", "dev")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_course(tmp_path / "course")


def test_every_place_gets_the_address(root: Path):
    assert publish(root, ADA) == [*TEXTS, *CHAPTERS]
    own = re.compile(r"OWNER/convolution-course")
    one, two = (badge("ada/pixels", "main", file) for file in CHAPTERS)
    for name in TEXTS.keys() - {"README.md"}:
        assert (root / name).read_text() == own.sub("ada/pixels", TEXTS[name])
    assert (root / "README.md").read_text() == own.sub("ada/pixels", TEXTS["README.md"]).replace(
        "to run |\n|:--|--:|--:|\n", "to run | open |\n|:--|--:|--:|:--|\n"
    ).replace("25 s |", f"25 s | {one} |").replace("30 s |", f"30 s | {two} |")
    for file in CHAPTERS:
        notebook = read(root / file)
        expected = chapter(own.sub("ada/pixels", SET_UP), "print(1)")
        expected.cells[0].source = f"# One\n\n{badge('ada/pixels', 'main', file)}"
        expected.cells[-1].source = own.sub("ada/pixels", expected.cells[-1].source)
        for cell, other in zip(notebook.cells, expected.cells, strict=True):
            other.id = cell.id
        assert notebook == expected
        assert is_signed(notebook)
        assert problems(notebook) == []


def test_twice_is_once(root: Path):
    publish(root, ADA)
    once = contents(root)
    assert publish(root, ADA) == []
    assert contents(root) == once


@pytest.mark.parametrize(
    ("first", "second"),
    [(ADA, BOB), (BOB, ADA), (ADA, Repository("ada", "pixels", "v1.0"))],
    ids=["to a branch", "to main", "branch alone"],
)
def test_another_address_takes_the_place_of_the_first(
    root: Path, tmp_path: Path, first: Repository, second: Repository
):
    shutil.copytree(root, tmp_path / "fresh")
    publish(tmp_path / "fresh", second)
    publish(root, first)
    publish(root, second)
    assert contents(root) == contents(tmp_path / "fresh")


def test_branch_is_in_badges_and_in_what_pip_installs(root: Path):
    publish(root, BOB)
    for file in CHAPTERS:
        cells = read(root / file).cells
        assert cells[0].source.endswith(badge("bob/convolution-course", "dev", file))
        line = 'COURSE = "git+https://github.com/bob/convolution-course@dev"'
        assert cells[1].source.startswith(line)


@pytest.mark.parametrize("title", ["# One\n\n", "{}\n\n# One", "# One\n\n{}\nMore.", "{}", ""])
def test_badge_ends_the_title_wherever_it_was(root: Path, title: str):
    notebook = read(root / CHAPTERS[0])
    notebook.cells[0].source = title.format(badge("eve/old", "main", CHAPTERS[1]))
    (root / CHAPTERS[0]).write_text(layout(notebook))
    publish(root, ADA)
    source = read(root / CHAPTERS[0]).cells[0].source
    assert source.endswith("\n\n" + badge("ada/pixels", "main", CHAPTERS[0]))
    assert source.count("Open in Colab") == 1
    assert publish(root, ADA) == []


def test_badge_that_somebody_added_is_stamped_where_it_is(root: Path):
    readme = root / "README.md"
    text = readme.read_text()
    readme.write_text(badge("eve/old", "dev", CHAPTERS[1]) + "\n" + text)
    publish(root, ADA)
    assert readme.read_text().startswith(badge("ada/pixels", "main", CHAPTERS[1]) + "\n# A course")


def test_line_ends_stay(root: Path):
    readme = root / "README.md"
    readme.write_bytes(readme.read_bytes().replace(b"\n", b"\r\n"))
    publish(root, ADA)
    text = readme.read_bytes()
    assert text.count(b"\r\n") == text.count(b"\n") > 10
    assert text.count(b"Open in Colab") == 2


def test_notebooks_that_are_no_chapters_stay_as_they_are(root: Path):
    path = root / "notebooks" / "Untitled.ipynb"
    path.write_text("{}")
    publish(root, ADA)
    assert path.read_text() == "{}"


def without_course_line(root: Path) -> None:
    (root / CHAPTERS[1]).write_text(layout(chapter("import course_utils", "print(1)")))


def without_title(root: Path) -> None:
    notebook = chapter(SET_UP, "print(1)")
    notebook.cells = notebook.cells[1:-1]
    (root / CHAPTERS[1]).write_text(layout(notebook))


REFUSED = {
    "edited": (edit(CHAPTERS[1], "print(1)", "print(2)"), f"course execute {CHAPTERS[1]}`"),
    "never run": (edit(CHAPTERS[0], '"executed_code"', '"title"'), f"execute {CHAPTERS[0]}`"),
    "no set-up": (without_course_line, f"{CHAPTERS[1]} lacks the line `COURSE = "),
    "no title": (without_title, f"{CHAPTERS[1]} lacks a title"),
    "no notebook": (edit(CHAPTERS[1], "{", ""), "02_two.ipynb cannot be read as a notebook"),
    "chapter twice": (
        lambda root: shutil.copy(root / CHAPTERS[0], root / "notebooks/01_one-Copy1.ipynb"),
        "are the same chapter",
    ),
    "no row": (edit("README.md", "| 2 · Two", "| Two"), "table of chapters and notebooks/ differ"),
    "no chapter": (lambda root: (root / CHAPTERS[1]).unlink(), "notebooks/ differ"),
    "no address": (edit("pyproject.toml", "Repository", "Home"), "lacks the line `Repository = "),
    "elsewhere": (edit("pyproject.toml", "github.com", "example.org"), "lacks the line"),
    "no TOML": (edit("pyproject.toml", "[project]", "[project"), "lacks the line"),
    "no UTF-8": (
        lambda root: (root / "data/README.md").write_bytes(b"\xff"),
        r"data/README\.md cannot be read",
    ),
    "other project": (
        edit("data/README.md", "googlefonts/noto-emoji", "eve/Pixels"),
        "refers to another project of this name, github.com/eve/Pixels",
    ),
    "no checkout": (
        lambda root: shutil.rmtree(root / "notebooks"),
        "is no copy of the course's repository",
    ),
    "no project": (
        lambda root: (root / "pyproject.toml").unlink(),
        "is no copy of the course's repository",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_stamped_is_left_as_it_was(root: Path, name: str):
    change, sentence = REFUSED[name]
    change(root)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with pytest.raises((PublishError, NotebookError), match=sentence) as caught:
        publish(root, ADA)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_full_disk_is_named_and_the_same_command_goes_on(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(root, tmp_path / "fresh")
    publish(tmp_path / "fresh", ADA)
    replace = os.replace

    def fail(source: str, target: Path) -> None:
        if target.name == "01_one.ipynb":
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(PublishError) as caught:
            publish(root, ADA)
    assert str(caught.value).startswith(
        f"{CHAPTERS[0]} cannot be saved: No space left on device. Mend this, then run the same"
    )
    assert publish(root, ADA) == list(CHAPTERS)
    assert contents(root) == contents(tmp_path / "fresh")


@pytest.mark.parametrize("branch", ["main", "dev"])
def test_copy_of_this_checkout_is_published(tmp_path: Path, branch: str):
    for name in ("notebooks", ".github", "tests", "course_utils"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    (tmp_path / "data").mkdir()
    for name in ("pyproject.toml", "README.md", "data/README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    before = contents_of_chapters(tmp_path)
    ada = Repository("ada", "pixels", branch)
    changed = publish(tmp_path, ada)
    assert {"pyproject.toml", "README.md", *before} <= set(changed)
    assert strays(tmp_path) == []
    assert publish(tmp_path, ada) == []
    readme = (tmp_path / "README.md").read_text("utf-8")
    for place, old in before.items():
        assert readme.count(f"{badge('ada/pixels', branch, place)} |\n") == 1
        new = read(tmp_path / place)
        assert problems(new) == []
        assert is_signed(new)
        sources = [cell.source for cell in new.cells]
        set_up = [cell.cell_type for cell in new.cells].index("code")
        at = "" if branch == "main" else f"@{branch}"
        assert f'COURSE = "git+https://github.com/ada/pixels{at}"\n' in sources[set_up]
        assert sources[0].endswith(f"\n\n{badge('ada/pixels', branch, place)}")
        lines = zip(sources, [cell.source for cell in old.cells], strict=True)
        assert [n for n, (now, then) in enumerate(lines) if now != then] == [0, set_up]
        assert [cell.get("outputs") for cell in new.cells] == [c.get("outputs") for c in old.cells]
    rules = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/test_setup_cell.py"]
    run = subprocess.run(rules, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout


def contents_of_chapters(root: Path) -> dict[str, NotebookNode]:
    paths = sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    return {path.relative_to(root).as_posix(): read(path) for path in paths}


def test_command_says_what_changed_and_what_to_do_next(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(cli, "NOTEBOOKS", root / "notebooks")
    assert cli.main(["publish", "--repo", "git@github.com:ada/pixels.git", "--branch", "dev"]) == 0
    *changed, last = capsys.readouterr().out.splitlines()
    assert changed == [f"{name}: stamped" for name in (*TEXTS, *CHAPTERS)]
    assert last.startswith("This copy is that of https://github.com/ada/pixels: commit, and push")
    assert "branch dev" in last


@pytest.mark.parametrize(
    ("repo", "status", "sentence"),
    [("ada", 2, "'ada' is no repo"), ("OWNER/x", 2, "OWNER stands"), ("ada/x", 1, "no copy of")],
)
def test_command_answers_what_is_wrong_with_one_sentence(
    tmp_path: Path,
    repo: str,
    status: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(cli, "NOTEBOOKS", tmp_path / "notebooks")
    assert cli.main(["publish", "--repo", repo]) == status
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
