"""Functions in fresh processes: environment, peak memory, ends. These import this module."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from course_utils.bench import BenchFailed
from course_utils.bench.fresh import peak_bytes, run_fresh

HERE = {"PYTHONPATH": str(Path(__file__).parent)}
MEGABYTE = 10**6


def variables(**given: str) -> dict:
    """What a fresh process sees of its environment."""
    return {"variables": [os.environ.get(name) for name in given], "given": given}


def test_a_fresh_process_has_its_own_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    settings = HERE | {"SOME_SETTING": "7"}
    given = {"OMP_WAIT_POLICY": "", "SOME_SETTING": ""}
    assert run_fresh(variables, settings=settings, **given)["variables"] == ["PASSIVE", "7"]
    unset = run_fresh(variables, settings=settings, unset=["OMP_WAIT_POLICY"], **given)
    assert unset["variables"] == [None, "7"]
    assert unset["given"] == given


def fill(megabytes: int) -> dict:
    """Use memory, and give it back."""
    return {"length": len(bytearray(os.urandom(MEGABYTE) * megabytes))}


@pytest.mark.skipif(peak_bytes() is None, reason="Windows does not tell a process's peak memory")
def test_a_fresh_process_has_its_own_peak_memory():
    fill(400)  # Linux would tell a child its parent's peak, too
    run = run_fresh(fill, settings=HERE, megabytes=100)
    assert run["import_bytes"] < 300 * MEGABYTE
    assert 100 * MEGABYTE < run["peak_bytes"] - run["import_bytes"] < 250 * MEGABYTE


def fail() -> dict:
    raise SystemExit(3)


def test_a_fresh_process_that_fails_is_a_sentence():
    with pytest.raises(BenchFailed, match=r"^A process ended early, with status 3: close .*\.$"):
        run_fresh(fail, settings=HERE)


def wait(note: str) -> dict:
    """Say that this process runs, then go on for long, unless it is ended."""
    Path(note).write_text(str(os.getpid()))
    Path(note).replace(f"{note}.ready")
    time.sleep(60)
    return {}


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT interrupts, also where a shell started the tests in its background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill cannot interrupt there")
def test_an_interrupt_ends_the_fresh_process(tmp_path: Path, interruptible):
    note = tmp_path / "pid"
    ready = tmp_path / "pid.ready"

    def interrupt() -> None:
        deadline = time.monotonic() + 50
        while not ready.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(int(ready.read_text()), signal.SIGINT)  # as a terminal does, to both
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_fresh(wait, settings=HERE, note=str(note))
    thread.join()
    pid, deadline = int(ready.read_text()), time.monotonic() + 10
    # Killed processes stay for a moment: as zombies, until their parent has waited for them.
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
