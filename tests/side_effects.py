"""What code does beside computing: files that it writes, processes that it starts, and the like."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Names of Python's audit events; those of a family begin alike.
EVENTS = (
    *("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"),
    *("os.chmod", "shutil.", "tempfile."),
    *("os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "os.startfile", "pty."),
    *("subprocess.", "socket.connect", "socket.sendto", "urllib.", "webbrowser."),
    "pickle.find_class",
)
_seen: list[str] | None = None  # None: nobody is watching


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _seen is None:
        return
    if event == "open":
        path, _, flags = arguments
        if flags & WRITING:
            _seen.append(f"wrote {path}")
    elif event.startswith(EVENTS):
        _seen.append(f"{event} {arguments}")


sys.addaudithook(_note)  # it stays as long as Python runs


@contextlib.contextmanager
def side_effects() -> Iterator[list[str]]:
    """The side effects of what runs inside, one text for each; compiled imports do not count."""
    global _seen
    compiled, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    _seen = seen = []
    try:
        yield seen
    finally:
        _seen = None
        sys.dont_write_bytecode = compiled
