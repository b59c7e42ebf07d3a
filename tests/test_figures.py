import base64
import io
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import charts, figures
from course_utils.datasets import sample_image
from course_utils.intervals import Interval
from course_utils.tables import Table

FIGURES = {
    "grid": lambda: figures.image_grid(torch.rand(7, 1, 28, 28), [f"n{i}\ntwo" for i in range(7)]),
    "signed grid": lambda: figures.image_grid(
        [torch.randn(1, 20, 40), torch.randn(1, 10, 10)], ["a", "b"], signed=True
    ),
    "color grid": lambda: figures.image_grid([torch.rand(3, 20, 40)], ["a"], columns=1),
    "numbers": lambda: figures.number_grids(
        {"window": torch.eye(3), "kernel": torch.tensor([[-1.0, 0.5]])},
        between="×",
        marked={"window": [(0, 0)]},
    ),
    "training": lambda: charts.training_curves({"A": np.linspace(2, 1, 90)}),
    "band": lambda: charts.band_chart(
        range(3), {"A": [[0.1, 0.2, 0.3], [0.2, 0.2, 0.4]]}, xlabel="x", ylabel="y"
    ),
    "interval": lambda: charts.interval_chart({"DNN": Interval(0.5, 0.4, 0.6)}, xlabel="x"),
    "band with names": lambda: charts.band_chart(
        range(2),
        {"A": [[0.1, 0.2], [0.2, 0.2]], "B": [[0.1, 0.21], [0.2, 0.21]]},
        xlabel="x",
        ylabel="y",
        ticks=["few", "all"],
    ),
    "lines": lambda: charts.interval_lines(
        {"A": [Interval(0.5, 0.4, 0.6)] * 2}, ticks=["few", "all"], xlabel="x", ylabel="y"
    ),
    "panels": lambda: charts.interval_panels(
        {title: {"A": Interval(0.5, 0.4, 0.6), "B": Interval(0.8, 0.7, 0.9)} for title in "xyz"},
        xlabel="accuracy",
    ),
    "confusion": lambda: charts.confusion_matrices(
        {"A": torch.eye(3, dtype=torch.int64), "B": torch.ones(3, 3, dtype=torch.int64)}, "abc"
    ),
    "reliability": lambda: charts.reliability_chart({"A": ([0.5, 0.9], [0.4, 0.9])}),
}


@pytest.fixture
def displayed(monkeypatch):
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, **options: shown.append((bundle, options))
    )
    return shown


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_a_picture_with_alt_text(name, displayed):
    figures.show(FIGURES[name]())
    [(bundle, options)] = displayed
    [mime] = bundle.keys() - {"text/plain"}
    about = options["metadata"][mime]
    assert bundle["text/plain"] == about["alt"]
    assert len(about["alt"]) > 20
    with Image.open(io.BytesIO(bundle[mime])) as picture:
        assert picture.size == (2 * about["width"], 2 * about["height"])
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 20
    assert not plt.get_fignums()


def test_show_wants_alt_text(displayed):
    with pytest.raises(ValueError, match="Say what the figure shows"):
        figures.show(plt.figure())
    plt.close("all")
    figures.show(plt.figure(), alt="nothing at all")
    assert displayed[0][0]["text/plain"] == "nothing at all"


def test_show_gives_bytes_that_a_notebook_can_save(displayed):
    figures.show(FIGURES["band"]())
    assert base64.b64encode(displayed[0][0]["image/png"])


def test_drawings_stay_sharp_and_photographs_small(displayed):
    cup = sample_image("coffee").transpose(2, 0, 1)
    figures.show(figures.image_grid([cup], ["cup"], columns=1, size=4))
    figures.show(FIGURES["interval"]())
    (photograph, _), (drawing, _) = displayed
    assert 20_000 < len(photograph["image/jpeg"]) < 150_000
    assert len(drawing["image/png"]) < 20_000
    with Image.open(io.BytesIO(drawing["image/png"])) as picture:
        assert (255, 255, 255) in {color for _, color in picture.convert("RGB").getcolors(5000)}


