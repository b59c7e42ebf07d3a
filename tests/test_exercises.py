"""Every exercise in the notebooks: its placeholder is recognized, its solution is right."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from verdicts import printed

from course_utils.checks.convolution import IMAGE, KERNEL
from course_utils.checks.graph_by_hand import PAIRS, VALUES

FEWEST = 3  # exercises of a chapter
CHAPTERS_WITH_EXERCISES = ("01", "02", "03", "04", "05")
DETAILS = re.compile(r"<details><summary>([^<]+)</summary>\n\n(.+?)\n\n</details>", re.DOTALL)
PYTHON = re.compile(r"^```python\n(.+?)\n```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Exercise:
    title: str
    task: str
    imports: str
    placeholder: str
    check: str
    hints: list[str]
    solution: str


def exercises(notebook: NotebookNode) -> list[Exercise]:
    """The exercises of a notebook; ValueError says in which one a part is missing."""
    cells = notebook.cells
    starts = [place for place, cell in enumerate(cells) if cell.source.startswith("### Exercise")]
    found = [_exercise(cells[place : place + 4], _imports(cells[:place])) for place in starts]
    if has_section(notebook) and len(found) < FEWEST:
        raise ValueError(f"{len(found)} exercises under ## Exercises, fewer than {FEWEST}")
    return found


def has_section(notebook: NotebookNode) -> bool:
    lines = (line for cell in notebook.cells for line in cell.source.splitlines())
    return "## Exercises" in lines


def _exercise(cells: list[NotebookNode], imports: str) -> Exercise:
    title = cells[0].source.splitlines()[0]
    if [cell.cell_type for cell in cells] != ["markdown", "code", "code", "markdown"]:
        raise ValueError(f"{title}: not a task, a placeholder, a check and a solution in a row")
    task, placeholder, check, help_ = (cell.source for cell in cells)
    parts = DETAILS.findall(help_)
    hints = [text for name, text in parts if "hint" in name.lower()]
    solutions = [
        code for name, text in parts if name == "Solution" for code in PYTHON.findall(text)
    ]
    if not hints:
        raise ValueError(f"{title}: no hint")
    if len(solutions) != 1:
        raise ValueError(f"{title}: {len(solutions)} solutions")
    if "..." not in placeholder:
        raise ValueError(f"{title}: no placeholder")
    return Exercise(title, task, imports, placeholder, check, hints, solutions[0])


def _imports(cells: list[NotebookNode]) -> str:
    return "\n".join(
        ast.unparse(statement)
        for cell in cells
        if cell.cell_type == "code"
        for statement in _statements(cell.source)
        if isinstance(statement, ast.Import | ast.ImportFrom)
    )


def _statements(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except SyntaxError:  # the set-up cell, with its % line
        return []


def answered(exercise: Exercise, *answers: str) -> str:
    """What the check prints after the placeholder's cell, or after the answers in its place."""
    names: dict[str, Any] = {}
    for code in (exercise.imports, *answers):
        exec(code, names)
    return printed(lambda: exec(exercise.check, names))


def read_exercises(path: Path) -> list[Exercise]:
    return exercises(nbformat.read(path, as_version=4))


def test_chapter_has_its_exercises(notebook_path: Path):
    if notebook_path.name.startswith(CHAPTERS_WITH_EXERCISES):
        assert has_section(nbformat.read(notebook_path, as_version=4))
    titles = [exercise.title for exercise in read_exercises(notebook_path)]
    numbers = [int(re.match(r"### Exercise (\d+) · \w", title)[1]) for title in titles]
    assert numbers == list(range(1, len(titles) + 1))


def test_placeholders_are_not_attempted_and_solutions_are_right(notebook_path: Path):
    for exercise in read_exercises(notebook_path):
        untouched = answered(exercise, exercise.placeholder)
        assert untouched.startswith("Not attempted yet: "), exercise.title
        solved = answered(exercise, exercise.placeholder, exercise.solution)
        assert solved.startswith("Right: "), f"{exercise.title}: {solved}"


def test_an_answer_leaves_the_chapters_names_alone(notebook_path: Path):
    """Whoever has answered an exercise may run an earlier cell again."""
    cells = nbformat.read(notebook_path, as_version=4).cells
    answers = {exercise.placeholder for exercise in read_exercises(notebook_path)}
    code = {cell.source for cell in cells if cell.cell_type == "code"}
    taken = {name for source in code - answers for name in _assigned(source)}
    assert not taken & {name for source in answers for name in _assigned(source)}


