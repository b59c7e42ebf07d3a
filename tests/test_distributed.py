"""Several processes learn what one learns, and go on where they were interrupted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from course_utils.distributed import _dropout, process_group, rank, shared, world_size
from course_utils.fashion import main
from course_utils.models import FashionCNN
from course_utils.processes import torchrun
from course_utils.training import fit

IMAGES, EPOCHS, BATCH = 203, 3, 33  # the last batch has 5 images: unequal shares
TRAIN = f"""
import os, sys, time
from pathlib import Path
import course_utils
import torch
from course_utils import training
from course_utils.distributed import process_group
from course_utils.models import FashionCNN

def data():
    drawn = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, ({IMAGES}, 1, 28, 28), dtype=torch.uint8, generator=drawn)
    return images, torch.randint(0, 10, ({IMAGES},), generator=drawn)

def train(checkpoint=None):
    torch.manual_seed(0)
    network = FashionCNN(head_relu=True)
    history = training.fit(
        network, *data(), epochs={EPOCHS}, batch_size={BATCH}, bfloat16=False,
        device=torch.device("cpu"), checkpoint=checkpoint, description=None,
    )
    return network.eval(), history
"""
REPORT = """
with process_group(torch.device("cpu")):
    network, history = train()
    with torch.inference_mode():
        logits = network(training.standardize(data()[0][:20]))
    print(history.step_loss)
    print(history.train_accuracy)
    print(logits.tolist())
"""


@pytest.fixture(scope="module")
def alone() -> list[list]:
    """What one process without torchrun learns."""
    names: dict = {}
    exec(TRAIN, names)
    network, history = names["train"]()
    with torch.inference_mode():
        logits = network(names["training"].standardize(names["data"]()[0][:20]))
    return [history.step_loss, history.train_accuracy, logits.tolist()]


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_learn_what_one_learns(processes: int, alone):
    reports = [[eval(line) for line in lines] for lines in torchrun(TRAIN + REPORT, processes)]
    assert len(reports) == processes
    for step_loss, accuracy, logits in reports:
        assert step_loss[:4] == pytest.approx(alone[0][:4], rel=1e-5)
        assert step_loss == pytest.approx(alone[0], rel=5e-3)  # rounding grows with each step
        assert accuracy == pytest.approx(alone[1], abs=2 / IMAGES)
        torch.testing.assert_close(torch.tensor(logits), torch.tensor(alone[2]), rtol=0, atol=0.05)


KILLED = """
def die_in_the_second_epoch(bar, n=1):
    global batches
    batches += 1
    if batches == {batches}:
        Path({folder!r}, f"pid{{os.getpid()}}").touch()
        time.sleep(60)

batches = 0
checkpoint = Path({checkpoint!r})
if {batches}:
    training.Progress.update = die_in_the_second_epoch
with process_group(torch.device("cpu")):
    network, history = train(checkpoint)
    print(history.step_loss)
"""


def test_killed_workers_leave_a_checkpoint_from_which_others_go_on(tmp_path: Path, alone):
    checkpoint, script = tmp_path / "checkpoint.pt", tmp_path / "script.py"
    facts = {"folder": str(tmp_path), "checkpoint": str(checkpoint)}
    script.write_text(TRAIN + KILLED.format(batches=10, **facts))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    run = subprocess.Popen([*command, str(script)], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while len(workers := list(tmp_path.glob("pid*"))) < 2:
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for worker in workers:
        os.kill(int(worker.name.removeprefix("pid")), signal.SIGKILL)
    assert "Signal 9" in run.communicate(timeout=60)[1].decode()
    assert [path.name for path in tmp_path.glob("checkpoint*")] == ["checkpoint.pt"]
    assert len(torch.load(checkpoint)["history"]["train_loss"]) == 1

    resumed, _ = torchrun(TRAIN + KILLED.format(batches=0, **facts))
    assert eval(resumed[0]) == pytest.approx(alone[0], rel=5e-3)
    assert len(torch.load(checkpoint)["history"]["train_loss"]) == EPOCHS


def test_alone_nothing_is_changed():
    network = FashionCNN()
    with shared(network) as same:
        assert same is network
    assert (rank(), world_size()) == (0, 1)


LAYERS = """
import copy
import course_utils
import torch
from torch import nn
from course_utils.distributed import process_group, rank, shared, world_size

