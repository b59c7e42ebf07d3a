"""The parts `busy` and `scaling` of `course bench`, without any training."""

import contextlib
import io
import subprocess
import sys

import pytest

from course_utils.bench import BenchFailed, busy, fitted, scaling
from course_utils.processes import ProcessesFailed


@pytest.fixture(autouse=True)
def _no_data_needed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(busy, "need_fashion_mnist", lambda: None)
    monkeypatch.setattr(scaling, "need_fashion_mnist", lambda: None)


@pytest.mark.parametrize("interrupted", [False, True])
def test_busy_process_runs_inside_and_has_ended_outside(interrupted: bool):
    with contextlib.suppress(KeyboardInterrupt), busy.busy_process() as process:
        assert process.poll() is None
        if interrupted:
            raise KeyboardInterrupt
    assert process.returncode is not None


def test_busy_process_ends_when_its_parent_has_gone():
    not_the_parent = busy.SPIN.format(parent=0)
    run = subprocess.run([sys.executable, "-c", not_the_parent], timeout=60, stderr=subprocess.PIPE)
    assert (run.returncode, run.stderr) == (0, b"")


@pytest.fixture
def loops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pretended trainings: ten steps and 50 steps; what ran, and beside how many busy processes."""
    ran: list[str] = []
    spinning: list[None] = []

    @contextlib.contextmanager
    def pretend():
        spinning.append(None)
        yield
        spinning.pop()

    def fit(network, *, steps, bar):
        ran.append(f"fit {len(spinning)}")
        return {"epoch_seconds": [2.0 + len(spinning)], "steps": 10}

    def published(network, *, steps, bar):
        ran.append(f"published {len(spinning)}")
        seconds = 5.0 * (1 + 7 * len(spinning))
        return {"training_seconds": seconds, "evaluating_seconds": seconds, "curve": [[9, 0.8]]} | {
            "steps": steps
        }

    monkeypatch.setattr(busy, "busy_process", pretend)
    monkeypatch.setattr(busy, "fit_in_fresh", fit)
    monkeypatch.setattr(busy, "published_in_fresh", published)
    return ran


def test_busy_table(loops: list[str]):
    [table] = busy.measure()
    assert loops == ["fit 0", "fit 1", "published 0", "published 1"]
    _, fit, published = repr(table).splitlines()
    assert fit.split()[-3:] == ["0.200", "0.300", "1.5"]
    assert published.split()[-3:] == ["0.200", "1.600", "8.0"]


def test_interrupted_busy_table(loops: list[str], monkeypatch: pytest.MonkeyPatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(busy, "published_in_fresh", interrupted)
    tables = busy.measure()
    _, fit, published = repr(next(tables)).splitlines()
    assert fit.split()[-3:] == ["0.200", "0.300", "1.5"]
    assert published.split()[-3:] == ["–"] * 3
    with pytest.raises(KeyboardInterrupt):
        next(tables)


def pretended_seconds(images: int, workers: str) -> float:
    return images / 1000 / (1.6 if workers.startswith("2") else 1.0)


def test_scaling_table(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scaling, "epoch_seconds", pretended_seconds)
    [table] = scaling.measure()
    _, *rows = [row.split("  ") for row in repr(table).splitlines()]
    rows = [[cell.strip() for cell in row if cell] for row in rows]
    assert len(rows) == 16
    assert rows[0] == ["10,000", "1 thread", "10.0", "1,000", "1.00"]
    assert rows[-1] == ["60,000", "2 processes", "37.5", "1,600", "1.60"]


def test_interrupted_scaling_table(monkeypatch: pytest.MonkeyPatch):
    def interrupted(images: int, workers: str) -> float:
        if images == 20_000:
            raise KeyboardInterrupt
        return pretended_seconds(images, workers)

    monkeypatch.setattr(scaling, "epoch_seconds", interrupted)
    tables = scaling.measure()
    assert len(repr(next(tables)).splitlines()) == 1 + 4
    with pytest.raises(KeyboardInterrupt):
        next(tables)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_share_a_fresh_process(threads: int, monkeypatch: pytest.MonkeyPatch):
    asked = {}

    def pretend(function, **options):
        asked.update(options)
        return {"epoch_seconds": [3.5]}

    monkeypatch.setattr(scaling, "run_fresh", pretend)
    assert scaling.epoch_seconds(500, f"{threads} thread{'s' * (threads > 1)}") == 3.5
    assert asked["settings"] == {"OMP_NUM_THREADS": str(threads)}
    assert (asked["images"], asked["device"]) == (500, "cpu")


def test_processes_are_torchruns(monkeypatch: pytest.MonkeyPatch):
    def pretend(source: str, processes: int, *, seconds: float) -> list[list[str]]:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(source, {})
        return [printed.getvalue().splitlines()] * processes

    def run_fit(**arguments) -> dict:
        assert arguments == {"network": "FashionCNN", "images": 500, "device": "cpu"}
        return {"epoch_seconds": [4.5]}

    monkeypatch.setattr(scaling, "torchrun", pretend)
    monkeypatch.setattr(fitted, "run_fit", run_fit)
    assert scaling.epoch_seconds(500, "2 processes") == 4.5


def test_processes_that_fail_are_a_sentence(monkeypatch: pytest.MonkeyPatch):
    def fail(*args, **options):
        raise ProcessesFailed("The script failed: it ended without a reason.")

    monkeypatch.setattr(scaling, "torchrun", fail)
    with pytest.raises(BenchFailed, match="The script failed"):
        scaling.epoch_seconds(500, "1 process")
