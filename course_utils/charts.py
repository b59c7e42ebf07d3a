"""Charts of measurements, with intervals wherever there are seeds; `figures.show` displays them."""

import math
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.arrays import as_array
from course_utils.figures import GRAY, colors_for, subplots
from course_utils.intervals import Interval, mean_interval

LABEL_PITCH = 0.065  # between two names beside a chart, as a share of its height
BAR_PITCH = 0.06  # between two bars at one tick, as a share of the ticks' distance


def training_curves(losses: Mapping[str, Sequence[float]], *, window: int = 50) -> Figure:
    """Training loss at each step, averaged over the last `window` steps, on a log scale.

    If a training has fewer steps, the window is no longer than that.
    """
    window = min([window, *map(len, losses.values())])
    figure, axis = subplots(figsize=(8, 3.6))
    kernel = np.ones(window) / window
    means = {name: np.convolve(loss, kernel, mode="valid") for name, loss in losses.items()}
    for (name, smooth), color in zip(means.items(), colors_for(losses), strict=True):
        steps = np.arange(window, window + len(smooth))
        axis.plot(steps, smooth, color=color)
        axis.annotate(f" {name}", (steps[-1], smooth[-1]), color=color, va="center")
    averaged = f"mean of {window} steps" if window > 1 else "of each step"
    ylabel = f"training loss (nats),\n{averaged}, log scale"
    axis.set(xlabel="step (batch)", ylabel=ylabel, yscale="log")
    axis.set_ylim(*_from_tick_to_tick(np.concatenate(list(means.values()))))
    axis.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_locator(mpl.ticker.NullLocator())
    figure.set_label(f"Line chart of the training loss by step for {' and '.join(losses)}.")
    return figure


def _from_tick_to_tick(values: np.ndarray) -> tuple[float | None, float | None]:
    """The ticks 1, 2, 5, 10, 20, ... around positive values, or None where there are none.

    Another run, whose extremes are others, has the same axis more often than not.
    """
    with np.errstate(all="ignore"):
        powers = np.floor(np.log10([values.min(), values.max()]))
    if not np.isfinite(powers).all():  # a training that came to 0, or failed
        return None, None
    ticks = np.outer(10.0 ** np.arange(powers[0], powers[1] + 2), [1, 2, 5]).ravel()
    return ticks[ticks <= values.min()].max(), ticks[ticks > values.max()].min()


def band_chart(
    x: Sequence[float],
    runs: Mapping[str, Sequence[Sequence[float]]],
    *,
    xlabel: str,
    ylabel: str,
    percent: bool = True,
    ticks: Sequence[str] | None = None,
) -> Figure:
    """Means over seeds as lines, with the band of their 95% intervals.

    Args:
        x: positions on the horizontal axis.
        runs: for each line its name and, for each seed, one value at each x.
        xlabel, ylabel: what the axes show, with units.
        percent: whether values are in 0..1, where the bands end, and shown in percent.
        ticks: what stands at each x on the axis, if not its number.
    """
    figure, axis = subplots(figsize=(8, 3.8))
    ends = []
    for (name, values), color in zip(runs.items(), colors_for(runs), strict=True):
        mean, low, high = zip(*map(mean_interval, zip(*values, strict=True)), strict=True)
        axis.plot(x, mean, marker="o", markersize=4, color=color)
        if percent:  # no share is below 0 or above 1
            low, high = np.clip((low, high), 0, 1)
        axis.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
        ends.append((mean[-1], name, color))
    _label_ends(axis, x[-1], ends)
    axis.set(xlabel=xlabel, ylabel=ylabel, xticks=x)
    if ticks is not None:
        axis.set_xticklabels(ticks)
    axis.margins(x=0.02)
    if percent:
        axis.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    figure.set_label(
        f"Line chart with bands of uncertainty: {ylabel} by {xlabel}, for {', '.join(runs)}."
    )
    return figure


def interval_lines(
    lines: Mapping[str, Sequence[Interval]],
    *,
    ticks: Sequence[str],
    xlabel: str,
    ylabel: str,
    differences: bool = False,
) -> Figure:
    """Intervals as bars, their means joined by lines; bars at one tick stand side by side.

    Args:
        lines: for each line its name and an interval of values in 0..1 at each tick.
        ticks: what stands on the horizontal axis, at equal distances.
        xlabel, ylabel: what the axes show, with units.
        differences: whether the values are differences, shown in percentage points against a line
            at zero, instead of shares, shown in percent.
    """
    figure, axis = subplots(figsize=(8, 3.8))
    ends = []
    left = -BAR_PITCH * (len(lines) - 1) / 2
    for i, ((name, intervals), color) in enumerate(
        zip(lines.items(), colors_for(lines), strict=True)
    ):
        mean, low, high = zip(*intervals, strict=True)
        places = [tick + left + BAR_PITCH * i for tick in range(len(ticks))]
        axis.vlines(places, low, high, color=color, linewidth=4, alpha=0.4)
        axis.plot(places, mean, marker="o", markersize=4, linewidth=1, color=color)
        ends.append((mean[-1], name, color))
    _label_ends(axis, places[-1], ends)
    axis.set(xlabel=xlabel, ylabel=ylabel, xticks=range(len(ticks)), xticklabels=ticks)
    axis.margins(x=0.02)
    if differences:
        axis.axhline(0, color=GRAY, linestyle="--", linewidth=1)
    axis.yaxis.set_major_locator(mpl.ticker.MaxNLocator(8, steps=(1, 2, 5, 10)))
    symbol = "" if differences else "%"
    axis.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0, symbol=symbol))
    figure.set_label(
        f"Line chart with bars of uncertainty: {ylabel} by {xlabel}, for {', '.join(lines)}."
    )
    return figure