def _assigned(source: str) -> set[str]:
    """Names that a cell binds at its top level."""
    names = set()
    for node in ast.parse(re.sub(r"^(\s*)%.*", r"\1pass", source, flags=re.MULTILINE)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        else:
            inner = [n for n in ast.walk(node) if isinstance(n, ast.comprehension)]
            own = {id(n) for part in inner for n in ast.walk(part.target)}  # not seen outside
            stored = (n for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in own)
            names |= {n.id for n in stored if isinstance(n.ctx, ast.Store)}
    return names


def test_the_sum_by_hand_is_the_checkers():
    paths = Path(__file__).parents[1].glob("notebooks/01_*.ipynb")
    tasks = [exercise.task for path in paths for exercise in read_exercises(path)]
    [table] = [task for task in tasks if "picture      kernel" in task]
    rows = [line.split() for line in table.splitlines() if re.fullmatch(r"[\d\s-]*\d", line)]
    picture = [[float(number) for number in row[:4]] for row in rows]
    kernel = [[float(number) for number in row[4:]] for row in rows if row[4:]]
    assert (picture, kernel) == (IMAGE.tolist(), KERNEL.tolist())


def test_the_graph_by_hand_is_the_checkers():
    path = Path(__file__).parents[1] / "notebooks" / "05_graph_convolution.ipynb"
    [task] = [each.task for each in read_exercises(path) if "Exercise 1 " in each.title]
    pairs = re.findall(r"\((\d), (\d)\)", task)
    assert tuple((int(first), int(second)) for first, second in pairs) == PAIRS
    [values] = re.findall(r"^value +(.+)$", task, re.MULTILINE)
    assert tuple(float(value) for value in values.split()) == VALUES


HELP = """<details><summary>Hint</summary>

Half of 4.

</details>

<details><summary>Solution</summary>

```python
answer = 2
```

Why.

</details>"""
CHECK = "print('Not attempted yet: x' if answer is ... else f'Right: {answer}')"


def small_notebook(*edits: tuple[str, str]) -> NotebookNode:
    """Three exercises, the second of them edited."""

    def cells(number: int) -> Iterator[NotebookNode]:
        for kind, source in (
            (new_markdown_cell, f"### Exercise {number} · Two\n\nWhat is 4 / 2?"),
            (new_code_cell, "answer = ..."),
            (new_code_cell, CHECK),
            (new_markdown_cell, HELP),
        ):
            for old, new in edits if number == 2 else ():
                source = source.replace(old, new)
            yield kind(source)

    section = new_markdown_cell("## Exercises")
    set_up = [new_code_cell("%pip install x"), new_code_cell("import math\nmath.pi")]
    return new_notebook(cells=[*set_up, section, *cells(1), *cells(2), *cells(3)])


def test_a_good_notebook_is_read():
    first, second, third = exercises(small_notebook())
    assert (first.imports, second.solution, third.hints) == (
        "import math",
        "answer = 2",
        ["Half of 4."],
    )
    assert answered(first, first.placeholder) == "Not attempted yet: x"
    assert answered(first, first.placeholder, first.solution) == "Right: 2"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<summary>Hint", "<summary>Clue", "Exercise 2 · Two: no hint"),
        ("<summary>Solution", "<summary>Answer", "Exercise 2 · Two: 0 solutions"),
        ("```python", "```text", "Exercise 2 · Two: 0 solutions"),
        ("Hint</summary>\n\n", "Hint</summary>\n", "Exercise 2 · Two: no hint"),
        ("answer = ...", "answer = 0", "Exercise 2 · Two: no placeholder"),
        ("### Exercise 2", "### Lesson 2", "2 exercises under ## Exercises, fewer than 3"),
    ],
)
def test_a_missing_part_is_noticed(old, new, words):
    with pytest.raises(ValueError, match=words):
        exercises(small_notebook((old, new)))


def test_a_missing_cell_is_noticed():
    notebook = small_notebook()
    del notebook.cells[5]
    with pytest.raises(ValueError, match="Exercise 1 · Two: not a task, a placeholder, a check"):
        exercises(notebook)
