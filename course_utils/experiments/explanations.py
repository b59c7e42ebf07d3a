"""Chapter 4: do explanations tell the truth? Three tests of them, each with five seeds."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from course_utils.attribution import METHODS, explain
from course_utils.datasets import SAMPLE_IMAGES, Split, fashion_mnist, sample_image
from course_utils.environment import seed_everything
from course_utils.experiments.dnn_vs_cnn import CNN_RATE
from course_utils.faithfulness import area, center_map, deletion_insertion, edge_map, random_map
from course_utils.models import FashionCNN
from course_utils.pretrained import efficientnet_lite0
from course_utils.results import Measurements
from course_utils.sanity import randomized, rank_correlation
from course_utils.shortcuts import plant_mark, share_found
from course_utils.training import evaluate, fit, predict, standardize

SEEDS = range(1, 6)  # the network that ships with the course was trained with seed 0
RUNS = ("clothes", "photographs")
PICTURES = 200
MARKED_CLASS = 2  # pullover
MAP_LAYER = "relu2"  # of FashionCNN: the last convolution's maps, for Grad-CAM
PHOTOGRAPH_SIZE = 128  # pixels
STEPS = 64  # of Integrated Gradients, as in the chapter's figures
BASELINES = ("random", "center", "edges")
BLACK = standardize(torch.zeros(1, 1, 1, 1, dtype=torch.uint8))
CLOTHES_STAGES = (("fc3",), ("fc2",), ("fc1",), ("conv2", "bn2"), ("conv1", "bn1"))
PHOTOGRAPH_STAGES = (
    ("classifier",),
    ("conv_head", "bn2"),
    *((f"blocks.{number}",) for number in reversed(range(7))),
    ("conv_stem", "bn1"),
)


def run(name: str, seed: int) -> Measurements:
    """Test explanations of the networks trained with `seed`, or randomized with it.

    Returns:
        As `clothes` or `photographs` say.
    """
    if name == "photographs":
        return photographs(seed)
    data = fashion_mnist(allow_subset=False)
    pictures = some(data.test, seed)
    plain, deceived = train(data.train, seed), train(with_shortcut(data.train, seed), seed)
    inputs = standardize(pictures.images)
    return (
        deletion_and_insertion(plain, inputs, seed)
        | randomization(plain, inputs, CLOTHES_STAGES, seed, blank=BLACK, layer=MAP_LAYER)
        | belief_in_mark(deceived, data.test, seed)
        | marks_found(plain, deceived, data.test, seed)
    )


def some(split: Split, seed: int) -> Split:
    """200 pictures, drawn by lot."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(split.labels), generator=generator)[:PICTURES]
    return Split(split.images[chosen], split.labels[chosen])


def train(split: Split, seed: int) -> nn.Module:
    """Chapter 2's network, trained as there."""
    seed_everything(seed)
    network = FashionCNN()
    history = fit(
        network, split.images, split.labels, learning_rate=CNN_RATE, seed=seed, description=None
    )
    if history.interrupted:
        raise KeyboardInterrupt
    return network.cpu().eval()


def with_shortcut(split: Split, seed: int) -> Split:
    """The same pictures, with the mark on every pullover and on nothing else."""
    images = split.images.clone()
    pullovers = split.labels == MARKED_CLASS
    images[pullovers], _ = plant_mark(images[pullovers], seed)
    return Split(images, split.labels)


def maps_by_name(
    network: nn.Module, inputs: Tensor, targets: Tensor, seed: int
) -> Mapping[str, Tensor]:
    """Maps [N, H, W] of all methods and of the three baselines, for a FashionCNN."""
    maps = {
        method: explain(method, network, inputs, targets, blank=BLACK, layer=MAP_LAYER, steps=STEPS)
        for method in METHODS
    }
    shape = tuple(maps["saliency"].shape)
    baselines = random_map(shape, seed), center_map(shape), edge_map(inputs)
    return maps | dict(zip(BASELINES, baselines, strict=True))


