"""What one other busy program costs a training: the published loop, and the course's."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from course_utils.bench.comparison import UNKNOWN
from course_utils.bench.machine import need_fashion_mnist
from course_utils.bench.published import seconds_per_step
from course_utils.bench.training import fit_in_fresh, published_in_fresh
from course_utils.progress import Progress
from course_utils.tables import Table

NETWORK = "FashionCNN"
PUBLISHED_STEPS, FIT_STEPS = 50, 100
# Ends when its parent is gone, too, and within the hour where a parent's end cannot be seen.
SPIN = """
import os, time
end, parent = time.monotonic() + 3600, int({parent})
while os.getppid() == parent and time.monotonic() < end:
    for _ in range(100_000):
        pass
"""


@contextmanager
def busy_process() -> Iterator[subprocess.Popen]:
    """Inside, another process keeps one core busy."""
    process = subprocess.Popen([sys.executable, "-c", SPIN.format(parent=os.getpid())])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def measure() -> Iterator[Table]:
    """A table of seconds per step, quiet and with a busy process.

    Raises:
        DataUnavailable: Fashion-MNIST is not on this machine.
        BenchFailed: a training ended early.
    """
    need_fashion_mnist()
    loops = {"fit": _fit, "published loop": _published}
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    try:
        with Progress(2 * len(loops), "busy", "runs") as bar:
            for name, loop in loops.items():
                for surroundings in (nullcontext, busy_process):
                    with surroundings():
                        seconds[name].append(loop())
                    bar.update()
    finally:  # after an interrupt too
        if seconds["fit"]:
            yield busy_table(seconds)


def _fit() -> float:
    run = fit_in_fresh(NETWORK, steps=FIT_STEPS, bar=False)
    return sum(run["epoch_seconds"]) / run["steps"]


def _published() -> float:
    return seconds_per_step(published_in_fresh(NETWORK, steps=PUBLISHED_STEPS, bar=False))


def busy_table(seconds: dict[str, list[float]]) -> Table:
    """Seconds per step of each loop, quiet and busy; those not measured are unknown."""
    rows = []
    for name, measured in seconds.items():
        quiet, busy = [*measured, None, None][:2]
        ratio = None if busy is None else busy / quiet
        rows.append([name, _text(quiet, ".3f"), _text(busy, ".3f"), _text(ratio, ".1f")])
    return Table([f"{NETWORK}, seconds per step", "quiet", "with a busy process", "ratio"], rows)


def _text(number: float | None, form: str) -> str:
    return UNKNOWN if number is None else format(number, form)
