"""Tables of chapter 2's training side by side with the published loop."""

from collections.abc import Sequence
from statistics import mean

from course_utils.bench import published
from course_utils.bench.ceiling import FORMATS, SIZE, flops_per_image
from course_utils.bench.fitted import NETWORKS
from course_utils.bench.fresh import Result
from course_utils.bench.published import seconds_per_step
from course_utils.tables import Table

UNKNOWN = "–"


def targets(run: Result) -> tuple[float, float]:
    """Test accuracies of the published loop: as it measures it itself, and in evaluation mode."""
    return run["curve"][-1][1], run["evaluation_mode_accuracy"]


def first_reaching(fits: Sequence[Result], accuracy: float) -> Result | None:
    """The shortest training with at least this test accuracy."""
    reaching = [fit for fit in fits if fit["test_accuracy"] >= accuracy]
    return min(reaching, key=lambda fit: fit["steps"], default=None)


def ceiling_table(ceiling: Result) -> Table:
    """What the machine can do, and what the networks ask of it."""
    rows = [
        [f"{name} product of {SIZE} × {SIZE}, GFLOP/s", f"{ceiling[name]:.0f}"] for name in FORMATS
    ]
    for name, network in NETWORKS.items():
        mflop = flops_per_image(network.build()) / 1e6
        rows.append([f"{name}, MFLOP to learn from an image", f"{mflop:.1f}"])
    return Table(["ceiling of this machine", ""], rows)


def trainings_table(network: str, fits: Sequence[Result]) -> Table:
    """Each complete training with `fit`, and what it reached."""
    header = [f"{network}, fit: epochs", "images", "seconds in all", "of an epoch", "test accuracy"]
    rows = [
        [
            str(fit["epochs"]),
            f"{fit['images']:,}",
            f"{fit['seconds']:.1f}",
            f"{mean(fit['epoch_seconds']):.1f}",
            f"{fit['test_accuracy']:.2%}",
        ]
        for fit in fits
    ]
    return Table(header, rows)


def comparison_table(network: str, run: Result, fits: Sequence[Result], ceiling: Result) -> Table:
    """The published loop, and the shortest training with `fit` that is as accurate, if any is."""
    complete = run["steps"] == run["planned"]
    fit = first_reaching(fits, targets(run)[0]) or fits[-1]
    images = run["planned"] // published.EPOCHS * published.BATCH_SIZE
    theirs = seconds_per_step(run) * run["planned"] / published.EPOCHS
    in_all = run["setup_seconds"] + theirs * published.EPOCHS
    ours = mean(fit["epoch_seconds"]) * images / fit["images"]
    testing = run["evaluating_seconds"] / (run["evaluating_seconds"] + run["training_seconds"])
    gflop = flops_per_image(NETWORKS[network].build()) * images / 1e9
    used = [
        f"{gflop / seconds / ceiling[name]:.1%} of {name}"
        for seconds, name in ((theirs, "float32"), (ours, fit["number_format"]))
    ]

    def time_until(accuracy: float) -> list[str]:
        reached = first_reaching(fits, accuracy)
        name = f"seconds until {accuracy:.2%}"
        if not complete:
            return [name, UNKNOWN, UNKNOWN, UNKNOWN]
        if reached is None:
            return [name, f"{in_all:.1f}", "not reached", UNKNOWN]
        return _numbers(name, in_all, reached["seconds"])

    tested = f"{fit['test_accuracy']:.2%}"
    rows = [
        ["steps done", f"{run['steps']:,} of {run['planned']:,}", f"{fit['steps']:,}", ""],
        _numbers(
            "seconds per epoch" if complete else "seconds per epoch, extrapolated", theirs, ours
        ),
        ["of which testing", f"{testing:.0%}", "0%", ""],
        ["test accuracy, as it tests itself", f"{targets(run)[0]:.2%}", tested, ""],
        ["test accuracy in evaluation mode", f"{targets(run)[1]:.2%}", tested, ""],
        *(time_until(accuracy) for accuracy in targets(run)),
        *_memory_rows(run, fit),
        ["of the machine's ceiling", *used, ""],
    ]
    return Table([network, "published loop", "fit", "ratio"], rows)


def _numbers(name: str, theirs: float, ours: float) -> list[str]:
    return [name, f"{theirs:.1f}", f"{ours:.1f}", f"{theirs / ours:.1f}"]


def _memory_rows(run: Result, fit: Result) -> list[list[str]]:
    """In MB; on Windows they are not known."""
    if run["peak_bytes"] is None:
        return []
    peaks = [result["peak_bytes"] / 1e6 for result in (run, fit)]
    imports = [result["import_bytes"] / 1e6 for result in (run, fit)]
    rest = [peak - before for peak, before in zip(peaks, imports, strict=True)]
    return [_numbers("peak memory, MB", *peaks), _numbers("without the imports', MB", *rest)]
