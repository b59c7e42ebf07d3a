"""On a GPU everything comes out as on the CPU.

Where there is none, most of this is tested with one that is pretended.
"""

from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from explorer_driver import drive
from node_networks import EDGES, LABELS, MAKERS, MATRIX, TRAIN, words
from pretended_gpu import PRETENDED, pretended_gpu
from test_distributed import BATCH, EPOCHS, IMAGES
from test_distributed import TRAIN as SCRIPT
from test_mesh_training import network_for, random_graph
from test_saliency_explorer import BRIGHT, CLASSES, NOISE, prepare, tiny_cnn
from test_smoothing import random_features
from test_training import interrupt_after, train, two_sides

from course_utils.activations import LayerActivations, layers_table, list_layers
from course_utils.attribution import METHODS, explain
from course_utils.classifier import train_classifier
from course_utils.environment import pick_device
from course_utils.explorers.feature_maps import FeatureMapExplorer
from course_utils.explorers.saliency import SaliencyExplorer
from course_utils.explorers.sanity import SanityExplorer
from course_utils.explorers.shifts import ShiftExplorer
from course_utils.faithfulness import deletion_insertion
from course_utils.graph_training import accuracy_on, fit_nodes
from course_utils.label_propagation import label_propagation
from course_utils.mesh_training import accuracy_on_graphs, fit_graphs, predict_graphs
from course_utils.models import FashionCNN, FashionDNN
from course_utils.pretrained import Backbone, efficientnet_lite0, fashion_cnn
from course_utils.probes import explained_share, probe_accuracy
from course_utils.processes import torchrun
from course_utils.sanity import randomized
from course_utils.smoothing import smoothing
from course_utils.training import evaluate, fit, predict, standardize, to_float
from course_utils.transfer import blocks, fine_tune, run_blocks

CPU, FASTEST = torch.device("cpu"), pick_device()
DEVICE = PRETENDED if FASTEST == CPU else FASTEST
real = pytest.mark.skipif(FASTEST == CPU, reason="this machine has no GPU")
PLACES = pytest.mark.parametrize(("first", "then"), [(DEVICE, CPU), (CPU, DEVICE)])


def digits(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0)).byte()


IMAGES_28, ANSWERS = digits(96, 1, 28, 28), torch.arange(96) % 10


@pytest.fixture(autouse=True)
def exact_products() -> Iterator[None]:
    """Convolutions of float32 in float32, not in NVIDIA's shorter form of it."""
    settings = torch.backends.cudnn.conv
    before = settings.fp32_precision
    settings.fp32_precision = "ieee"
    yield
    settings.fp32_precision = before


@pytest.fixture(autouse=True)
def gpu() -> Iterator[None]:
    with pretended_gpu() if DEVICE == PRETENDED else nullcontext():
        yield


def close(found: torch.Tensor, expected: torch.Tensor, tolerance: float = 1e-3) -> None:
    scale = expected.abs().max().item()
    torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=tolerance * scale)


def without_dropout() -> FashionDNN:
    network = FashionDNN()
    network.dropout = torch.nn.Identity()  # a GPU draws other masks
    return network


def losses_on(device: torch.device, **options) -> list[float]:
    return train(two_sides(), build=without_dropout, device=device, **options)[1].step_loss


@real
def test_training():
    there, here = (losses_on(device) for device in (DEVICE, CPU))
    assert there == pytest.approx(here, rel=0.05, abs=0.01)


@real
def test_training_of_convolutions_in_the_fast_format():
    torch.manual_seed(0)
    network = FashionCNN()
    history = fit(network, IMAGES_28, ANSWERS, epochs=1, batch_size=32, description=None)
    assert history.step_loss[0] == pytest.approx(2.3, abs=0.3)
    assert next(network.parameters()).device.type == DEVICE.type
    assert predict(network, IMAGES_28).device == CPU
    moved = evaluate(network, IMAGES_28.to(DEVICE), ANSWERS.to(DEVICE))
    assert moved == pytest.approx(evaluate(network, IMAGES_28, ANSWERS))


@real
@PLACES
def test_a_checkpoint_goes_on_elsewhere(first, then, tmp_path):
    file = tmp_path / "checkpoint.pt"
    losses_on(first, prepare=interrupt_after(15), checkpoint=file)
    resumed = losses_on(then, prepare=to_float, checkpoint=file)
    assert resumed == pytest.approx(losses_on(CPU, prepare=to_float), rel=0.05, abs=0.01)


def test_layers():
    network, x = fashion_cnn(), standardize(IMAGES_28[:1])
    expected = list_layers(network, x)
    network.to(DEVICE)
    found = list_layers(network, x.to(DEVICE))
    assert repr(layers_table(found)) == repr(layers_table(expected))
    with LayerActivations(network, ["conv1"]) as activations:
        network(x.to(DEVICE))
    assert activations["conv1"].device.type == DEVICE.type


@pytest.mark.parametrize("method", METHODS)
def test_explanations(method):
    x, targets = standardize(IMAGES_28[:3]), torch.tensor([1, 2, 3])
    maps = [explain(method, fashion_cnn().to(device), x, targets) for device in (DEVICE, CPU)]
    close(*maps)


def test_deletion_and_insertion():
    x, maps = standardize(IMAGES_28[:3]), torch.rand(3, 28, 28)
    there, here = (
        deletion_insertion(fashion_cnn().to(device), x.to(device), maps, 1)
        for device in (DEVICE, CPU)
    )
    close(there.deletion, here.deletion)
    close(there.insertion, here.insertion)


