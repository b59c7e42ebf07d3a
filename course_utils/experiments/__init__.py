"""Runs over many seeds behind the course's claims; `course experiments NAME` writes their results.

Each experiment is a module with `RUNS`, the names of what is compared; `SEEDS`, or a function
`seeds(name)` where some need more than others; and `run(name, seed)`, which gives one run's
measurements as plain numbers, text and lists.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import active_children, get_context
from threading import RLock
from types import ModuleType

import torch
from tqdm import tqdm

from course_utils.environment import pick_device
from course_utils.progress import Progress
from course_utils.results import Measurements, Results

MOST_PROCESSES = 61  # of a pool on Windows
NAMES = {
    "global_pooling": "chapter 1: global average pooling, with few and with many channels",
    "dnn_vs_cnn": "chapter 2: dense and convolutional networks on Fashion-MNIST",
    "emoji_transfer": "chapter 3: six ways to a classifier of emoji, with few and more pictures",
    "transfer_strategies": "chapter 3: four strategies, for targets like and unlike the source",
    "layer_probes": "chapter 4: what a linear map reads off each layer, the picture or the class",
    "explanations": "chapter 4: do explanations tell the truth?",
    "graphs": "chapter 5: pixels, citations, depth and meshes",
}
Run = tuple[str, int]  # what is compared, and a seed


class ExperimentFailed(Exception):
    """An experiment ended early; the message says why, and what to do."""


def run(name: str, processes: int | None = None) -> Results:
    """Run the experiment `name` for all its seeds and write `data/results/<name>.json`.

    Each run is kept as soon as it ends: after an interrupt, the same call goes on from there.

    Args:
        name: one of `NAMES`.
        processes: runs at a time; by default one for each processor core, or one where there is a
            GPU. Small networks train faster side by side, each with one thread, than in turn.

    Raises:
        ValueError: there is no experiment of that name.
        ExperimentFailed: a process was killed, or results cannot be written.
        ResultsError: what an earlier call left is damaged.
    """
    if name not in NAMES:
        raise ValueError(f"There is no experiment {name!r}. There is: {', '.join(NAMES)}.")
    module = f"course_utils.experiments.{name}"
    experiment = import_module(module)
    if processes is None:
        processes = _cores() if pick_device().type == "cpu" else 1
    results = Results.resume(name, processes)
    runs = [(key, seed) for key in experiment.RUNS for seed in seeds_of(experiment, key)]
    todo = [(key, seed) for key, seed in runs if not results.has(key, seed)]
    measure = _in_turn if processes == 1 else _side_by_side
    try:
        with Progress(len(todo), name, "runs") as bar:
            for (key, seed), measured in measure(module, todo, processes):
                with _writing(name):
                    results.add(key, seed, measured)
                bar.update()
    except BrokenProcessPool as error:
        raise ExperimentFailed(
            "A process ended early, perhaps for want of memory: close other programs and run the "
            "same command again; what is done is kept."
        ) from error
    with _writing(name):
        results.finish()
    return results


@contextmanager
def _writing(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename or f"data/results/{name}.json"
        raise ExperimentFailed(
            f"The results cannot be written to {place} ({error.strerror or error}): make room "
            "there, or let it be written, and run the same command again."
        ) from error


def seeds_of(experiment: ModuleType, key: str) -> Iterable[int]:
    """The seeds with which `experiment` runs `key`."""
    return experiment.seeds(key) if hasattr(experiment, "seeds") else experiment.SEEDS


def _cores() -> int:
    """The processor cores that this process may use, as far as a pool can use them."""
    # Inside a container or a job of a cluster they are fewer than the machine has.
    allowed = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if allowed else os.cpu_count() or 1
    return min(cores, MOST_PROCESSES)


def _in_turn(
    module: str, todo: Sequence[Run], processes: int
) -> Iterator[tuple[Run, Measurements]]:
    for key, seed in todo:
        yield (key, seed), import_module(module).run(key, seed)


def _side_by_side(
    module: str, todo: Sequence[Run], processes: int
) -> Iterator[tuple[Run, Measurements]]:
    # A forked child would inherit torch's threads in a state that it cannot use.
    spawn = get_context("spawn")
    before = set(active_children())
    pool = ProcessPoolExecutor(processes, spawn, _prepare)
    try:
        runs = {pool.submit(_measure, module, *run): run for run in todo}
        for done in as_completed(runs):
            yield runs[done], done.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(active_children()) - before:
            child.terminate()  # it would finish the run that it holds
        raise
    pool.shutdown()


def _prepare() -> None:
    """What each process of the pool does first."""
    torch.set_num_threads(1)
    # tqdm's own lock is shared between processes, and Python complains if its owner is terminated.
    tqdm.set_lock(RLock())


def _measure(module: str, key: str, seed: int) -> Measurements:
    return import_module(module).run(key, seed)