def _label_ends(axis: Axes, x: float, ends: Sequence[tuple[float, str, str]]) -> None:
    """Write each line's name behind its end; where ends are close, the names make room."""
    low, high = axis.get_ylim()
    pitch = (high - low) * LABEL_PITCH
    ends = sorted(ends)
    places = [y for y, _, _ in ends]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + pitch)
    places[-1] = min(places[-1], high)
    for i in reversed(range(len(places) - 1)):
        places[i] = min(places[i], places[i + 1] - pitch)
    for place, (_, name, color) in zip(places, ends, strict=True):
        axis.annotate(f"  {name}", (x, place), color=color, va="center", annotation_clip=False)


def interval_panels(panels: Mapping[str, Mapping[str, Interval]], *, xlabel: str) -> Figure:
    """Interval charts, two in a row, which share their names.

    Args:
        panels: title -> name -> interval of values in 0..1; the same names in each.
        xlabel: what the axes show; each panel has a range of its own.
    """
    rows = math.ceil(len(panels) / 2)
    figure, axes = subplots(rows, 2, figsize=(9, 2.2 * rows + 0.4), sharey=True, squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    for axis, (title, intervals) in zip(axes.flat, panels.items(), strict=False):
        _draw_intervals(axis, intervals, colors_for(intervals), ticks=4)
        axis.set_title(title)
        axis.margins(x=0.12)
    figure.supxlabel(xlabel, fontsize="medium")
    figure.set_label(f"Means over seeds with intervals: {xlabel}. Panels: {'; '.join(panels)}.")
    return figure


def interval_chart(intervals: Mapping[str, Interval], *, xlabel: str) -> Figure:
    """One row for each name: the mean as a dot, its interval as a bar; values 0..1 in percent."""
    figure, axis = subplots(figsize=(8, 0.45 * len(intervals) + 1))
    _draw_intervals(axis, intervals, [colors_for([name])[0] for name in intervals], ticks=6)
    axis.set_xlabel(xlabel)
    figure.set_label(f"Means over seeds with intervals: {xlabel} of {'; '.join(intervals)}.")
    return figure


def _draw_intervals(
    axis: Axes, intervals: Mapping[str, Interval], colors: Sequence[str], ticks: int
) -> None:
    for row, ((mean, low, high), color) in enumerate(zip(intervals.values(), colors, strict=True)):
        axis.plot([low, high], [row, row], color=color, linewidth=6, alpha=0.35)
        axis.plot(mean, row, "o", color=color)
        axis.annotate(
            f"{mean:.1%}", (mean, row), xytext=(0, 7), textcoords="offset points", ha="center"
        )
    axis.set(yticks=range(len(intervals)), yticklabels=list(intervals))
    axis.set_ylim(len(intervals) - 0.4, -0.9)
    axis.xaxis.set_major_locator(mpl.ticker.MaxNLocator(ticks, steps=(1, 2, 5, 10)))
    axis.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=1))


def confusion_matrices(matrices: Mapping[str, Tensor], classes: Sequence[str]) -> Figure:
    """Counts [true, predicted] side by side; only mistakes are colored."""
    counts = {name: as_array(matrix) for name, matrix in matrices.items()}
    figure, axes = subplots(1, len(counts), figsize=(4.7 * len(counts), 4.7), sharey=True)
    mistakes = {
        name: np.ma.masked_equal(matrix - np.diag(matrix.diagonal()), 0)
        for name, matrix in counts.items()
    }
    worst = max(int(matrix.filled(0).max()) for matrix in mistakes.values())
    for axis, (name, matrix) in zip(np.atleast_1d(axes), counts.items(), strict=True):
        axis.imshow(mistakes[name], cmap="OrRd", vmin=0, vmax=worst)
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                dark = row != column and count > 0.6 * worst
                style = {"color": "white" if dark else "black", "fontsize": 8}
                axis.text(column, row, count, ha="center", va="center", **style)
        axis.set_xticks(
            range(len(classes)), classes, rotation=60, ha="right", rotation_mode="anchor"
        )
        axis.set_yticks(range(len(classes)), classes)
        axis.set_title(name, color=colors_for([name])[0], weight="bold")
        axis.set_xlabel("predicted")
        axis.grid(False)
    np.atleast_1d(axes)[0].set_ylabel("true")
    figure.set_label(f"Confusion matrices of {' and '.join(matrices)}: true class by predicted.")
    return figure


def reliability_chart(points: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """For each network (confidence, accuracy) of bins of predictions, against the diagonal."""
    figure, axis = subplots(figsize=(5, 4.4))
    axis.plot([0, 1], [0, 1], color=GRAY, linestyle="--", linewidth=1)
    for (name, (confidence, accuracy)), color in zip(
        points.items(), colors_for(points), strict=True
    ):
        axis.plot(confidence, accuracy, marker="o", markersize=4, label=name, color=color)
    axis.set(xlabel="confidence", ylabel="share that is right", aspect="equal")
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(mpl.ticker.PercentFormatter(1))
    axis.legend(frameon=False)
    figure.set_label(
        f"Reliability chart of {' and '.join(points)}: share of right answers by confidence, "
        "with the diagonal on which they should lie."
    )
    return figure
