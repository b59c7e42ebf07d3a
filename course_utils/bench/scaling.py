"""How training with `fit` grows with images, threads and processes, on the CPU."""

import json
from collections.abc import Iterator, Mapping

from course_utils.bench import BenchFailed
from course_utils.bench.fitted import run_fit
from course_utils.bench.fresh import run_fresh
from course_utils.bench.machine import need_fashion_mnist
from course_utils.processes import ProcessesFailed, torchrun
from course_utils.progress import Progress
from course_utils.tables import Table

NETWORK = "FashionCNN"
IMAGES = (10_000, 20_000, 40_000, 60_000)
WORKERS = ("1 thread", "2 threads", "1 process", "2 processes")  # each pair begins with one
LIMIT_SECONDS = 1800  # after which a training counts as stuck
IN_A_PROCESS = """
import json
import course_utils
import torch
from course_utils.bench.fitted import run_fit
from course_utils.distributed import process_group

with process_group(torch.device("cpu")):
    print(json.dumps(run_fit(**{arguments!r})))
"""


def measure() -> Iterator[Table]:
    """A table of one epoch with more and more images, threads and processes.

    Raises:
        DataUnavailable: Fashion-MNIST is not on this machine.
        BenchFailed: a training ended early.
    """
    need_fashion_mnist()
    runs = [(images, workers) for images in IMAGES for workers in WORKERS]
    seconds: dict[tuple[int, str], float] = {}
    try:
        with Progress(len(runs), "scaling", "trainings") as bar:
            for images, workers in runs:
                seconds[images, workers] = epoch_seconds(images, workers)
                bar.update()
    finally:  # after an interrupt too
        if seconds:
            yield scaling_table(seconds)


def epoch_seconds(images: int, workers: str) -> float:
    """Seconds of an epoch, in processes of its own.

    Args:
        images: how many of the training images.
        workers: one of `WORKERS`. Threads share a process; processes have one thread each, and
            are started by torchrun.

    Raises:
        BenchFailed: the training ended early.
    """
    arguments = {"network": NETWORK, "images": images, "device": "cpu"}
    count, kind = workers.split()
    if kind.startswith("thread"):
        run = run_fresh(run_fit, settings={"OMP_NUM_THREADS": count}, **arguments)
        return run["epoch_seconds"][0]
    try:
        printed = torchrun(
            IN_A_PROCESS.format(arguments=arguments), int(count), seconds=LIMIT_SECONDS
        )
    except ProcessesFailed as problem:
        raise BenchFailed(str(problem)) from problem
    return json.loads(printed[0][-1])["epoch_seconds"][0]


def scaling_table(seconds: Mapping[tuple[int, str], float]) -> Table:
    """What was measured.

    Args:
        seconds: of an epoch, by images and workers; two after one.
    """
    rows = []
    for (images, workers), measured in seconds.items():
        one = seconds[images, WORKERS[WORKERS.index(workers) // 2 * 2]]
        row = [f"{images:,}", workers, f"{measured:.1f}", f"{images / measured:,.0f}"]
        rows.append([*row, f"{one / measured:.2f}"])
    header = [f"{NETWORK}, images", "with", "seconds per epoch", "images per second", "speed-up"]
    return Table(header, rows)
