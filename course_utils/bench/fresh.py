"""Run a function in a fresh Python process, whose peak memory and environment are its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from course_utils.bench import BenchFailed

Result = dict[str, Any]


def run_fresh(
    function: Callable[..., Result],
    *,
    settings: Mapping[str, str] | None = None,
    unset: Iterable[str] = (),
    **arguments: Any,
) -> Result:
    """What `function(**arguments)` returns in a process of its own, and that process's peak memory.

    What the function writes to stderr, as progress bars do, is seen.

    Args:
        function: of a module's top level; its arguments and results are what JSON can hold.
        settings: environment variables to set.
        unset: environment variables that are not there when the function's module is imported.

    Returns:
        The results by name; "import_bytes" and "peak_bytes", the most memory until the imports were
        done, and until the end (see `peak_bytes`).

    Raises:
        BenchFailed: the process did not run to its end.
    """
    order = {
        "function": [function.__module__, function.__name__],
        "unset": list(unset),
        "arguments": arguments,
    }
    command = [sys.executable, "-m", "course_utils.bench.fresh", json.dumps(order)]
    environment = os.environ | (settings or {})
    # An interrupt kills the process before it goes on.
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        raise BenchFailed(
            f"A process ended early, with status {run.returncode}: close other programs, "
            "which may need the memory, and try again."
        )
    return json.loads(run.stdout.splitlines()[-1])


def peak_bytes() -> int | None:
    """The most memory that was resident for this process so far, in bytes; None on Windows."""
    # Not ru_maxrss where it can be avoided: Linux starts it at the peak of the parent process.
    status = Path("/proc/self/status")
    lines = status.read_text("utf-8").splitlines() if status.exists() else []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024  # "VmHWM:   1234 kB", which are KiB
    try:
        import resource
    except ModuleNotFoundError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    """The fresh process: do what the first argument says, and print the results as JSON."""
    # Ctrl-C reaches all processes of a terminal: the parent decides, and ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = json.loads(sys.argv[1])
    for name in order["unset"]:  # the import of course_utils has set one of them again
        os.environ.pop(name, None)
    module, name = order["function"]
    function = getattr(import_module(module), name)
    imports = peak_bytes()
    result = function(**order["arguments"])
    print(json.dumps(result | {"import_bytes": imports, "peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    main()
