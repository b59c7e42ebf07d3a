"""What every committed notebook must be, as pure functions of the notebook.

nbval runs the notebooks again and compares text; it does not see a missing picture, a stripped
cell or a wrong execution count. These rules do.
"""

import ast
import io
import json
import re
import statistics
import tokenize
import warnings
from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode
from nbval.plugin import find_comment_markers, find_metadata_tags
from picture_rules import PICTURE_TYPES, picture_problems, pictures

from course_utils.execute import is_signed

KNOWN_TAGS = {"nbval-ignore-output"}
MAX_CELL_LINES = 25
MAX_MEDIAN_LINES = 9
MAX_BYTES = 2_000_000
MIN_COMPARED_SHARE = 0.7

WIDGET_TYPE = "application/vnd.jupyter.widget-view+json"
DISPLAYING_CALLS = {"print", "display", "show"}
MACHINE_PATH = re.compile(
    r"(?<![\w.:/<-])/(?:root|home|tmp|work|usr|mnt|content|Users|private|var)/"
    r"|\b[A-Z]:\\Users\\"
)


def problems(notebook: NotebookNode) -> list[str]:
    """Every breach of the rules in `notebook`, one sentence each; empty for a good notebook."""
    if invalid := list(validity_problems(notebook)):
        return invalid
    found = list(notebook_problems(notebook))
    for number, cell in enumerate(code_cells(notebook), start=1):
        found += [f"cell {number}: {problem}" for problem in cell_problems(cell, number)]
    return found


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def compared_cells(notebook: NotebookNode) -> tuple[int, int]:
    """How many code cells nbval compares, and how many say something that it could compare.

    Pictures say nothing to nbval: neither they nor the text/plain beside them count.
    """
    speaking = [cell for cell in code_cells(notebook) if _spoken(cell)]
    return sum(map(_is_compared, speaking)), len(speaking)


def _spoken(cell: NotebookNode) -> list[str]:
    """The texts in the outputs of `cell` that nbval compares."""
    texts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            texts.append(output.text)
        elif output.output_type != "error":
            silent = {*PICTURE_TYPES, WIDGET_TYPE}
            silent |= {"text/plain"} if any(pictures(output)) else set()
            texts += [output.data[mime] for mime in output.data.keys() - silent]
    return texts


def _is_compared(cell: NotebookNode) -> bool:
    options = dict(find_metadata_tags(cell.metadata)) | dict(find_comment_markers(cell.source))
    return options.get("check", True) and not options.get("skip", False)


def validity_problems(notebook: NotebookNode) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            nbformat.validate(deepcopy(notebook))
    except (nbformat.ValidationError, Warning) as error:
        yield f"is not valid nbformat: {str(error).splitlines()[0]}"


def notebook_problems(notebook: NotebookNode) -> Iterator[str]:
    if "widgets" in notebook.metadata:
        yield "carries widget state in metadata.widgets: `course execute` removes it"
    if not is_signed(notebook):
        yield "has code that was edited after it ran: run `course execute`"
    size = len(json.dumps(notebook, indent=1, ensure_ascii=False).encode())
    if size > MAX_BYTES:
        yield f"takes {size / 1e6:.1f} MB, over {MAX_BYTES / 1e6:.0f} MB"
    lengths = [len(cell.source.splitlines()) for cell in code_cells(notebook)]
    if lengths and statistics.median(lengths) > MAX_MEDIAN_LINES:
        median = statistics.median(lengths)
        yield f"has code cells of {median:g} lines in the median, over {MAX_MEDIAN_LINES}"
    imports = [name for cell in code_cells(notebook) for name in _imported_packages(cell)]
    if "torch" in imports and "course_utils" not in imports[: imports.index("torch")]:
        yield "imports torch before course_utils, which sets how torch's threads wait"


def cell_problems(cell: NotebookNode, number: int) -> Iterator[str]:
    yield from count_problems(cell, number)
    yield from source_problems(cell, is_setup=number == 1)
    yield from metadata_problems(cell)
    yield from output_problems(cell)


def promises(notebook: NotebookNode) -> list[str]:
    """The asserts in the code of `notebook`, in order, each on one line."""
    found = []
    for cell in code_cells(notebook):
        source = _plain_python(cell.source)
        nodes = sorted(filter(_is_promise, ast.walk(ast.parse(source))), key=lambda n: n.lineno)
        found += [" ".join(ast.get_source_segment(source, node).split()) for node in nodes]
    return found


