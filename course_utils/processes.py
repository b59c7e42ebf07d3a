"""Run a script of the notebook's in several processes at once, as `torchrun` does."""

import os
import re
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

SECONDS = 120  # after which a run counts as stuck
# What a process says when another one has ended.
LOST = re.compile("gloo|nccl|connection|TCPStore", re.IGNORECASE)
IGNORED = ("Exception ignored", "Exception in thread")


class ProcessesFailed(Exception):
    """A script did not run to its end; the message holds what it wrote last."""


def torchrun(source: str, processes: int = 2, *, seconds: float = SECONDS) -> list[list[str]]:
    """Run a Python script in `processes` processes on this machine; they find each other.

    Args:
        source: the script. Each process learns its number from the variable RANK.
        processes: how many run at once.
        seconds: how long they may take.

    Returns:
        The lines that each process prints, in the order of their numbers.

    Raises:
        ProcessesFailed: a process raised, or the time is over.
        ValueError: fewer than one process.
    """
    if processes < 1:
        raise ValueError(f"At least one process must run, not {processes}.")
    # torchrun itself would print that it sets one thread for each process.
    settings = os.environ | {"OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script.py")
        script.write_text(source, "utf-8")
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += [f"--nproc-per-node={processes}"]
        # Into a file for each: in one pipe their lines would mix.
        command += [f"--log-dir={folder}", "--redirects=3", str(script)]
        run = subprocess.Popen(command, env=settings, stderr=subprocess.PIPE, text=True)
        try:
            _, errors = run.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise ProcessesFailed(f"The script still ran after {seconds:g} seconds.") from error
        finally:  # also when the learner interrupts the cell
            run.terminate()  # torchrun then ends its processes; killed, it would leave them
            run.communicate()
        if run.returncode:
            raise ProcessesFailed(f"The script failed: {_cause(errors, Path(folder))}")
        logs = {int(log.parent.name): log for log in Path(folder).rglob("stdout.log")}
        return [logs[rank].read_text("utf-8").splitlines() for rank in range(processes)]


def _cause(report: str, folder: Path) -> str:
    """What ended the script: an error of its own before one of a connection that was lost by it.

    Args:
        report: what torchrun itself wrote.
        folder: holds what the processes wrote.
    """
    logs = [log.read_text("utf-8", "replace") for log in sorted(folder.rglob("stderr.log"))]
    errors = [error for log in logs if (error := _raised(log))]
    if errors:
        return min(errors, key=lambda error: bool(LOST.search(error)))
    if killed := re.search(r"exitcode: -(\d+)", report):
        return f"a process was ended by signal {killed[1]}, perhaps for want of memory."
    lines = [line.strip() for log in logs for line in log.splitlines() if line.strip()]
    return lines[-1] if lines else "it ended without a reason."


def _raised(log: str) -> str | None:
    """The error that ended a process: of its last traceback but those that Python ignores."""
    lines = [re.sub(r"^\[rank\d+\]: ?", "", line) for line in log.splitlines()]
    starts = [
        place
        for place, (before, line) in enumerate(pairwise(["", *lines]))
        if line.startswith("Traceback (most ") and not before.startswith(IGNORED)
    ]
    after = lines[starts[-1] + 1 :] if starts else []
    return next((line for line in after if line.strip() and not line.startswith(" ")), None)
