"""A notebook cell that runs again closes the explorers that its earlier run made."""

import subprocess
import sys
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pytest

from course_utils.explorers import reruns
from course_utils.explorers.base import Explorer


class Tiny(Explorer):
    title = "Tiny"

    def __init__(self) -> None:
        super().__init__({"level": widgets.IntSlider(description="Level")})

    def render(self, level: int) -> np.ndarray:
        return np.zeros((2, 2, 3), np.uint8)

    def describe(self, level: int) -> str:
        return "tiny"


def run_cell(monkeypatch: pytest.MonkeyPatch, run: str, code: str, cell: str | None) -> None:
    request = {
        "header": {"msg_id": run},
        "metadata": {} if cell is None else {"cellId": cell},
        "content": {"code": code},
    }
    shell = SimpleNamespace(get_parent=lambda: request)
    monkeypatch.setattr(reruns, "get_ipython", lambda: shell)


def is_open(explorer: Explorer) -> bool:
    return explorer._box.comm is not None


@pytest.mark.parametrize("cell", ["cell-a", None])
def test_running_a_cell_again_closes_what_it_made_before(
    monkeypatch: pytest.MonkeyPatch, cell: str | None
) -> None:
    monkeypatch.setattr(reruns, "_runs", {})
    run_cell(monkeypatch, "1", "Tiny(); Tiny()", cell)
    first, second = Tiny(), Tiny()
    run_cell(monkeypatch, "2", "other", None if cell is None else "cell-b")
    elsewhere = Tiny()
    assert is_open(first)
    assert is_open(second)
    run_cell(monkeypatch, "3", "Tiny(); Tiny()", cell)
    third, fourth = Tiny(), Tiny()
    assert [is_open(e) for e in (first, second)] == [False, False]
    assert [is_open(e) for e in (third, fourth, elsewhere)] == [True, True, True]


def test_an_edited_cell_closes_what_it_made_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reruns, "_runs", {})
    run_cell(monkeypatch, "1", "Tiny()", "cell-a")
    first = Tiny()
    run_cell(monkeypatch, "2", "Tiny()  # edited", "cell-a")
    Tiny()
    assert not is_open(first)


KERNEL_SCRIPT = '''
import sys
from queue import Empty
from jupyter_client.manager import start_new_kernel

CODE = """
import gc, ipywidgets, numpy as np
from course_utils.explorers.base import Explorer
class Tiny(Explorer):
    title = "Tiny"
    def render(self, level): return np.zeros((2, 2, 3), np.uint8)
    def describe(self, level): return "tiny"
"""

def execute(client, code):
    message = client.execute(code)
    outputs = []
    while True:
        reply = client.get_iopub_msg(timeout=60)
        if reply["parent_header"].get("msg_id") != message:
            continue
        if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
            return outputs
        outputs.append(reply)

def count(client, kind, messages):
    return sum(message["msg_type"] == kind for message in messages)

manager, client = start_new_kernel(kernel_name="python3")
try:
    execute(client, CODE)
    make = "Tiny({'level': ipywidgets.IntSlider(description='Level')})"
    first, again = execute(client, make), execute(client, make)
    opened = count(client, "comm_open", again)
    result = [m for m in again if m["msg_type"] == "execute_result"][0]["content"]
    print(count(client, "comm_close", first), opened, count(client, "comm_close", again))
    print(*sorted(result["data"]), result["metadata"]["image/png"]["alt"], sep="|")
    print(result["data"]["image/png"][:4], result["data"]["text/plain"], sep="|")
    print(*(m["msg_type"] for m in again if m["msg_type"] in ("error", "stream")))
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
'''


def test_a_real_kernel_closes_every_comm_of_the_earlier_run() -> None:
    done = subprocess.run(
        [sys.executable, "-c", KERNEL_SCRIPT], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    counts, kinds, words, trouble = done.stdout.splitlines()
    closed_first, opened, closed = map(int, counts.split())
    assert closed_first == 0
    assert opened == closed >= 5
    assert kinds == ("application/vnd.jupyter.widget-view+json|image/png|text/plain|Tiny. tiny")
    assert words == "iVBO|Tiny"  # PNG in base64
    assert trouble == ""
