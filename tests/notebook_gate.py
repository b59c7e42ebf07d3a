"""What nbval leaves out when it runs a notebook again: pictures, and where a cell reaches for."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from nbformat import NotebookNode
from nbval.plugin import IPyNbCell
from picture_rules import difference, pictures

from course_utils.sources import DataUnavailable, prefetch

OFFLINE = Path(__file__).with_name("offline")
LOG = pytest.StashKey[Path]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Start the kernels of notebooks without a network, once their data are there."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    if LOG not in item.config.stash:
        try:
            prefetch()
        except DataUnavailable as problem:
            print(f"{problem}\nThe notebooks run on the data that ship with the course.")
        folder = TemporaryDirectory()
        item.config.add_cleanup(folder.cleanup)
        item.config.stash[LOG] = Path(folder.name, "log")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("COURSE_OFFLINE_LOG", str(item.config.stash[LOG]))
        patched.setenv("PYTHONPATH", str(OFFLINE), prepend=os.pathsep)
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Compare what nbval does not compare."""
    result = yield
    if isinstance(item, IPyNbCell):
        if attempts := _attempts(item.config.stash[LOG]):
            item.raise_cell_error("Cell tried to leave this machine", "\n".join(attempts))
        outputs = item.cell.outputs, item.test_outputs
        # Copies in other folders run without the project's conftest, and so without its options.
        may_differ = item.config.getoption("other_pictures", False)
        pixels = item.options["check"] and not may_differ
        if different := list(differences(*outputs, pixels=pixels)):
            item.raise_cell_error("Cell outputs differ", "\n".join(different))
    return result


def differences(
    saved: list[NotebookNode], new: list[NotebookNode], *, pixels: bool = True
) -> Iterator[str]:
    """How the kinds and pictures of a cell's outputs differ from those of its next run.

    Text is not looked at, and neither is the order of streams among the rest.

    Args:
        pixels: whether pictures must look alike, too.
    """
    saved, new = ([output for output in outputs if "data" in output] for outputs in (saved, new))
    if [sorted(output.data) for output in saved] != [sorted(output.data) for output in new]:
        yield f"saved are {_kinds(saved)}, and now come {_kinds(new)}"
        return
    for number, (before, after) in enumerate(zip(saved, new, strict=True), start=1):
        for kind in pictures(before) if pixels else ():
            if problem := difference(before.data[kind], after.data[kind]):
                yield f"the picture of output {number} {problem}"


def _kinds(outputs: list[NotebookNode]) -> str:
    return "; ".join(" with ".join(sorted(output.data)) for output in outputs) or "no outputs"


def _attempts(log: Path) -> list[str]:
    if not log.exists():
        return []
    attempts = log.read_text("utf-8").splitlines()
    log.unlink()
    return attempts
