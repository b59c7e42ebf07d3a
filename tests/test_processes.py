"""A script in several processes."""

import os
import subprocess
import time

import pytest

from course_utils.processes import ProcessesFailed, torchrun

SUM = """
import course_utils
import torch
import torch.distributed as dist

dist.init_process_group("gloo")
total = torch.tensor(dist.get_rank() + 1.0)
dist.all_reduce(total)
print(dist.get_rank(), total.item())
dist.destroy_process_group()
"""


def test_processes_find_each_other():
    assert torchrun(SUM) == [["0 3.0"], ["1 3.0"]]


def test_what_a_process_raises_is_named():
    with pytest.raises(ProcessesFailed, match=r"^The script failed: ValueError: too short$"):
        torchrun("raise ValueError('too short')", 1)


RAISED = {
    "raise SystemExit('no data here')": "no data here",
    "class NoData(Exception): pass\nraise NoData('none\\nat all')": "NoData: none",
    "raise ValueError('an int64 [3]: not a float')": "ValueError: an int64 [3]: not a float",
    "try: 1 / 0\nexcept Exception as e: raise ValueError('outer') from e": "ValueError: outer",
    "import os; os._exit(3)": "it ended without a reason.",
    "import os, sys; print('loading', file=sys.stderr, flush=True); os.kill(os.getpid(), 9)": (
        "a process was ended by signal 9, perhaps for want of memory."
    ),
    "class Late:\n    def __del__(self): int('x')\nlate = Late()\nraise ValueError('early')": (
        "ValueError: early"
    ),
}


@pytest.mark.parametrize("source", RAISED)
def test_the_reason_is_what_ended_the_script(source):
    with pytest.raises(ProcessesFailed) as caught:
        torchrun(source, 1)
    assert str(caught.value) == f"The script failed: {RAISED[source]}"


MISTAKE = """
import course_utils
import torch
import torch.distributed as dist
from course_utils.distributed import process_group, rank

with process_group(torch.device("cpu")):
    if rank() == 1:
        raise ValueError("a mistake in one process")
    dist.all_reduce(torch.ones(1))
"""


def test_a_lost_connection_is_not_the_reason():
    with pytest.raises(ProcessesFailed, match=r"ValueError: a mistake in one process$"):
        torchrun(MISTAKE)


def test_the_reason_is_that_of_the_process_that_raised():
    fails = "dist.get_rank() == 1 and int('one [1]: x')\ndist.all_reduce(total)"
    with pytest.raises(ProcessesFailed, match=r"^The script failed: ValueError: .*'one \[1\]: x'$"):
        torchrun(SUM.replace("dist.all_reduce(total)", fails))


def test_a_process_that_hangs_is_stopped(tmp_path, monkeypatch):
    note = tmp_path / "pid"
    communicate = subprocess.Popen.communicate

    def time_is_over_once_it_runs(run, input=None, timeout=None):
        if timeout is None:
            return communicate(run)
        while not (note.exists() and note.read_text()):
            time.sleep(0.1)
        raise subprocess.TimeoutExpired("torchrun", timeout)

    monkeypatch.setattr(subprocess.Popen, "communicate", time_is_over_once_it_runs)
    source = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(99)"
    with pytest.raises(ProcessesFailed, match="still ran after 10 seconds"):
        torchrun(source, 1, seconds=10)
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_there_must_be_a_process():
    with pytest.raises(ValueError, match="not 0"):
        torchrun("", 0)