def train_layers():
    torch.manual_seed(0)
    x = torch.randn(7, 3, 5, 4)
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Dropout(0.5), nn.Linear(60, 2))
    before = copy.deepcopy(network)
    with shared(network) as together:
        torch.manual_seed(5)
        (together(x[rank() :: world_size()]).sum() * world_size()).backward()
    assert all("forward" not in vars(layer) for layer in network.modules())
    torch.manual_seed(5)
    before(x).sum().backward()
    for ours, theirs in zip(network.parameters(), before.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(network.buffers(), before.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs)

with process_group(torch.device("cpu")):
    train_layers()
    print("equal")
"""


def test_layers_see_the_global_batch():
    assert torchrun(LAYERS) == [["equal"], ["equal"]]


ROUNDED = """
import copy
import course_utils
import torch
from torch import nn
from course_utils.distributed import process_group, rank, shared, world_size

with process_group(torch.device("cpu")):
    torch.manual_seed(0)
    x = torch.randn(6, 4, 8, 8)
    x[:, 1:] = torch.tensor([0.1, 3.3, 77.0]).view(3, 1, 1)
    x, slope = x.bfloat16(), torch.randn(6, 4, 8, 8).bfloat16()
    layer = nn.BatchNorm2d(4)
    alone, mine = copy.deepcopy(layer), slice(rank(), None, world_size())
    expected = alone(x)
    expected.backward(slope)
    with shared(layer) as together:
        y = together(x[mine])
        (y * slope[mine]).sum().mul(world_size()).backward()
    torch.testing.assert_close(y, expected[mine], rtol=0.02, atol=0.02)
    for ours, theirs in zip(layer.buffers(), alone.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    for ours, theirs in zip(layer.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-3)
    print("equal")
"""


def test_batch_norm_of_rounded_constant_channels():
    assert torchrun(ROUNDED) == [["equal"], ["equal"]]


def test_dropout_counts_images_on_their_own_device(monkeypatch):
    counted = []
    monkeypatch.setattr("course_utils.distributed.total", lambda x: counted.append(x) or 7)
    _dropout(nn.Dropout(), torch.ones(7, 3, device="meta"))
    assert [count.device.type for count in counted] == ["meta"]


@pytest.mark.parametrize(
    ("device", "sentence"),
    [("mps", "cannot share the GPU of a Mac: .*--device cpu"), ("cuda", "has 1: start fewer, or")],
)
def test_too_few_devices_are_a_sentence(monkeypatch, device, sentence):
    for name, value in {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 1)
    with pytest.raises(ValueError, match=sentence), process_group(torch.device(device)):
        raise AssertionError("they began")


def test_the_script_says_what_to_do_with_too_few_devices(monkeypatch, capsys):
    def refuse(device):
        raise ValueError("2 processes need a GPU each.")

    monkeypatch.setattr("course_utils.fashion.process_group", refuse)
    monkeypatch.setattr("sys.argv", ["fashion"])
    assert main() == 1
    assert capsys.readouterr().out == "2 processes need a GPU each.\n"


def test_fewer_images_than_processes_is_a_sentence(monkeypatch):
    monkeypatch.setattr("course_utils.training.world_size", lambda: 4)
    images = torch.zeros(9, 1, 28, 28, dtype=torch.uint8)
    with pytest.raises(ValueError, match="4 images and 4 images a batch"):
        fit(nn.Flatten(), images, torch.zeros(9, dtype=torch.int64), batch_size=3)


def test_the_script_of_the_readme(tmp_path: Path):
    code = "from course_utils.fashion import main; raise SystemExit(main())"
    said = subprocess.run(
        [sys.executable, "-c", code, "--epochs", "0", "--device", "cpu"],
        capture_output=True,
        text=True,
    )
    assert (said.returncode, said.stderr) == (1, "")
    assert "at least 1 epoch" in said.stdout
