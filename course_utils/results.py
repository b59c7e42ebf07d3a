"""Results of experiments over many seeds: written by `course experiments`, read by notebooks."""

import json
import os
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from course_utils.environment import bfloat16_is_fast, pick_device
from course_utils.intervals import Interval, mean_interval
from course_utils.sources import shipped_folder

Measurements = dict[str, Any]  # numbers and lists of numbers by name
Measure = str | Callable[[Measurements], float]  # a number's name, or a function of all of a run


class ResultsError(ValueError):
    """A file of results cannot be used; the message says which, and what to do."""


def _circumstances(processes: int) -> dict[str, Any]:
    device = pick_device()
    return {
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in ("torch", "torchvision", "numpy")},
        "device": str(device),
        "bfloat16": bfloat16_is_fast(device),
        "processes": processes,
        "threads": torch.get_num_threads() if processes == 1 else 1,
    }


def _read(path: Path, remedy: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # bytes that are no text, and text that is no JSON, too
        content = None
    if not isinstance(content, dict) or not {"circumstances", "runs"} <= content.keys():
        raise ResultsError(f"{path} holds no results of an experiment. {remedy}")
    return content


class Results:
    """The runs of one experiment: for each thing compared and each seed, what was measured."""

    def __init__(self, name: str, content: dict[str, Any]):
        self.name = name
        self.circumstances: dict[str, Any] = content["circumstances"]
        self.runs: dict[str, dict[str, Measurements]] = content["runs"]

    @staticmethod
    def _path(name: str, suffix: str = "") -> Path:
        return shipped_folder() / "results" / f"{name}{suffix}.json"

    @classmethod
    def load(cls, name: str) -> "Results":
        """The finished results that came with the course.

        Raises:
            FileNotFoundError: the experiment has not been run.
            ResultsError: the file is damaged.
        """
        path = cls._path(name)
        if not path.exists():
            raise FileNotFoundError(
                f"There are no results of {name!r}: run `course experiments {name}`."
            )
        return cls(
            name, _read(path, "Restore it with `git checkout`, or install the course again.")
        )

    @classmethod
    def resume(cls, name: str, processes: int) -> "Results":
        """What an interrupted run left, if it was made under the same circumstances, or nothing.

        Raises:
            ResultsError: the file that it left is damaged.
        """
        now = _circumstances(processes)
        partial = cls._path(name, ".partial")
        content = _read(partial, "Delete it.") if partial.exists() else None
        if content is None or content["circumstances"] != now:
            content = {"circumstances": now, "runs": {}}
        return cls(name, content)

    def has(self, key: str, seed: int) -> bool:
        """Whether the run of `key` with `seed` is there."""
        return str(seed) in self.runs.get(key, {})

    def add(self, key: str, seed: int, measured: Measurements) -> None:
        """Keep one run, on disk too."""
        self.runs.setdefault(key, {})[str(seed)] = measured
        self._write(self._path(self.name, ".partial"))

    def finish(self) -> None:
        """Move the runs to where `load` finds them."""
        self._write(self._path(self.name))
        self._path(self.name, ".partial").unlink(missing_ok=True)

    def _write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "command": f"course experiments {self.name}",
            "circumstances": self.circumstances,
            "summary": {key: self._summary(key) for key in self.runs},
            "runs": self.runs,
        }
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
        os.replace(temporary, path)

    def _summary(self, key: str) -> dict[str, list[float]]:
        """Mean, low and high end of the 95% interval of each measured number."""
        runs = list(self.runs[key].values())
        numbers = [name for name, value in runs[0].items() if isinstance(value, float)]
        if len(runs) < 2:
            return {}
        return {name: list(mean_interval(self.values(key, name))) for name in numbers}

    def values(self, key: str, measure: Measure) -> list[float]:
        """One number for each seed, in the order of the seeds.

        Raises:
            KeyError: nothing of that name was run or measured.
        """
        seeds = sorted(self.runs[key].items(), key=lambda item: int(item[0]))
        return [_number(run, measure) for _, run in seeds]

    def mean(self, key: str, measure: Measure) -> Interval:
        """Mean over the seeds with its 95% interval."""
        return mean_interval(self.values(key, measure))

    def difference(self, key: str, other: str, measure: Measure) -> Interval:
        """Mean of `key` minus `other` over the seeds that both have, with its 95% interval."""
        ours, theirs = self.runs[key], self.runs[other]
        shared = [seed for seed in ours if seed in theirs]
        pairs = [[_number(runs[seed], measure) for runs in (ours, theirs)] for seed in shared]
        return mean_interval([our - their for our, their in pairs])


def _number(run: Measurements, measure: Measure) -> float:
    return run[measure] if isinstance(measure, str) else measure(run)
