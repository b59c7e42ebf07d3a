"""Edges and numbers of a small graph as text: what a learner types, and what it means."""

import re
from collections.abc import Collection, Sequence

import numpy as np

from course_utils.explorers.base import ExplorerError

MOST_NODES = 8
LARGEST_VALUE = 100
LONGEST_QUOTE = 12  # characters

Edge = tuple[int, int]  # source and target

_EDGE = re.compile(r"([0-9]{1,6})([->])([0-9]{1,6})")
_SAME = str.maketrans({"−": "-", "–": "-", "→": ">"})


def read_edges(text: str, nodes: int) -> list[Edge]:
    """The edges that a text describes, each as (source, target), in order.

    "0-1" goes both ways and gives two of them, "0>1" one, and "4-4" is a self-loop. Commas,
    semicolons, spaces or new lines separate edges.

    Args:
        text: what was typed.
        nodes: their number.

    Raises:
        ExplorerError: the text is something else; the sentence says what to write.
    """
    found: set[Edge] = set()
    tight = re.sub(r"\s*([->])\s*", r"\1", text.translate(_SAME).replace("->", ">"))
    for word in re.split(r"[,;\s]+", tight.strip(" ,;\n\t")):
        if not word:
            continue
        match = _EDGE.fullmatch(word)
        if match is None:
            raise ExplorerError(
                f"{_quoted(word)} is no edge: write edges such as 0-1, 0>1 for one direction only, "
                "or 2-2 for a self-loop, with commas between them."
            )
        source, target = int(match[1]), int(match[3])
        if max(source, target) >= nodes:
            numbers = "only node 0" if nodes == 1 else f"the nodes 0 to {nodes - 1}"
            raise ExplorerError(
                f"There is no node {max(source, target)}, as the edge {word} needs: the values "
                f"are those of {numbers}. Change this edge, or add a value."
            )
        new = {(source, target)} if match[2] == ">" else {(source, target), (target, source)}
        if new & found:
            what = f"self-loop at {source}" if source == target else f"edge {word}"
            raise ExplorerError(f"The {what} is there twice: take it out once.")
        found |= new
    return sorted(found)


def write_edges(edges: Collection[Edge]) -> str:
    """Edges (source, target) as a text that `read_edges` reads; the same for every order."""
    words = []
    for low, high in sorted({(min(edge), max(edge)) for edge in edges}):
        if {(low, high), (high, low)} <= set(edges):
            words.append(f"{low}-{high}")
        else:
            words.append(f"{low}>{high}" if (low, high) in edges else f"{high}>{low}")
    return ", ".join(words)


def read_values(text: str) -> np.ndarray:
    """The numbers that a text lists, one for each node, float64 [N]; 1 to 8 of them.

    Raises:
        ExplorerError: the text is something else; the sentence says what to write.
    """
    words = text.replace(",", " ").replace(";", " ").split()
    if not 1 <= len(words) <= MOST_NODES:
        count = "no values" if not words else f"{len(words)} values"
        raise ExplorerError(
            f"There are {count}: write 1 to {MOST_NODES} numbers, one for each node, "
            "with commas between them."
        )
    return np.array([_value(word) for word in words])


def write_values(values: Sequence[float]) -> str:
    """Numbers as a text that `read_values` reads."""
    return ", ".join(f"{value:g}" for value in values)


def _value(word: str) -> float:
    try:
        value = float(word.replace("−", "-"))
    except ValueError:
        raise ExplorerError(
            f"{_quoted(word)} is no number: write numbers such as 2, -1 or 0.5, "
            "with commas between them."
        ) from None
    if not abs(value) <= LARGEST_VALUE:  # NaN, too
        raise ExplorerError(
            f"{_quoted(word)} is no value that can be shown: write numbers from "
            f"−{LARGEST_VALUE} to {LARGEST_VALUE}."
        )
    return value


def _quoted(word: str) -> str:
    return repr(word if len(word) <= LONGEST_QUOTE else word[: LONGEST_QUOTE - 1] + "…")
