"""Run a script of the notebook's in several processes at once, as `torchrun` does."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = 120  # after which a run counts as stuck


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
    """What ended the process that, as torchrun reports, failed first: an error, or its last line.

    Args:
        report: what torchrun itself wrote.
        folder: holds what the processes wrote.
    """
    if failed := re.search(r"local_rank: (\d+)", report):
        logs = folder.rglob(f"{failed[1]}/stderr.log")
        report = "".join(log.read_text("utf-8", "replace") for log in logs)
    lines = [re.sub(r"^\[rank\d+\]: ?", "", line) for line in report.splitlines()]
    lines = [line for line in lines if line.strip()]
    starts = [place for place, line in enumerate(lines) if line.startswith("Traceback (most ")]
    if starts:
        lines = [line for line in lines[starts[-1] + 1 :] if not line.startswith(" ")][:1]
    return lines[-1].strip() if lines else "it ended without a reason."
