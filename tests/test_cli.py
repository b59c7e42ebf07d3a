import subprocess
import sys
from pathlib import Path

import pytest

from course_utils import cli, doctor, execute, experiments, sources


def test_help_lists_the_commands_and_imports_nothing_heavy():
    code = (
        "import sys\nfrom course_utils.cli import main\n"
        "try:\n    main(['--help'])\n"
        "finally:\n    print(sorted({'torch', 'numpy', 'nbclient', 'pooch'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0
    for command in ("doctor", "prefetch", "execute", "experiments", "bench", "publish"):
        assert f"    {command}  " in result.stdout
    assert result.stdout.endswith("[]\n")


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["experiments"], ["publish"], ["doctor", "extra"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    assert "usage: course" in capsys.readouterr().err


def test_unknown_experiment_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["experiments", "nonsense"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("There is no experiment 'nonsense'")
    assert all(name in captured.err for name in experiments.NAMES)


def test_experiments_runs_the_one_named(monkeypatch: pytest.MonkeyPatch):
    ran = []
    monkeypatch.setattr(experiments, "run", ran.append)
    assert cli.main(["experiments", "dnn_vs_cnn"]) == 0
    assert ran == ["dnn_vs_cnn"]


def test_prefetch_says_where_the_data_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sources, "prefetch", lambda: {"fashion-mnist": "/data"})
    assert cli.main(["prefetch"]) == 0
    assert capsys.readouterr().out == "fashion-mnist: /data\n"


@pytest.mark.parametrize(
    ("arguments", "module", "function"),
    [(["prefetch"], sources, "prefetch"), (["experiments", "dnn_vs_cnn"], experiments, "run")],
)
def test_missing_data_is_one_message_and_exit_1(
    arguments: list[str],
    module: object,
    function: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    def fail(*args: object) -> None:
        raise sources.DataUnavailable("No network.")

    monkeypatch.setattr(module, function, fail)
    assert cli.main(arguments) == 1
    assert capsys.readouterr().err == "No network.\n"


@pytest.mark.parametrize("status", [0, 1])
def test_doctor_passes_its_status_on(status: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "examine", lambda: status)
    assert cli.main(["doctor"]) == status


def test_an_experiment_that_ends_early_is_one_message_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fail(name: str) -> None:
        raise experiments.ExperimentFailed("A process ended early.")

    monkeypatch.setattr(experiments, "run", fail)
    assert cli.main(["experiments", "dnn_vs_cnn"]) == 1
    assert capsys.readouterr().err == "A process ended early.\n"


def test_execute_goes_on_after_a_failure_and_reports_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def pretend(path: Path) -> execute.Execution:
        if path.stem == "bad":
            raise execute.NotebookError("bad.ipynb: cell 3 raised ValueError: no.")
        return execute.Execution(path, 12.34, [1.2, 5.67], stderr={2: "UserWarning: slow\n"})

    monkeypatch.setattr(execute, "execute", pretend)
    assert cli.main(["execute", "bad.ipynb", "good.ipynb"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "good.ipynb: 12.3 s, slowest cell 2 with 5.7 s\n"
    assert captured.err.splitlines() == [
        "bad.ipynb: cell 3 raised ValueError: no.",
        "good.ipynb: cell 2 wrote to stderr: UserWarning: slow",
    ]


def test_execute_takes_all_notebooks_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    ran = []

    def pretend(path: Path) -> execute.Execution:
        ran.append(path.name)
        return execute.Execution(path, 1.0, [1.0], stderr={})

    monkeypatch.setattr(execute, "execute", pretend)
    monkeypatch.setattr(cli, "NOTEBOOKS", tmp_path)
    assert cli.main(["execute"]) == 1
    assert "name the notebooks to run" in capsys.readouterr().err
    for name in ("02_b.ipynb", "01_a.ipynb", "notes.txt"):
        (tmp_path / name).touch()
    assert cli.main(["execute"]) == 0
    assert ran == ["01_a.ipynb", "02_b.ipynb"]


def test_interrupt_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def interrupt() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "examine", interrupt)
    assert cli.main(["doctor"]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"