def test_a_small_spot_keeps_its_color(displayed):
    photograph = np.asarray(sample_image("coffee")).transpose(2, 0, 1) // 64 * 64
    photograph[:, :9, :9] = np.array([0, 255, 0])[:, None, None]
    figures.show(figures.image_grid([photograph], ["spot"], columns=1, size=3))
    [(bundle, _)] = displayed
    [content] = (bundle[mime] for mime in bundle.keys() - {"text/plain"})
    with Image.open(io.BytesIO(content)) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert (np.abs(pixels - [0, 255, 0]).max(axis=2) < 60).sum() > 20


def test_signed_pictures_share_one_scale():
    figure = figures.image_grid(
        [torch.full((1, 4, 4), 1.0), torch.full((1, 4, 4), -4.0)], ["a", "b"], signed=True
    )
    small, large = (axis.images[0] for axis in figure.axes[:2])
    assert small.get_clim() == large.get_clim() == (-4, 4)
    plt.close("all")


@pytest.mark.parametrize(
    ("titles", "label"),
    [
        (["edges"], "One picture. Its title: edges."),
        (["A\n3 × 3", "", "B"], "3 maps, 2 in a row. The first row: A 3 × 3."),
    ],
)
def test_alt_text_of_a_grid_counts_and_leaves_empty_titles_out(titles, label):
    pictures = [torch.rand(1, 4, 4)] * len(titles)
    figure = figures.image_grid(pictures, titles, columns=2, what="maps")
    assert figure.get_label() == label
    plt.close("all")


@pytest.mark.parametrize(
    ("value", "text"),
    [(-1, "−1"), (0.125, "0.125"), (1 / 9, "0.111"), (1234.4, "1234"), (-0.0, "0"), (99.95, "100")],
)
def test_numbers_in_grids_are_short_and_minus_zero_is_zero(value, text):
    figure = figures.number_grids({"one": np.array([[value]])})
    assert text in {shown.get_text() for shown in figure.axes[0].texts}
    assert figure.get_label() == f"Grids of numbers. one: {text}."
    plt.close("all")


@pytest.mark.parametrize(("percent", "inside"), [(True, True), (False, False)])
def test_bands_of_shares_end_at_0_and_1(percent: bool, inside: bool):
    runs = {"CNN": [[1.0, 0.0], [1.0, 0.0], [0.5, 0.4]]}
    figure = charts.band_chart([1, 2], runs, xlabel="x", ylabel="y", percent=percent)
    [band] = figure.axes[0].collections
    ends = band.get_paths()[0].vertices[:, 1]
    assert bool(ends.min() >= 0 and ends.max() <= 1) == inside
    plt.close("all")


def test_confusion_matrix_of_a_perfect_network_is_drawn():
    perfect = {"A": 5 * torch.eye(3, dtype=torch.int64)}
    figures.show(charts.confusion_matrices(perfect, "abc"))


def test_only_mistakes_of_a_confusion_matrix_are_colored():
    counts = torch.tensor([[5, 0, 2], [1, 9, 0], [0, 3, 0]])
    figure = charts.confusion_matrices({"A": counts}, "abc")
    [image] = figure.axes[0].images
    mistakes = [[False, False, True], [True, False, False], [False, True, False]]
    shown = image.get_array()
    np.testing.assert_array_equal(~np.ma.getmaskarray(shown), mistakes)
    white = (image.to_rgba(shown) == 1).all(axis=2) | (image.to_rgba(shown)[..., 3] == 0)
    np.testing.assert_array_equal(~white, mistakes)
    plt.close(figure)


def test_table_reads_well_everywhere():
    table = Table(["network", "accuracy"], [["DNN", "88.4%"], ["CNN", "9%"]])
    assert repr(table) == "network  accuracy\nDNN         88.4%\nCNN            9%"
    assert table._repr_markdown_().splitlines()[1] == "|:--|--:|"
    assert table._repr_markdown_().splitlines()[2] == "| DNN | 88.4% |"