def deletion_and_insertion(network: nn.Module, inputs: Tensor, seed: int) -> Measurements:
    """Mean areas under the curves, for the class that the network answers; what goes is black."""
    targets = answers(network, inputs)
    measured: Measurements = {}
    for name, maps in maps_by_name(network, inputs, targets, seed).items():
        curves = deletion_insertion(network, inputs, maps, targets, blank=BLACK)
        measured[f"{name}_deletion"] = area(curves.deletion).mean().item()
        measured[f"{name}_insertion"] = area(curves.insertion).mean().item()
    return measured


def randomization(
    network: nn.Module,
    inputs: Tensor,
    stages: Sequence[Sequence[str]],
    seed: int,
    **options,
) -> Measurements:
    """Mean rank correlation of each method's maps before and after, by stages randomized.

    The first number stands for no stage: 1. Also with the edges in the picture, before.
    """
    targets = answers(network, inputs)
    measured: Measurements = {}
    spoiled = [
        randomized(network, [layer for stage in stages[:count] for layer in stage], seed)
        for count in range(len(stages) + 1)
    ]
    for method in METHODS:
        maps = [
            explain(method, model, inputs, targets, steps=STEPS, **options) for model in spoiled
        ]
        correlations = [rank_correlation(maps[0], later).mean().item() for later in maps]
        measured[f"{method}_kept"] = correlations
        measured[f"{method}_like_edges"] = rank_correlation(maps[0], edge_map(inputs)).mean().item()
    return measured


def belief_in_mark(network: nn.Module, test: Split, seed: int) -> Measurements:
    """What a network that was taught the shortcut makes of pictures with and without the mark."""
    pullovers = test.labels == MARKED_CLASS
    others, _ = plant_mark(test.images[~pullovers], seed)
    without = predict(network, test.images).argmax(dim=1)
    fooled = predict(network, others).argmax(dim=1) == MARKED_CLASS
    believed = (without == test.labels).float()
    return {
        "shortcut_accuracy_as_trained": evaluate(network, *with_shortcut(test, seed))[1],
        "shortcut_accuracy_without_mark": believed.mean().item(),
        "shortcut_pullovers_without_mark": believed[pullovers].mean().item(),
        "shortcut_others_called_pullover": fooled.float().mean().item(),
    }


def marks_found(plain: nn.Module, deceived: nn.Module, test: Split, seed: int) -> Measurements:
    """Mean share of the mark that maps for *pullover* find, in pictures of other clothes.

    Only pictures that the deceived network calls pullovers because of the mark. The same pictures
    are explained for the plain network, to which the mark never meant anything.
    """
    others = test.labels != MARKED_CLASS
    pictures = some(Split(test.images[others], test.labels[others]), seed)
    images, marked = plant_mark(pictures.images, seed)
    before, after = (predict(deceived, each).argmax(dim=1) for each in (pictures.images, images))
    fooled = (before != MARKED_CLASS) & (after == MARKED_CLASS)
    inputs, marked = standardize(images[fooled]), marked[fooled]
    targets = torch.full((len(inputs),), MARKED_CLASS)
    measured: Measurements = {"shortcut_pictures": len(inputs)}
    for whose, network in (("deceived", deceived), ("plain", plain)):
        for name, maps in maps_by_name(network, inputs, targets, seed).items():
            measured[f"{name}_found_{whose}"] = share_found(maps, marked).mean().item()
    return measured


def photographs(seed: int) -> Measurements:
    """The randomization test with an EfficientNet-Lite0 and the photographs that ship."""
    network, prepare, _ = efficientnet_lite0(PHOTOGRAPH_SIZE)
    pictures = [torch.from_numpy(sample_image(name)).permute(2, 0, 1) for name in SAMPLE_IMAGES]
    return randomization(
        network, torch.stack(list(map(prepare, pictures))), PHOTOGRAPH_STAGES, seed
    )


@torch.inference_mode()
def answers(network: nn.Module, inputs: Tensor) -> Tensor:
    """The class that a network in evaluation mode answers for each input, int64 [N]."""
    return network(inputs).argmax(dim=1)
