"""Stamp a copy of the course with its address on GitHub, so that Google Colab can open it."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from course_utils.addresses import ADDRESS, BADGE, MAIN, PLACEHOLDER, Repository
from course_utils.execute import is_signed, layout, read, sign
from course_utils.files import replace_text

COURSE_LINE = re.compile(r'^(?P<name>COURSE = )"git\+[^"\n]*"$', re.MULTILINE)
CHAPTER_ROW = re.compile(r"\| (\d+) · .*\|$")
BADGE_COLUMN = (" open |", ":--|")  # what the header and the line below it gain


class PublishError(Exception):
    """A sentence: why the course could not be stamped, and what to do."""


@dataclass(frozen=True)
class _Course:
    """A checkout of the course, and how its own addresses are told from those of others."""

    root: Path
    repository: Repository  # as pyproject.toml has it; its branch is not known
    names: frozenset[str]  # of repositories that are this course, in lower case
    chapters: dict[int, Path]

    @classmethod
    def open(cls, root: Path) -> "_Course":
        chapters: dict[int, Path] = {}
        for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
            twin = chapters.setdefault(int(path.name[:2]), path)
            if twin != path:
                raise PublishError(
                    f"{twin.name} and {path.name} are the same chapter: move one of them out of "
                    f"{path.parent}."
                )
        if not chapters or not (root / "pyproject.toml").is_file():
            raise PublishError(
                f"{root} is no copy of the course's repository: download one, and run "
                "`uv run course publish` in it."
            )
        project, repository = _repository(_read(root / "pyproject.toml"))
        names = frozenset({project.lower(), repository.name.lower()})
        return cls(root, repository, names, chapters)

    def texts(self) -> list[Path]:
        """The files other than notebooks that may hold the address, pyproject.toml first."""
        names = ("pyproject.toml", "README.md", "data/README.md")
        files = [path for name in names if (path := self.root / name).is_file()]
        hidden = sorted((self.root / ".github").rglob("*.*"))
        return files + [path for path in hidden if path.suffix in {".md", ".yml", ".yaml"}]

    def place(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def is_own(self, address: re.Match) -> bool:
        return address["own"] is not None or address["name"].lower() in self.names

    def restamp(self, text: str, repository: Repository) -> str:
        """`text` with `repository` in each address and badge of the course that it has."""

        def stamp(found: re.Match) -> str:
            if self.is_own(found):
                return f"{found['own'] or ''}{found['host']}{repository}{found['rest']}"
            if found["name"].lower() == repository.name.lower():
                raise PublishError(
                    f"The course refers to another project of this name, "
                    f"github.com/{found['owner']}/{found['name']}: call your repository otherwise."
                )
            return found[0]

        return BADGE.sub(lambda found: repository.badge(found["file"]), ADDRESS.sub(stamp, text))


def publish(root: Path, repository: Repository) -> list[str]:
    """Stamp the checkout at `root` with the address of `repository`, and add badges for Colab.

    Every new text is made before the first file is written, and each file is replaced in one
    step. To do it again changes nothing; another repository takes the place of the first.

    Returns:
        The files that changed, as paths within `root`.

    Raises:
        PublishError: there is no checkout, something in it is not as expected, or a file cannot
            be written.
        NotebookError: a notebook cannot be read.
    """
    course = _Course.open(root)
    stamped: dict[Path, str] = {}
    for path in course.texts():
        old = _read(path)
        new = course.restamp(old, repository)
        if course.place(path) == "README.md":
            new = _with_badges(new, course, repository)
        if new != old:
            stamped[path] = new
    stamped |= _stamped_notebooks(course, repository)
    for path, text in stamped.items():
        try:
            replace_text(path, text)
        except OSError as error:
            raise PublishError(
                f"{course.place(path)} cannot be saved: {error.strerror}. Mend this, then run the "
                "same command again, which also stamps the files that are still to come."
            ) from error
    return [course.place(path) for path in stamped]


def _stamped_notebooks(course: _Course, repository: Repository) -> dict[Path, str]:
    notebooks = {path: read(path) for path in course.chapters.values()}
    edited = [course.place(path) for path in notebooks if not is_signed(notebooks[path])]
    if edited:
        raise PublishError(
            "Code was edited after it was run, or never run: first run "
            f"`uv run course execute {' '.join(edited)}`."
        )
    stamped = {}
    for path, notebook in notebooks.items():
        before = layout(notebook)
        _stamp_notebook(notebook, course, repository, course.place(path))
        if layout(notebook) != before:
            stamped[path] = layout(notebook)
    return stamped


def _stamp_notebook(
    notebook: NotebookNode, course: _Course, repository: Repository, place: str
) -> None:
    for cell in notebook.cells:
        cell.source = course.restamp(cell.source, repository)
    first = {cell.cell_type: cell for cell in reversed(notebook.cells)}
    if "markdown" not in first or "code" not in first:
        raise PublishError(f"{place} lacks a title or a set-up cell: copy another chapter's.")
    at = "" if repository.branch == MAIN else f"@{repository.branch}"
    line = rf'\g<name>"git+{repository.address}{at}"'
    first["code"].source, count = COURSE_LINE.subn(line, first["code"].source)
    if count != 1:
        raise PublishError(
            f'{place} lacks the line `COURSE = "git+{course.repository.address}"` in its first '
            "code cell: put it there."
        )
    title = re.sub(rf"\s*{BADGE.pattern}", "", first["markdown"].source).rstrip()
    first["markdown"].source = f"{title}\n\n{repository.badge(place)}"
    sign(notebook)


def _with_badges(text: str, course: _Course, repository: Repository) -> str:
    """The README with a last column of badges in its table of chapters."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(end)
    rows = {int(row[1]): n for n, line in enumerate(lines) if (row := CHAPTER_ROW.match(line))}
    if rows.keys() != course.chapters.keys():
        raise PublishError(
            "README.md's table of chapters and notebooks/ differ: give each chapter one row, "
            "such as `| 1 · Convolution | ... |`."
        )
    for number, row in rows.items():
        badge = repository.badge(course.place(course.chapters[number]))
        lines[row] = re.sub(rf" {BADGE.pattern} \|$", "", lines[row]) + f" {badge} |"
    header = min(rows.values()) - 2
    if not lines[header].endswith(BADGE_COLUMN[0]):
        for row, cell in enumerate(BADGE_COLUMN, start=header):
            lines[row] += cell
    return end.join(lines)