def test_percents_below_panels_do_not_overlap():
    intervals = {"A": Interval(0.837, 0.825, 0.849), "B": Interval(0.841, 0.830, 0.853)}
    figure = charts.interval_panels({"large": intervals, "small": intervals}, xlabel="accuracy")
    figure.draw_without_rendering()
    for axis in figure.axes:
        low, high = axis.get_xlim()
        labels = [
            label for label in axis.get_xticklabels() if low <= label.get_position()[0] <= high
        ]
        assert all(label.get_text().count(".") == 1 for label in labels)
        boxes = [label.get_window_extent() for label in labels]
        assert len(boxes) >= 2
        assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    plt.close(figure)


@pytest.mark.parametrize(("steps", "window"), [((90, 60), 50), ((90, 12), 12), ((9, 1), 1)])
def test_the_window_of_training_curves_is_no_longer_than_the_shortest_training(steps, window):
    losses = {f"line {count}": np.linspace(2, 1, count) for count in steps}
    figure = charts.training_curves(losses)
    [axis] = figure.axes
    averaged = "of each step" if window == 1 else f"mean of {window} steps"
    assert averaged in axis.get_ylabel()
    for line, loss in zip(axis.lines, losses.values(), strict=True):
        assert list(line.get_xdata()) == list(range(window, len(loss) + 1))
        assert line.get_ydata()[-1] == pytest.approx(loss[-window:].mean())
    plt.close(figure)


def test_names_of_lines_that_end_together_do_not_overlap():
    runs = {name: [[0.1, 0.5 + i / 1000]] * 2 for i, name in enumerate("ABC")}
    figure = charts.band_chart(range(2), runs, xlabel="x", ylabel="y")
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 3
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    plt.close(figure)


def test_bars_at_one_tick_do_not_overlap_and_differences_have_a_line_at_zero():
    lines = {name: [Interval(0.02, -0.03, 0.09)] * 3 for name in "ABCDEF"}
    options = {"ticks": "xyz", "xlabel": "x", "ylabel": "points", "differences": True}
    figure = charts.interval_lines(lines, **options)
    figure.draw_without_rendering()
    [axis] = figure.axes
    bars = [segment[0] for bars in axis.collections for segment in bars.get_segments()]
    places = np.sort(axis.transData.transform(bars)[:, 0]) * 72 / figure.dpi  # in points
    assert len(places) == 18
    assert np.diff(places).min() > axis.collections[0].get_linewidths()[0]
    assert list(axis.lines[-1].get_ydata()) == [0, 0]
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert "0" in labels
    assert len(labels) == len(set(labels))
    plt.close(figure)


def test_what_begins_alike_keeps_its_color_in_another_figure():
    curves = ["frozen features", "raw pixels", "last blocks", "half", "everything", "from scratch"]
    intervals = ["head only", "last block and head", "everything", "from scratch"]
    first = dict(zip(curves, figures.colors_for(curves), strict=True))
    second = dict(zip(intervals, figures.colors_for(intervals), strict=True))
    assert len(set(first.values())) == 6
    assert second["last block and head"] == first["last blocks"]
    assert second["everything"] == first["everything"]
    assert second["from scratch"] == first["from scratch"]
    assert second["head only"] == first["frozen features"]  # the same thing, of two networks


@pytest.mark.parametrize(
    ("losses", "limits"),
    [
        ((1.95, 0.14), (0.1, 2)),
        ((0.9, 0.052), (0.05, 1)),
        ((1.7, 1.2), (1, 2)),
        ((60, 2.4), (2, 100)),
    ],
)
def test_training_curves_go_from_tick_to_tick(losses, limits):
    figure = charts.training_curves({"A": losses}, window=1)
    assert figure.axes[0].get_ylim() == pytest.approx(limits)
    plt.close(figure)
