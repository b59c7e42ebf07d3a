"""What a progress bar says in a notebook."""

from types import SimpleNamespace

import IPython.display
import pytest

from course_utils.progress import _NotebookBar


@pytest.mark.parametrize(
    ("done", "total", "unit", "words"),
    [
        (13_107_200, 26_421_880, "B", "13.1 of 26.4 MB"),
        (1_024, 29_515, "B", "1.0 of 29.5 kB"),
        (2_345_678, None, "B", "2.3 MB"),
        (1_234_567, 2_345_678, "batches", "1,234,567 of 2,345,678 batches"),
        (3, 9, "steps", "3 of 9 steps"),
        (7, None, "it", "7 it"),
    ],
)
def test_numbers_are_written_out(done, total, unit, words, monkeypatch):
    shown = []
    handle = SimpleNamespace(update=shown.append)
    monkeypatch.setattr(IPython.display, "display", lambda *_, **__: handle)
    bar = _NotebookBar(total, "data", unit)
    bar.update(done)
    bar.close()
    assert repr(shown[-1]) == f"data: {words}, 0 s"
