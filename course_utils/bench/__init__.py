"""How fast the course is on this machine: `course bench` measures it and prints tables.

Each part is a module of this package with `measure()`, which gives its tables, best one by one as
they are ready.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Part:
    """What a part measures, and the minutes that it takes on two CPU cores."""

    about: str
    minutes: int


PARTS = {
    "training": Part("chapter 2's training against the loop as it was published", 12),
    "busy": Part("the same two while another program keeps a core busy", 2),
    "explorers": Part("how soon an explorer answers a change", 3),
    "imports": Part("how long imports take", 4),
    "notebooks": Part("how long each notebook takes to run", 9),
    "scaling": Part("training with more images, threads and processes", 6),
}


class BenchFailed(Exception):
    """Something could not be measured; the message says what, and what to do."""


def run(names: Iterable[str]) -> bool:
    """Measure these parts, and print each table as soon as it is ready.

    Args:
        names: keys of `PARTS`.

    Returns:
        Whether all could be measured; what could not is said on stderr.
    """
    # Only now: `course --help` imports this module and must not wait for torch.
    from course_utils.bench.machine import facts
    from course_utils.sources import DataUnavailable

    print(facts(), flush=True)
    complete = True
    for name in names:
        try:
            for table in import_module(f"course_utils.bench.{name}").measure():
                print(f"\n{table!r}", flush=True)
        except (BenchFailed, DataUnavailable) as problem:
            print(f"{name}: {problem}", file=sys.stderr)
            complete = False
    return complete
