"""The command that measures."""

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from course_utils import bench, cli
from course_utils.bench import BenchFailed, machine
from course_utils.sources import DataUnavailable
from course_utils.tables import Table


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, list]:
    """What each part gives instead of measuring: tables to show, exceptions to raise."""
    plan = {name: [Table([name], [["1.5 s"]])] for name in bench.PARTS}

    def pretend(name: str) -> SimpleNamespace:
        def measure() -> Iterator[Table]:
            for each in plan[name.rpartition(".")[2]]:
                if isinstance(each, BaseException):
                    raise each
                yield each

        return SimpleNamespace(measure=measure)

    monkeypatch.setattr(bench, "import_module", pretend)
    monkeypatch.setattr(machine, "facts", lambda: "A machine, 2 cores")
    return plan


@pytest.mark.parametrize("name", bench.PARTS)
def test_every_part_is_a_module_that_measures(name: str):
    assert callable(importlib.import_module(f"course_utils.bench.{name}").measure)


def test_help_lists_the_parts_with_minutes_and_does_not_wait_for_torch():
    code = (
        "import sys\nfrom course_utils.cli import main\n"
        "try:\n    main(['bench', '--help'])\n"
        "finally:\n    print(sorted({'torch', 'numpy', 'tqdm'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    for name, part in bench.PARTS.items():
        assert re.search(rf"^  {name} +{part.minutes}  {part.about}$", result.stdout, re.MULTILINE)
    assert result.stdout.endswith("[]\n")


def test_unknown_part_is_one_sentence(measured, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["bench", "busy", "nonsense"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (f"There is no part 'nonsense'; there are: {', '.join(bench.PARTS)}.\n")


@pytest.mark.parametrize(
    ("named", "expected"), [([], list(bench.PARTS)), (["scaling", "busy"], ["scaling", "busy"])]
)
def test_machine_once_then_the_parts(measured, named, expected, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["bench", *named]) == 0
    tables = [f"\n{Table([name], [['1.5 s']])!r}\n" for name in expected]
    assert capsys.readouterr().out == "A machine, 2 cores\n" + "".join(tables)


@pytest.mark.parametrize("problem", [BenchFailed, DataUnavailable])
def test_a_part_that_fails_keeps_no_other_from_running(
    measured, problem, capsys: pytest.CaptureFixture[str]
):
    measured["training"].append(problem("Close other programs."))
    assert cli.main(["bench", "training", "busy"]) == 1
    captured = capsys.readouterr()
    assert captured.err == "training: Close other programs.\n"
    assert captured.out.count("1.5 s") == 2


def test_an_interrupt_leaves_what_was_measured(measured, capsys: pytest.CaptureFixture[str]):
    measured["busy"].append(KeyboardInterrupt())
    assert cli.main(["bench", "busy", "scaling"]) == cli.INTERRUPTED
    captured = capsys.readouterr()
    assert captured.out.endswith("\nbusy\n1.5 s\n")
    assert captured.err == "Interrupted.\n"


def test_facts_name_the_machine(monkeypatch: pytest.MonkeyPatch):
    import torch

    monkeypatch.setattr(machine, "_processor", lambda: "Some CPU")
    monkeypatch.setattr(os, "cpu_count", lambda: 17)
    monkeypatch.setattr(machine, "bfloat16_is_fast", lambda device: False)
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    facts = machine.facts()
    assert facts.startswith("Some CPU, 17 cores")
    for words in (f"torch {torch.__version__} on ", "bfloat16 slow", "OMP_WAIT_POLICY ACTIVE"):
        assert words in facts
    assert f"{torch.get_num_threads()} threads" in facts


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "where", lambda name: None)
    with pytest.raises(DataUnavailable, match=r"^This needs .*: run `course prefetch` first\.$"):
        machine.need_fashion_mnist()
