"""Matplotlib figures of the course: one palette, one look, alt text on every picture.

The functions return a figure that knows its alt text; `show` displays it. Importing this module
sets the look for a notebook's own figures too.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from itertools import cycle

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.intervals import Interval, mean_interval

# Okabe and Ito (2008): eight colors that remain distinct under color blindness.
PALETTE = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
}
GRAY = "#555555"
# What is compared keeps its color through a chapter: each kind of network has a family of colors.
FAMILIES = {
    "DNN": ("blue", "sky"),
    "CNN": ("vermilion", "orange", "purple"),
    "": ("green", "black", "yellow"),
}

plt.rcParams.update(
    {
        "axes.grid": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": "medium",
        "figure.constrained_layout.use": True,
        "font.size": 11,
        "grid.alpha": 0.3,
    }
)


def colors_for(names: Iterable[str]) -> list[str]:
    """A color for each name: blues for names that begin with DNN, reds for CNN."""
    left = {family: cycle(PALETTE[color] for color in FAMILIES[family]) for family in FAMILIES}
    return [next(left[next(filter(name.startswith, FAMILIES))]) for name in names]


def show(figure: Figure, alt: str | None = None) -> None:
    """Display `figure` with alt text, at twice the screen's resolution, and close it.

    Args:
        figure: a figure of this module, or your own.
        alt: what a person who cannot see the figure should know; figures of this module know it.

    Raises:
        ValueError: there is no alt text.
    """
    from IPython.display import display

    alt = alt or figure.get_label()
    if not alt:
        raise ValueError("Say what the figure shows: show(figure, alt='...').")
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=2 * figure.dpi)
    plt.close(figure)
    width, height = (round(inches * figure.dpi) for inches in figure.get_size_inches())
    display(
        {"image/png": buffer.getvalue(), "text/plain": alt},
        metadata={"image/png": {"alt": alt, "width": width, "height": height}},
        raw=True,
    )


def image_grid(
    images: Tensor | np.ndarray,
    titles: Sequence[str],
    *,
    columns: int = 5,
    size: float = 1.6,
    what: str = "pictures",
) -> Figure:
    """Pictures side by side, each under its title.

    Args:
        images: grayscale [N, 1, H, W], any number type; black is the smallest value of each.
        titles: one for each picture; may have several lines.
        columns: pictures in a row.
        size: width of one, in inches.
        what: what the pictures are, for the alt text.
    """
    images = np.asarray(images)
    rows = math.ceil(len(images) / columns)
    title_height = 0.25 * max(1 + title.count("\n") for title in titles)
    figure, axes = plt.subplots(
        rows, columns, figsize=(size * columns, (size + title_height) * rows), squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        axis.imshow(image[0], cmap="gray")
        axis.set_title(title, fontsize=10)
    names = ", ".join(title.replace("\n", " ") for title in titles[:columns])
    figure.set_label(f"{len(images)} {what}, {columns} in a row. The first row: {names}.")
    return figure


def training_curves(losses: Mapping[str, Sequence[float]], *, window: int = 50) -> Figure:
    """Training loss at each step, averaged over the last `window` steps, on a log scale."""
    figure, axis = plt.subplots(figsize=(8, 3.6))
    for (name, loss), color in zip(losses.items(), colors_for(losses), strict=True):
        smooth = np.convolve(loss, np.ones(window) / window, mode="valid")
        steps = np.arange(window, len(loss) + 1)
        axis.plot(steps, smooth, color=color)
        axis.annotate(f" {name}", (steps[-1], smooth[-1]), color=color, va="center")
    axis.set(xlabel="step (batch)", ylabel="training loss (nats)", yscale="log")
    axis.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_locator(mpl.ticker.NullLocator())
    figure.set_label(f"Line chart of the training loss by step for {' and '.join(losses)}.")
    return figure


def band_chart(
    x: Sequence[float],
    runs: Mapping[str, Sequence[Sequence[float]]],
    *,
    xlabel: str,
    ylabel: str,
    percent: bool = True,
) -> Figure:
    """Means over seeds as lines, with the band of their 95% intervals.

    Args:
        x: positions on the horizontal axis.
        runs: for each line its name and, for each seed, one value at each x.
        xlabel, ylabel: what the axes show, with units.
        percent: whether values are in 0..1 and shown in percent.
    """
    figure, axis = plt.subplots(figsize=(8, 3.8))
    for (name, values), color in zip(runs.items(), colors_for(runs), strict=True):
        intervals = [mean_interval(column) for column in zip(*values, strict=True)]
        mean, low, high = zip(*intervals, strict=True)
        axis.plot(x, mean, marker="o", markersize=4, color=color)
        axis.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
        axis.annotate(f"  {name}", (x[-1], mean[-1]), color=color, va="center")
    axis.set(xlabel=xlabel, ylabel=ylabel, xticks=x)
    axis.margins(x=0.02)
    if percent:
        axis.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    figure.set_label(
        f"Line chart with bands of uncertainty: {ylabel} by {xlabel}, for {', '.join(runs)}."
    )
    return figure


def interval_chart(intervals: Mapping[str, Interval], *, xlabel: str) -> Figure:
    """One row for each name: the mean as a dot, its interval as a bar; values 0..1 in percent."""
    figure, axis = plt.subplots(figsize=(8, 0.45 * len(intervals) + 1))
    for row, (name, (mean, low, high)) in enumerate(intervals.items()):
        color = colors_for([name])[0]
        axis.plot([low, high], [row, row], color=color, linewidth=6, alpha=0.35)
        axis.plot(mean, row, "o", color=color)
        axis.annotate(
            f"{mean:.1%}", (mean, row), xytext=(0, 7), textcoords="offset points", ha="center"
        )
    axis.set(xlabel=xlabel, yticks=range(len(intervals)), yticklabels=list(intervals))
    axis.set_ylim(len(intervals) - 0.4, -0.9)
    axis.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    figure.set_label(f"Means over seeds with intervals: {xlabel} of {'; '.join(intervals)}.")
    return figure


def confusion_matrices(matrices: Mapping[str, Tensor], classes: Sequence[str]) -> Figure:
    """Counts [true, predicted] side by side; the diagonal, where all is well, is left uncolored."""
    figure, axes = plt.subplots(1, len(matrices), figsize=(4.7 * len(matrices), 4.7), sharey=True)
    worst = max(int((matrix - matrix.diag().diag()).max()) for matrix in matrices.values())
    for axis, (name, matrix) in zip(np.atleast_1d(axes), matrices.items(), strict=True):
        mistakes = matrix - matrix.diag().diag()
        axis.imshow(mistakes.numpy(), cmap="OrRd", vmin=0, vmax=worst)
        for (row, column), count in np.ndenumerate(matrix.numpy()):
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
    figure, axis = plt.subplots(figsize=(5, 4.4))
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