def _is_promise(node: ast.AST) -> bool:
    called = node.value.func if _is_call_statement(node) else None
    return isinstance(node, ast.Assert) or getattr(called, "attr", "").startswith("assert_")


def _is_call_statement(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


def count_problems(cell: NotebookNode, number: int) -> Iterator[str]:
    counts = {cell.execution_count} | {
        output.execution_count for output in cell.outputs if "execution_count" in output
    }
    if None in counts:
        yield "was stripped or never run: it has no execution count"
    elif counts != {number}:
        yield f"was not run in order: its execution count is {min(counts)}"


def source_problems(cell: NotebookNode, is_setup: bool) -> Iterator[str]:
    lines = cell.source.splitlines()
    if len(lines) > MAX_CELL_LINES:
        yield f"has {len(lines)} lines, over {MAX_CELL_LINES}"
    if dict(find_comment_markers(cell.source)):
        yield "steers nbval with a comment: use a tag"
    try:
        tree = ast.parse(_plain_python(cell.source) if is_setup else cell.source)
    except SyntaxError:
        yield "is not plain Python: % and ! belong in the set-up cell"
        return
    if _has_trailing_semicolon(_plain_python(cell.source)):
        yield "ends a line with ;"
    if _surely_displays(tree) and not cell.outputs:
        yield "displays something but has no output: it was stripped"
    shows = sum(_called_name(node) == "show" for node in _always_run(tree))
    shown = sum(1 for output in cell.outputs for _ in pictures(output))
    if shown < shows:
        yield f"shows {shows} figures but has {shown} pictures"


def metadata_problems(cell: NotebookNode) -> Iterator[str]:
    for tag in sorted(set(cell.metadata.get("tags", [])) - KNOWN_TAGS):
        yield f"has the unknown tag {tag!r}"
    if "execution" in cell.metadata:
        yield "carries timings in its metadata: `course execute` removes them"


def output_problems(cell: NotebookNode) -> Iterator[str]:
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"raised {output.ename}"
        elif output.output_type == "stream":
            if output.name == "stderr":
                yield f"wrote to stderr: {output.text.strip()[:100]}"
        else:
            yield from picture_problems(output)
            if WIDGET_TYPE in output.data:
                yield from _widget_problems(output)
    for text in _spoken(cell):
        if isinstance(text, str) and (path := MACHINE_PATH.search(text)):
            yield f"shows a path of the machine it ran on: {text[path.start() :].split()[0]}"


def _widget_problems(output: NotebookNode) -> Iterator[str]:
    if not list(pictures(output)):
        yield "holds a widget without a picture: nothing is seen until it is run"
    view = output.data[WIDGET_TYPE]
    if (
        view.keys() != {"version_major", "version_minor", "model_id"}
        or (view["version_major"], view["version_minor"]) != (2, 0)
        or not re.fullmatch(r"[0-9a-f]{32}", view["model_id"])
    ):
        yield f"holds a widget view that no kernel made: {json.dumps(view)}"


def _plain_python(source: str) -> str:
    return TransformerManager().transform_cell(source)


def _imported_packages(cell: NotebookNode) -> Iterator[str]:
    try:
        tree = ast.parse(_plain_python(cell.source))
    except SyntaxError:
        return
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    for node in sorted(nodes, key=lambda node: node.lineno):
        if isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]
        else:
            yield from (alias.name.split(".")[0] for alias in node.names)


def _has_trailing_semicolon(source: str) -> bool:
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    line_ends = {tokenize.COMMENT, tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER}
    return any(
        token.string == ";" and token.type == tokenize.OP and following.type in line_ends
        for token, following in pairwise(tokens)
    )


def _always_run(tree: ast.Module) -> Iterator[ast.AST]:
    """The values of expression statements that run whenever the cell does."""
    blocks = [tree.body]
    while blocks:
        for statement in blocks.pop():
            if isinstance(statement, ast.Expr):
                yield statement.value
            elif isinstance(statement, ast.With):
                blocks.append(statement.body)


def _called_name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id
    return None


def _surely_displays(tree: ast.Module) -> bool:
    """Whether a cell always leaves an output; False where that depends on what a call returns.

    It does if it calls print, display or show, or ends in an expression that is no call (a name,
    a comparison, a list) or constructs an object (a call of a capitalized name).
    """
    if any(_called_name(node) in DISPLAYING_CALLS for node in _always_run(tree)):
        return True
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        return False
    if isinstance(last.value, ast.Call):
        return (_called_name(last.value) or "")[:1].isupper()
    return not isinstance(last.value, ast.Await | ast.Yield | ast.YieldFrom)
