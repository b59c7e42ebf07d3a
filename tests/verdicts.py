"""Ask a checker as a notebook does, and read what it prints."""

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any


def printed(run: Callable[[], object]) -> str:
    """What `run` prints, which returns None and prints no long line, as one line."""
    with redirect_stdout(io.StringIO()) as out:
        assert run() is None
    assert all(len(line) <= 88 for line in out.getvalue().splitlines())
    return " ".join(out.getvalue().split())


def verdict(check: Callable[..., None], *answers: Any) -> str:
    """The one paragraph that `check` prints."""
    return printed(lambda: check(*answers))
