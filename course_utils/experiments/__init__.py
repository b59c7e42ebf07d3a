"""Runs over many seeds behind the course's claims; `course experiments NAME` writes their results.

Each experiment is a module with `RUNS`, the names of what is compared; `SEEDS`; and
`run(name, seed)`, which gives one run's measurements as plain numbers and lists.
"""

from importlib import import_module

from course_utils.progress import Progress
from course_utils.results import Results

NAMES = {
    "dnn_vs_cnn": "chapter 2: dense and convolutional networks on Fashion-MNIST",
}


def run(name: str) -> Results:
    """Run the experiment `name` for all its seeds and write `data/results/<name>.json`.

    Each run is kept as soon as it ends: after an interrupt, the same call goes on from there.

    Raises:
        ValueError: there is no experiment of that name.
    """
    if name not in NAMES:
        raise ValueError(f"There is no experiment {name!r}. There is: {', '.join(NAMES)}.")
    experiment = import_module(f"course_utils.experiments.{name}")
    results = Results.resume(name)
    todo = [
        (seed, key)
        for seed in experiment.SEEDS
        for key in experiment.RUNS
        if not results.has(key, seed)
    ]
    with Progress(len(todo), name, "runs") as bar:
        for seed, key in todo:
            results.add(key, seed, experiment.run(key, seed))
            bar.update()
    results.finish()
    return results
