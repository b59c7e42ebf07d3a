import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import figures
from course_utils.intervals import Interval
from course_utils.tables import Table

FIGURES = {
    "grid": lambda: figures.image_grid(torch.rand(7, 1, 28, 28), [f"n{i}\ntwo" for i in range(7)]),
    "training": lambda: figures.training_curves({"A": np.linspace(2, 1, 90)}),
    "band": lambda: figures.band_chart(
        range(3), {"A": [[0.1, 0.2, 0.3], [0.2, 0.2, 0.4]]}, xlabel="x", ylabel="y"
    ),
    "interval": lambda: figures.interval_chart({"DNN": Interval(0.5, 0.4, 0.6)}, xlabel="x"),
    "confusion": lambda: figures.confusion_matrices(
        {"A": torch.eye(3, dtype=torch.int64), "B": torch.ones(3, 3, dtype=torch.int64)}, "abc"
    ),
    "reliability": lambda: figures.reliability_chart({"A": ([0.5, 0.9], [0.4, 0.9])}),
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
    about = options["metadata"]["image/png"]
    assert bundle["text/plain"] == about["alt"]
    assert len(about["alt"]) > 20
    with Image.open(io.BytesIO(bundle["image/png"])) as picture:
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


def test_confusion_matrix_of_a_perfect_network_is_drawn():
    perfect = {"A": 5 * torch.eye(3, dtype=torch.int64)}
    figures.show(figures.confusion_matrices(perfect, "abc"))


def test_table_reads_well_everywhere():
    table = Table(["network", "accuracy"], [["DNN", "88.4%"], ["CNN", "9%"]])
    assert repr(table) == "network  accuracy\nDNN         88.4%\nCNN            9%"
    assert table._repr_markdown_().splitlines()[1] == "|:--|--:|"
    assert table._repr_markdown_().splitlines()[2] == "| DNN | 88.4% |"
