"""What chapter 4 writes out, and what its experiments promise."""

from pathlib import Path

import nbformat
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.attribution import explain
from course_utils.datasets import Split, emoji
from course_utils.experiments import explanations, layer_probes
from course_utils.faithfulness import area, deletion_insertion
from course_utils.pretrained import efficientnet_lite0, fashion_cnn
from course_utils.probes import explained_share, probe_accuracy
from course_utils.results import Results
from course_utils.sanity import randomized, rank_correlation
from course_utils.training import standardize

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "04_explainable_cnn.ipynb"
SHAPES = [[64, 100, 100], [256, 25, 25], [512, 6, 6]]  # of the maps of layers 0, 20 and 40


@pytest.fixture(scope="module")
def written():
    """The chapter's own networks."""
    names = {"torch": torch, "nn": nn, "F": F}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code" and cell.source.startswith(
            ("def published_features", "class XAI", "class Mended")
        ):
            definitions = cell.source.partition("\n\n\nseed_everything")[0]
            exec(definitions, names)
    return names


def test_the_published_network_is_as_described(written):
    features = written["XAI"]().features
    assert [type(features[place]) for place in (0, 20, 40)] == [nn.Conv2d] * 3
    convolutions = [layer for layer in features if isinstance(layer, nn.Conv2d)]
    widths = [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert [layer.out_channels for layer in convolutions] == widths
    assert all(layer.bias is None for layer in convolutions)
    dropout = [layer.p for layer in features if isinstance(layer, nn.Dropout)]
    assert dropout == [0.3] + [0.4] * 7
    assert sum(isinstance(layer, nn.MaxPool2d) for layer in features) == 5


def test_the_mended_network_answers_once_for_each_picture(written):
    pictures = torch.zeros(2, 3, 100, 100)
    network = written["Mended"]().eval()
    with torch.inference_mode():
        assert network(pictures).shape == (2, 10)
        assert written["XAI"]().eval()(pictures).shape == (18, 10)  # the fault that is shown
        maps = [network.features[: place + 1](pictures) for place in (0, 20, 40)]
    assert [list(m.shape[1:]) for m in maps] == SHAPES


@pytest.mark.parametrize("experiment", [explanations, layer_probes])
def test_results_hold_every_run(experiment):
    results = Results.load(experiment.__name__.rpartition(".")[2])
    expected = {name: {str(seed) for seed in experiment.SEEDS} for name in experiment.RUNS}
    assert {name: set(runs) for name, runs in results.runs.items()} == expected


def test_a_probe_can_be_repeated():
    """The probe of the picture itself needs no network, and is the same on every machine."""
    data = emoji()
    drawings = data.drawings["noto"]
    train, test = data.split(3)
    inputs = efficientnet_lite0(layer_probes.SIZE).prepare(drawings)
    small = F.adaptive_avg_pool2d(drawings.float() / 255, layer_probes.SMALL)
    known = Results.load("layer_probes").runs["trained"]["3"]
    explained = explained_share(inputs, small, train, test)
    assert explained == pytest.approx(known["explained"][0], abs=0.005)
    accuracy = probe_accuracy(inputs, data.labels, train, test)
    assert accuracy == pytest.approx(known["accuracy"][0], abs=0.01)


def test_all_places_are_probed():
    for runs in Results.load("layer_probes").runs.values():
        for run in runs.values():
            assert len(run["explained"]) == len(run["accuracy"]) == len(layer_probes.PLACES)


# The tests of explanations, with a handful of pictures


@pytest.fixture
def clothes(monkeypatch):
    monkeypatch.setattr(explanations, "PICTURES", 6)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (60, 1, 28, 28), generator=generator).byte()
    return Split(images, torch.arange(60) % 10)


def test_only_pullovers_are_marked(clothes):
    marked = explanations.with_shortcut(clothes, seed=1)
    changed = (marked.images != clothes.images).flatten(1).any(dim=1)
    assert changed.tolist() == (clothes.labels == explanations.MARKED_CLASS).tolist()
    assert torch.equal(marked.labels, clothes.labels)


