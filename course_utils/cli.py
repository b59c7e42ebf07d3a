"""Look after the course from a terminal."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from course_utils import bench

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
INTERRUPTED = 130  # what shells report for a program that Ctrl-C ended

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status: 0 done, 1 failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("course", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def add(name: str, function: Command, help: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help, description=help)
        command.set_defaults(command=function)
        return command

    add("doctor", _doctor, "Check this machine and say how to mend what is wrong.")
    add("prefetch", _prefetch, "Fetch all data now, so that the course runs without a network.")
    command = add("execute", _execute, "Run notebooks and save them with their new outputs.")
    command.add_argument(
        "notebooks",
        nargs="*",
        type=Path,
        metavar="NOTEBOOK",
        help="a notebook file (default: all in notebooks/)",
    )
    command = add("experiments", _experiments, "Run the many-seed experiment behind a claim.")
    command.add_argument("name", metavar="NAME", help="which one, for example dnn_vs_cnn")
    command = add("bench", _bench, "Measure how fast the course is on this machine.")
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.epilog = "parts, with minutes on two CPU cores:\n" + "\n".join(
        f"  {name:<12}{part.minutes:>3}  {part.about}" for name, part in bench.PARTS.items()
    )
    command.add_argument("parts", nargs="*", metavar="PART", help="what to measure (default: all)")
    command = add("publish", _publish, "Stamp this copy with its address on GitHub, for Colab.")
    command.add_argument(
        "--repo", required=True, metavar="OWNER/NAME", help="the repository to push this copy to"
    )
    command.add_argument("--branch", default="main", help="its branch (default: %(default)s)")
    return parser


# Each command imports what it needs when it runs: `course --help` must not wait for torch.


def _doctor(options: argparse.Namespace) -> int:
    from course_utils.doctor import examine

    return examine()


def _prefetch(options: argparse.Namespace) -> int:
    from course_utils.sources import DataUnavailable, prefetch

    try:
        folders = prefetch()
    except DataUnavailable as error:
        return _fail(error)
    for name, folder in folders.items():
        print(f"{name}: {folder}")
    return 0


def _execute(options: argparse.Namespace) -> int:
    from course_utils.execute import NotebookError, execute

    paths = options.notebooks or sorted(NOTEBOOKS.glob("*.ipynb"))
    if not paths:
        return _fail(f"There is no notebook in {NOTEBOOKS}: name the notebooks to run.")
    failed = False
    for path in paths:
        try:
            execution = execute(path)
        except NotebookError as error:
            failed = True
            _fail(error)
            continue
        print(
            f"{path}: {execution.seconds:.1f} s, slowest cell {execution.slowest_cell} "
            f"with {execution.slowest_seconds:.1f} s"
        )
        for cell, text in execution.stderr.items():
            print(f"{path}: cell {cell} wrote to stderr: {text.strip()}", file=sys.stderr)
    return 1 if failed else 0


def _experiments(options: argparse.Namespace) -> int:
    from course_utils.experiments import NAMES, ExperimentFailed, run
    from course_utils.results import ResultsError
    from course_utils.sources import DataUnavailable

    if options.name not in NAMES:
        known = ", ".join(sorted(NAMES))
        return _fail(f"There is no experiment {options.name!r}; there are: {known}.", status=2)
    try:
        run(options.name)
    except (DataUnavailable, ExperimentFailed, ResultsError) as error:
        return _fail(error)
    return 0


def _bench(options: argparse.Namespace) -> int:
    unknown = [name for name in options.parts if name not in bench.PARTS]
    if unknown:
        return _fail(
            f"There is no part {unknown[0]!r}; there are: {', '.join(bench.PARTS)}.", status=2
        )
    return 0 if bench.run(options.parts or bench.PARTS) else 1


def _publish(options: argparse.Namespace) -> int:
    from course_utils.addresses import Repository
    from course_utils.execute import NotebookError
    from course_utils.publish import PublishError, publish

    try:
        repository = Repository.parse(options.repo, options.branch)
    except ValueError as error:
        return _fail(error, status=2)
    try:
        changed = publish(NOTEBOOKS.parent, repository)
    except (PublishError, NotebookError) as error:
        return _fail(error)
    for path in changed:
        print(f"{path}: stamped")
    print(
        f"This copy is that of {repository.address}: commit, and push the branch "
        f"{repository.branch} there; while it is public, the badges open its chapters in Colab."
    )
    return 0


def _fail(sentence: object, status: int = 1) -> int:
    print(sentence, file=sys.stderr)
    return status