def test_randomization():
    there, here = (randomized(fashion_cnn().to(d), ["fc3"], seed=0) for d in (DEVICE, CPU))
    assert there.fc3.weight.device.type == DEVICE.type
    assert torch.equal(there.fc3.weight.cpu(), here.fc3.weight)


def test_features_and_fine_tuning():
    network, prepare, _ = efficientnet_lite0(64)
    pictures, labels = digits(6, 3, 64, 64), torch.arange(6) % 2
    expected = run_blocks(blocks(network), pictures, prepare)
    found = run_blocks(blocks(network.to(DEVICE)), pictures, prepare)
    assert found.device == CPU
    close(found, expected)
    head = torch.nn.Linear(expected.shape[1], 2).to(DEVICE)
    base = torch.nn.Identity()
    losses = fine_tune(
        base, head, found[None], labels, base_rate=0.0, head_rate=0.01, description=None
    )
    assert losses[-1] < losses[0]


def test_a_classifier_of_pictures():
    network, prepare, classes = efficientnet_lite0(64)
    pictures, labels = digits(8, 3, 64, 64), torch.arange(8) % 2
    found = [
        train_classifier(
            pictures.to(device),
            labels.to(device),
            ["even", "odd"],
            backbone=Backbone(network.to(device), prepare, classes),
            size=64,
            splits=2,
            progress=False,
        )
        for device in (CPU, DEVICE)
    ]
    picture = pictures[0].permute(1, 2, 0).numpy()
    here, there = (classifier.predict(picture) for classifier in found)
    assert there == pytest.approx(here, abs=0.01)


def test_probes():
    features = torch.rand(30, 7)
    targets, labels, train_on = features[:, :2] * 2, torch.arange(30) % 3, torch.arange(20)
    test_on = torch.arange(20, 30)
    for measure, known in ((explained_share, targets), (probe_accuracy, labels)):
        here = measure(features, known, train_on, test_on)
        there = measure(*(each.to(DEVICE) for each in (features, known, train_on, test_on)))
        assert there == pytest.approx(here, abs=1e-3)


@MAKERS
def test_nodes(make):
    found = []
    for device in (CPU, DEVICE):
        graph = [each.to(device) for each in (words(), MATRIX, LABELS, TRAIN)]
        network = make().to(device)
        losses = fit_nodes(network, *graph, epochs=20)
        found.append([*losses, accuracy_on(network, *graph)])
    assert found[1] == pytest.approx(found[0], rel=1e-2)


def test_labels_that_spread():
    here = label_propagation(EDGES, LABELS, TRAIN, 3)
    there = label_propagation(EDGES, LABELS.to(DEVICE), TRAIN, 3)
    assert torch.equal(there.cpu(), here)


def test_smoothing():
    features = random_features(12, 4)
    here = smoothing(features, MATRIX, LABELS, (0, 1, 8), progress=None)
    moved = (each.to(DEVICE) for each in (features, MATRIX, LABELS))
    there = smoothing(*moved, (0, 1, 8), progress=None)
    np.testing.assert_allclose(there.distances, here.distances, atol=1e-4)
    assert (there.labels == here.labels).all()


def test_whole_graphs():
    graphs = [random_graph(seed, label=seed % 4) for seed in range(8)]
    here, there = network_for(), network_for().to(DEVICE)
    close(predict_graphs(there, graphs), predict_graphs(here, graphs))
    losses = [fit_graphs(network, graphs, epochs=3, batch_size=4) for network in (here, there)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)
    expected = accuracy_on_graphs(there, graphs)
    assert accuracy_on_graphs(there, [graph.clone().to(DEVICE) for graph in graphs]) == expected


PICTURES = {"noise": NOISE, "bright": BRIGHT}
EXPLORERS = {
    "maps": lambda network: FeatureMapExplorer(network, PICTURES, prepare, classes=CLASSES),
    "explanations": lambda network: SaliencyExplorer(network, PICTURES, prepare, CLASSES),
    "forgetting": lambda network: SanityExplorer(network, PICTURES, prepare, CLASSES),
}


@pytest.mark.parametrize("name", EXPLORERS)
def test_explorers(name):
    here, there = (EXPLORERS[name](tiny_cnn().to(device)) for device in (CPU, DEVICE))
    assert there.status == here.status
    drive(there)


def test_the_explorer_of_shifts():
    networks = {"a": fashion_cnn().to(DEVICE), "b": fashion_cnn()}
    explorer = ShiftExplorer(networks, IMAGES_28[:10], ANSWERS[:10], [str(n) for n in range(10)])
    drive(explorer)


@real
def test_processes_learn_on_a_gpu_what_one_learns():
    if DEVICE.type != "cuda":
        pytest.skip("only gloo lets processes share a GPU, and only one of NVIDIA's or AMD's")
    script = SCRIPT.replace('torch.device("cpu")', 'torch.device("cuda", 0)')
    script += "torch.backends.cudnn.conv.fp32_precision = 'ieee'\n"
    gloo = "import torch.distributed as dist\ndist.init_process_group('gloo')\n"
    report = "print(train()[1].step_loss)\n"
    end = "import gc; gc.collect(); dist.barrier(); dist.destroy_process_group()\n"
    one = torchrun(script + report, 1)[0]
    for lines in torchrun(script + gloo + report + end, 2):
        loss, expected = eval(lines[0]), eval(one[0])
        assert len(loss) == len(expected) == EPOCHS * (IMAGES // BATCH + 1)
        assert loss[0] == pytest.approx(expected[0], rel=1e-3)
        for losses in (loss, expected):
            # Batch norm of an epoch's last batch, of five images, makes much of rounding.
            del losses[IMAGES // BATCH :: IMAGES // BATCH + 1]
        assert loss == pytest.approx(expected, rel=0.05)