def strays(root: Path) -> list[str]:
    """Where the checkout at `root` disagrees with the address in its pyproject.toml.

    An address is the course's if its repository is called like the course, or if it stands in
    a badge, in a set-up cell's `COURSE` or in pyproject.toml's `Repository`. Others are links to
    other projects.

    Returns:
        A sentence for each address that names another repository, for each badge of a course
        that nobody has published, and for each badge of a file that is not there.

    Raises:
        PublishError: there is no checkout, or pyproject.toml has no address.
        NotebookError: a notebook cannot be read.
    """
    course = _Course.open(root)
    found = []
    for place, text in _sources(course):
        for address in filter(course.is_own, ADDRESS.finditer(text)):
            named = f"{address['owner']}/{address['name']}"
            if named != str(course.repository):
                found.append(f"{place} names {named}, pyproject.toml {course.repository}.")
        for badge in BADGE.finditer(text):
            if not course.repository.is_published:
                found.append(f"{place} has a badge, but nobody has published the course.")
            elif not (root / badge["file"]).is_file():
                found.append(f"{place} has a badge of {badge['file']}, which is not there.")
    return found


def _sources(course: _Course) -> Iterator[tuple[str, str]]:
    for path in course.texts():
        yield course.place(path), _read(path)
    for path in course.chapters.values():
        for cell in read(path).cells:
            yield course.place(path), cell.source


def _repository(pyproject: str) -> tuple[str, Repository]:
    """The project's name and its repository, as pyproject.toml has them."""
    try:
        project = tomllib.loads(pyproject)["project"]
        [address] = ADDRESS.finditer(f'Repository = "{project["urls"]["Repository"]}"')
    except (KeyError, ValueError) as error:
        raise PublishError(
            'pyproject.toml lacks the line `Repository = "https://github.com/'
            f'{PLACEHOLDER}/convolution-course"` below [project.urls]: put it there.'
        ) from error
    return project["name"], Repository(address["owner"], address["name"])


def _read(path: Path) -> str:
    """The text of a file, with the line ends that it has."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PublishError(f"{path} cannot be read: {error}") from error