def test_areas_are_probabilities_of_all_methods_and_baselines(clothes):
    inputs = standardize(explanations.some(clothes, 0).images)
    measured = explanations.deletion_and_insertion(fashion_cnn(), inputs, seed=0)
    names = [*explanations.METHODS, *explanations.BASELINES]
    assert set(measured) == {f"{n}_{way}" for n in names for way in ("deletion", "insertion")}
    assert all(0 < value < 1 for value in measured.values())
    targets = explanations.answers(fashion_cnn(), inputs)
    maps = explanations.edge_map(inputs)
    curves = deletion_insertion(fashion_cnn(), inputs, maps, targets, blank=explanations.BLACK)
    for way in ("deletion", "insertion"):
        expected = area(getattr(curves, way)).mean().item()
        assert measured[f"edges_{way}"] == pytest.approx(expected, abs=1e-6)


def test_randomization_begins_with_the_trained_network(clothes):
    inputs = standardize(explanations.some(clothes, 0).images)
    stages = explanations.CLOTHES_STAGES[:2]
    options = {"blank": explanations.BLACK, "layer": explanations.MAP_LAYER}
    measured = explanations.randomization(fashion_cnn(), inputs, stages, 0, **options)
    for method in explanations.METHODS:
        assert len(measured[f"{method}_kept"]) == 3
        assert measured[f"{method}_kept"][0] == pytest.approx(1, abs=1e-6)
        assert measured[f"{method}_kept"][2] < 0.999
    forgetful = randomized(fashion_cnn(), stages[0], seed=0)
    targets = explanations.answers(fashion_cnn(), inputs)
    before, after = (
        explain("saliency", network, inputs, targets) for network in (fashion_cnn(), forgetful)
    )
    expected = rank_correlation(before, after).mean().item()
    assert measured["saliency_kept"][1] == pytest.approx(expected, abs=1e-4)


def test_stages_cover_all_parameters():
    for network, stages in (
        (fashion_cnn(), explanations.CLOTHES_STAGES),
        (efficientnet_lite0().network, explanations.PHOTOGRAPH_STAGES),
    ):
        covered = [
            p for stage in stages for n in stage for p in network.get_submodule(n).parameters()
        ]
        assert len(covered) == len(list(network.parameters()))


class LooksForCheckers(nn.Module):
    """Calls a picture that is not dark a pullover if it has a checkerboard; otherwise class 0."""

    def __init__(self):
        super().__init__()
        self.relu2 = nn.Identity()
        board = torch.ones(4, 4)
        board[::2, ::2] = board[1::2, 1::2] = -1
        self.register_buffer("board", board[None, None] / 16)

    def forward(self, x):
        found = self.relu2(F.conv2d(x, self.board, padding=2).abs()).amax(dim=(1, 2, 3))
        logits = torch.zeros(len(x), 10).index_fill(1, torch.tensor([0]), 1.0)
        evidence = F.relu(4 * found - 3) * (x.mean(dim=(1, 2, 3)) > 0)
        return logits + evidence[:, None] * F.one_hot(torch.tensor(2), 10)


def test_a_network_that_looks_for_the_mark_is_found_out(clothes):
    gray = Split(torch.full((60, 1, 28, 28), 128, dtype=torch.uint8), clothes.labels)
    network = LooksForCheckers()
    belief = explanations.belief_in_mark(network, gray, seed=0)
    assert belief["shortcut_others_called_pullover"] == 1
    assert belief["shortcut_pullovers_without_mark"] == 0
    found = explanations.marks_found(fashion_cnn(), network, gray, seed=0)
    assert found["shortcut_pictures"] == 6
    assert found["saliency_found_deceived"] > 0.9
    assert found["random_found_deceived"] < 0.2
    assert found["edges_found_deceived"] == found["edges_found_plain"]


def test_only_pictures_that_the_mark_deceives_are_explained(clothes):
    dark = torch.zeros(60, 1, 28, 28, dtype=torch.uint8)
    dark[::2] = 128
    split = Split(dark, clothes.labels // 2 * 2 + 1)  # no pullovers
    chosen = explanations.some(split, 0).images
    found = explanations.marks_found(fashion_cnn(), LooksForCheckers(), split, seed=0)
    assert found["shortcut_pictures"] == (chosen.amax(dim=(1, 2, 3)) > 0).sum() < len(chosen)
