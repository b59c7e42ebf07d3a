"""Python on this path reaches no other machine: it refuses, and notes in a file who tried.

Python imports a module of this name at its start, in kernels and in what they start.
"""

import os
import socket
import sys

LOG = os.environ["COURSE_OFFLINE_LOG"]
HIDDEN = os.environ.get("COURSE_OFFLINE_HIDDEN")  # a folder that seems not to be there
HERE = {"", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::", socket.gethostname(), None}
FETCHERS = {"apt-get", "apt", "curl", "wget", "git", "pip", "uv", "conda"}


def _refuse(what: str) -> None:
    with open(LOG, "a", encoding="utf-8") as log:
        log.write(f"{what}\n")
    raise OSError(f"Without a network: {what} was refused.")


def _host(name: object) -> object:
    return name.decode() if isinstance(name, bytes) else name


def _watch(event: str, arguments: tuple) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and _host(address[0]) not in HERE:  # others are local files
            _refuse(f"a connection to {address[0]}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if _host(arguments[0]) not in HERE:
            _refuse(f"looking up {_host(arguments[0])}")
    elif event == "subprocess.Popen":
        command = arguments[1] if isinstance(arguments[1], list | tuple) else [arguments[1]]
        if os.path.basename(os.fspath(command[0])).split()[0] in FETCHERS:
            _refuse(f"running {os.path.basename(os.fspath(command[0]))}")


sys.addaudithook(_watch)

if HIDDEN:
    _exists = os.path.lexists
    os.path.lexists = lambda path: not os.fspath(path).startswith(HIDDEN) and _exists(path)
