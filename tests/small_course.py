"""A made-up copy of the course: every place that names its address, and two short notebooks."""

from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.addresses import Repository
from course_utils.execute import layout, sign

ADA = Repository("ada", "pixels")
CHAPTERS = ("notebooks/01_one.ipynb", "notebooks/02_two.ipynb")
FOREIGN = "From github.com/googlefonts/noto-emoji and https://github.com/ada/convolutions.\n"
TEXTS = {
    "pyproject.toml": """\
[project]
name = "convolution-course"
[project.urls]
Repository = "https://github.com/OWNER/convolution-course"
Issues = "https://github.com/OWNER/convolution-course/issues"
""",
    "README.md": f"""\
# A course
git clone git@github.com:OWNER/convolution-course.git

| chapter | time | to run |
|:--|--:|--:|
| 1 · One | 60 min | 25 s |
| 2 · Two | 70 min | 30 s |

| command | what it does |
|:--|:--|
| `course` | See https://github.com/OWNER/convolution-course. |
{FOREIGN}""",
    "data/README.md": f"github.com/OWNER/convolution-course made it.\n{FOREIGN}",
    ".github/workflows/ci.yml": "# https://raw.githubusercontent.com/OWNER/convolution-course/main/x\n",
}
SET_UP = 'COURSE = "git+https://github.com/OWNER/convolution-course"\nimport course_utils'


def chapter(*sources: str) -> NotebookNode:
    """A signed notebook as `course execute` leaves it; the last cell of code prints 1."""
    code = [new_code_cell(text, execution_count=n) for n, text in enumerate(sources, start=1)]
    code[-1].outputs = [new_output("stream", name="stdout", text="1\n")]
    text = "Chapters: [here](https://github.com/OWNER/convolution-course). " + FOREIGN.strip()
    notebook = new_notebook(cells=[new_markdown_cell("# One"), *code, new_markdown_cell(text)])
    sign(notebook)
    return notebook


def make_course(root: Path) -> Path:
    """Write a small course that nobody has published into the folder `root`, and return it."""
    for name, text in TEXTS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    (root / "notebooks").mkdir()
    for name in CHAPTERS:
        (root / name).write_bytes(layout(chapter(SET_UP, "print(1)")).encode())
    return root


def contents(root: Path) -> dict[str, str]:
    """Every file by its path within `root`."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes().decode() for path in files}


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def badge(repository: str, branch: str, file: str) -> str:
    return (
        "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
        f"(https://colab.research.google.com/github/{repository}/blob/{branch}/{file})"
    )


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    """A function that replaces the text `old`, which must be there, in one file of a course."""

    def change(root: Path) -> None:
        text = (root / name).read_bytes().decode()
        assert old in text
        (root / name).write_bytes(text.replace(old, new).encode())

    return change
