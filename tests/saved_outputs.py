"""What a notebook's cells gave, compared with what is saved, by the rules of the nbval gate."""

import difflib
from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy

from nbformat import NotebookNode
from nbval.plugin import coalesce_streams
from notebook_rules import WIDGET_TYPE
from picture_rules import PICTURE_TYPES
from test_nbval import sanitize

SILENT = {*PICTURE_TYPES, WIDGET_TYPE}


def is_compared(cell: NotebookNode) -> bool:
    return "nbval-ignore-output" not in cell.metadata.get("tags", [])


def text_differences(saved: list[NotebookNode], new: list[NotebookNode]) -> Iterator[str]:
    """Where the texts of a cell's outputs differ; pictures and widgets are not looked at."""
    old, now = spoken(saved), spoken(new)
    for kind in sorted(old.keys() | now.keys()):
        if old[kind] != now[kind]:
            lines = ["\n".join(texts).splitlines() for texts in (old[kind], now[kind])]
            changed = difflib.unified_diff(*lines, "saved", "now", n=0, lineterm="")
            yield f"{kind} differs:\n" + "\n".join(changed)


def spoken(outputs: list[NotebookNode]) -> dict[str, list[str]]:
    """The texts of outputs by stream or MIME type, with what varies from run to run masked."""
    said = defaultdict(list)
    for output in coalesce_streams(deepcopy(outputs)):
        if output.output_type == "stream":
            said[output.name].append(sanitize(output.text))
        for mime in output.get("data", {}).keys() - SILENT:
            said[mime].append(sanitize(output.data[mime]))
    return said
