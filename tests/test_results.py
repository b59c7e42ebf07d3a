import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from course_utils import experiments, results
from course_utils.results import Results


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "shipped_folder", lambda: tmp_path)
    return tmp_path / "results"


@pytest.fixture
def coins(monkeypatch):
    """An experiment of two coins and three seeds, which counts how often it is run."""
    calls = []

    def run(key, seed):
        calls.append((key, seed))
        return {"heads": seed + (key == "unfair") * 0.5, "tosses": [seed, seed]}

    module = SimpleNamespace(RUNS=["fair", "unfair"], SEEDS=range(3), run=run, calls=calls)
    monkeypatch.setitem(sys.modules, "course_utils.experiments.coins", module)
    monkeypatch.setitem(experiments.NAMES, "coins", "two coins")
    return module


def test_run_writes_what_load_reads(coins, folder):
    experiments.run("coins", processes=1)
    loaded = Results.load("coins")
    assert loaded.values("unfair", "heads") == [0.5, 1.5, 2.5]
    assert loaded.values("fair", "tosses") == [[0, 0], [1, 1], [2, 2]]
    assert loaded.mean("fair", "heads").mean == 1
    assert loaded.difference("unfair", "fair", "heads") == (0.5, 0.5, 0.5)
    assert [path.name for path in folder.iterdir()] == ["coins.json"]
    content = json.loads((folder / "coins.json").read_text())
    assert content["summary"]["unfair"]["heads"] == pytest.approx([1.5, -0.984, 3.984], abs=1e-3)
    assert {"versions", "device", "threads"} <= set(content["circumstances"])


def test_interrupted_experiment_goes_on(coins, folder):
    whole = coins.run

    def interrupted(key, seed):
        if len(coins.calls) == 3:
            raise KeyboardInterrupt
        return whole(key, seed)

    coins.run = interrupted
    with pytest.raises(KeyboardInterrupt):
        experiments.run("coins", processes=1)
    with pytest.raises(
        FileNotFoundError, match=r"no results of 'coins': run `course experiments coins`\.$"
    ):
        Results.load("coins")
    coins.run = whole
    experiments.run("coins", processes=1)
    assert len(coins.calls) == len(set(coins.calls)) == 6


def test_runs_made_elsewhere_are_not_mixed(coins, folder, monkeypatch):
    experiments.run("coins", processes=1)
    (folder / "coins.json").rename(folder / "coins.partial.json")
    monkeypatch.setattr(results, "_circumstances", lambda processes: {"device": "another"})
    experiments.run("coins", processes=1)
    assert len(coins.calls) == 12


def test_unknown_experiment_is_named():
    with pytest.raises(ValueError, match=r"no experiment 'dnn'.*dnn_vs_cnn"):
        experiments.run("dnn")


def test_reading_results_does_not_load_an_experiment():
    code = (
        "import sys, course_utils.results;"
        "assert not [m for m in sys.modules if m.startswith('course_utils.experiments')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_runs_side_by_side_use_one_thread_each():
    todo = [("fair", 0), ("fair", 1), ("unfair", 0)]
    measured = dict(experiments._side_by_side("coin_experiment", todo, processes=2))
    assert measured == {(key, seed): {"heads": seed, "threads": 1} for key, seed in todo}


def test_a_run_that_fails_side_by_side_is_not_lost():
    with pytest.raises(ValueError, match="no coin"):
        list(experiments._side_by_side("coin_experiment", [("broken", 0)], processes=1))


def test_one_failed_run_ends_the_others(tmp_path):
    todo = [(str(tmp_path), seed) for seed in range(20)]
    with pytest.raises(ValueError, match="no coin"):
        list(experiments._side_by_side("coin_experiment", todo, processes=2))
    # Not multiprocessing's own list: what the pool's thread has waited for stays in it for good.
    commands = {  # None of one that has ended
        child: child.as_dict(["cmdline"])["cmdline"] for child in psutil.Process().children()
    }
    workers = [child for child, words in commands.items() if "spawn_main" in " ".join(words or [])]
    _, alive = psutil.wait_procs(workers, timeout=3)  # a run takes five seconds
    assert not alive
    assert len(list(tmp_path.iterdir())) < 10


def test_a_process_that_is_killed_is_a_sentence_and_what_is_done_is_kept(
    coins, folder, monkeypatch
):
    def one_by_one(module, todo, processes):
        yield todo[0], coins.run(*todo[0])
        yield from side_by_side("coin_experiment", [("killed", 0)], processes)

    side_by_side = experiments._side_by_side
    monkeypatch.setattr(experiments, "_side_by_side", one_by_one)
    with pytest.raises(experiments.ExperimentFailed, match=r"^A process ended early, .* kept\.$"):
        experiments.run("coins", processes=2)
    assert Results.resume("coins", processes=2).has("fair", 0)


def test_results_that_cannot_be_written_are_a_sentence(coins, folder):
    folder.touch()  # where a folder should be
    words = (
        rf"^The results cannot be written to {re.escape(str(folder))} \(File exists\): .*again\.$"
    )
    with pytest.raises(experiments.ExperimentFailed, match=words):
        experiments.run("coins", processes=1)
    assert len(coins.calls) == 1


def test_what_a_run_cannot_read_is_not_said_of_the_results(coins):
    def unreadable(key, seed):
        raise FileNotFoundError("no coin")

    coins.run = unreadable
    with pytest.raises(FileNotFoundError, match="no coin"):
        experiments.run("coins", processes=1)


def test_processes_are_as_many_as_the_cores_that_may_be_used(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1, 5}, raising=False)
    assert experiments._cores() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 128)
    assert experiments._cores() == 61


def test_a_difference_is_paired_by_the_seeds_that_both_have():
    runs = {
        "a": {str(seed): {"x": value} for seed, value in ((0, 1.0), (1, 5.0), (2, 9.0))},
        "b": {str(seed): {"x": value} for seed, value in ((2, 8.0), (0, 3.0))},
    }
    content = {"circumstances": {}, "runs": runs}
    mean, low, high = results.Results("pairs", content).difference("a", "b", "x")
    assert mean == pytest.approx((-2 + 1) / 2)
    assert low < mean < high


def test_a_difference_takes_a_function_of_what_was_measured():
    runs = {
        "a": {"0": {"x": 4.0, "y": 1.0}, "1": {"x": 9.0, "y": 2.0}},
        "b": {"0": {"x": 1.0, "y": 1.0}, "1": {"x": 2.0, "y": 1.0}},
    }
    pairs = results.Results("pairs", {"circumstances": {}, "runs": runs})
    mean, low, high = pairs.difference("a", "b", lambda run: run["x"] - run["y"])
    assert mean == pytest.approx((3 + 6) / 2)
    assert low < mean < high
