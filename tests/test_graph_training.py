"""Training of networks on nodes, label propagation and rows that sum to 1."""

import pytest
import torch
from node_networks import (
    CLASSES,
    EDGES,
    FEATURES,
    LABELS,
    MAKERS,
    MATRIX,
    NODES,
    PAIRS,
    TRAIN,
    deep,
    network,
    words,
)
from torch import nn

from course_utils.graph_training import (
    GCN,
    GCNII,
    accuracy_on,
    fit_nodes,
    row_normalized,
)
from course_utils.graphs import GraphError
from course_utils.label_propagation import label_propagation


@MAKERS
def test_the_training_nodes_are_learned_and_the_network_left_in_evaluation_mode(make):
    model = make()
    losses = fit_nodes(model, words(), MATRIX, LABELS, TRAIN, epochs=300)
    assert len(losses) == 300
    assert losses[-1] < 0.3 * losses[0]
    assert not any(module.training for module in model.modules())
    assert accuracy_on(model, words(), MATRIX, LABELS, TRAIN) == 1


def test_the_first_loss_is_the_cross_entropy_of_the_training_nodes():
    model = network()
    logits = model(words(), MATRIX).detach()[TRAIN].double()
    chances = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    expected = -chances[range(3), LABELS[TRAIN]].log().mean().item()
    losses = fit_nodes(model, words(), MATRIX, LABELS, TRAIN, epochs=1)
    assert losses == [pytest.approx(expected, rel=1e-5)]


@pytest.mark.parametrize("others", [-1, 99])
def test_labels_of_other_nodes_are_not_used(others):
    hidden = torch.full_like(LABELS, others)
    hidden[TRAIN] = LABELS[TRAIN]
    models = [network(), network()]
    for model, labels in zip(models, (LABELS, hidden), strict=True):
        fit_nodes(model, words(), MATRIX, labels, TRAIN, epochs=10)
    for ours, theirs in zip(*(model.parameters() for model in models), strict=True):
        assert torch.equal(ours, theirs)
    known, unknown = (
        label_propagation(EDGES, labels, TRAIN, CLASSES) for labels in (LABELS, hidden)
    )
    assert torch.equal(known, unknown)


def test_only_the_first_weights_are_held_down():
    """With features of 0 and no training signal in them, weight decay alone moves weights."""
    model = network()
    before = [weight.detach().clone() for weight in model.weights]
    fit_nodes(model, torch.zeros(NODES, FEATURES), MATRIX, LABELS, TRAIN, weight_decay=0.1)
    assert model.weights[0].norm() < 0.5 * before[0].norm()
    assert torch.equal(model.weights[1], before[1])


def test_of_a_deep_network_the_convolutions_are_held_down_more():
    model = deep(layers=2)
    groups = []
    adam = torch.optim.Adam
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "Adam", lambda g, **o: adam(groups.extend(g) or g, **o))
        fit_nodes(model, words(), MATRIX, LABELS, TRAIN, epochs=1, weight_decay=0.5)
    decays = {parameter: group["weight_decay"] for group in groups for parameter in group["params"]}
    assert len(decays) == len(list(model.parameters()))
    assert [decays[weight] for weight in model.weights] == [10, 10]
    assert decays[model.first.weights[0]] == decays[model.last.weights[0]] == 0.5
    assert decays[model.first.biases[0]] == decays[model.last.biases[0]] == 0


def test_any_network_of_features_and_a_matrix_can_be_trained():
    class One(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(CLASSES))
            self.weight = nn.Parameter(torch.zeros(FEATURES, CLASSES))

        def forward(self, features, matrix):
            return matrix @ features @ self.weight + self.bias

    model = One()
    losses = fit_nodes(model, words(), MATRIX, LABELS, TRAIN, epochs=50)
    assert losses[-1] < losses[0]


def test_the_accuracy_is_a_share_of_the_nodes_asked_for():
    model = network().train()
    logits = model(words(), MATRIX)
    labels = logits.argmax(dim=1)
    labels[:3] = (labels[:3] + 1) % CLASSES
    assert accuracy_on(model, words(), MATRIX, labels, torch.arange(4)) == 0.25
    assert accuracy_on(model, words(), MATRIX, labels, torch.tensor([11, 3])) == 1
    assert model.training


def test_a_progress_bar_counts_the_epochs(capsys):
    fit_nodes(network(), words(), MATRIX, LABELS, TRAIN, epochs=3, progress="teaching")
    shown = capsys.readouterr().err
    assert "teaching" in shown
    assert "3/3" in shown
    fit_nodes(network(), words(), MATRIX, LABELS, TRAIN, epochs=3)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("layers", "alpha"), [(50, 0.9), (3, 0.5)])
def test_labels_spread_as_in_zhou_and_others(layers, alpha):
    degrees = torch.zeros(NODES, NODES)
    for a, b in PAIRS:
        degrees[a, b] = degrees[b, a] = 1
    scale = degrees.sum(dim=1).clamp(min=1).rsqrt()
    matrix = scale[:, None] * degrees * scale
    start = torch.zeros(NODES, CLASSES)
    start[TRAIN, LABELS[TRAIN]] = 1
    state = start
    for _ in range(layers):
        state = alpha * matrix @ state + (1 - alpha) * start
    named = label_propagation(EDGES, LABELS, TRAIN, CLASSES, layers, alpha)
    assert torch.equal(named, state.argmax(dim=1))
    assert named[1:3].tolist() == [0, 0]
    assert named[11] == 0  # no label reaches it


@pytest.mark.parametrize("sparse", [False, True])
def test_rows_sum_to_1(sparse):
    features = torch.tensor([[1.0, 3.0], [0.0, 0.0], [0.0, 2.0]])
    expected = torch.tensor([[0.25, 0.75], [0.0, 0.0], [0.0, 1.0]])
    given = features.to_sparse() if sparse else features
    ours = row_normalized(given)
    assert ours.is_sparse == sparse
    assert torch.equal(ours.to_dense() if sparse else ours, expected)
    assert torch.equal(given.to_dense() if sparse else given, features)


def test_values_listed_twice_are_added_before_rows_are_normalized():
    places = torch.tensor([[0, 0, 0], [1, 1, 0]])
    features = torch.sparse_coo_tensor(places, torch.ones(3), (1, 2), check_invariants=True)
    torch.testing.assert_close(row_normalized(features).to_dense(), torch.tensor([[1 / 3, 2 / 3]]))
    logits = network()(features @ torch.eye(2, FEATURES), None)
    assert logits.shape == (1, CLASSES)


def fitted(**changed):
    given = {"features": words(), "matrix": MATRIX, "labels": LABELS, "train": TRAIN} | changed
    return lambda: fit_nodes(network(), **given)


def graded(nodes, labels=LABELS):
    return lambda: accuracy_on(network(), words(), MATRIX, labels, nodes)


@pytest.mark.parametrize(
    ("act", "words_of_error"),
    [
        (fitted(train=LABELS == 0), "numbers of a mask"),
        (fitted(train=torch.tensor([[0, 1]])), r"\[1, 2\]"),
        (fitted(train=torch.tensor([], dtype=torch.int64)), "at least one"),
        (fitted(train=torch.tensor([0, 12])), "only 0 to 11"),
        (fitted(train=torch.tensor([-1])), "only 0 to 11"),
        (fitted(matrix=EDGES), r"\[12, 12\], as graphs.propagation"),
        (fitted(labels=LABELS[:5]), r"Labels must be \[12\]"),
        (fitted(labels=LABELS.float()), "Labels must be int64"),
        (fitted(labels=LABELS + 2), "2 of 3 nodes have no label of 0 to 2"),
        (fitted(features=words().long()), "floating-point"),
        (fitted(features=words() / 0), "NaN or infinite"),
        (fitted(features=(words() / 0).to_sparse()), "NaN or infinite"),
        (graded(LABELS == 0), "numbers of a mask"),
        (graded(torch.tensor([12])), "only 0 to 11"),
        (graded(TRAIN, LABELS - 1), "1 of 3 nodes have no label"),
        (lambda: label_propagation(EDGES, LABELS, LABELS == 0, CLASSES), "numbers of a mask"),
        (lambda: label_propagation(EDGES, LABELS[:5], TRAIN[:1], CLASSES), "nodes are 0 to 4"),
        (lambda: label_propagation(EDGES, LABELS, TRAIN, 2), "no label of 0 to 1"),
    ],
)
def test_what_does_not_fit_is_named(act, words_of_error):
    with pytest.raises(GraphError, match=words_of_error):
        act()


@pytest.mark.parametrize(
    ("act", "words_of_error"),
    [
        (lambda: GCN([4]), "two sizes"),
        (lambda: GCN([4, 2], dropout=1), "not 1"),
        (lambda: GCNII(4, 4, 2, 1, dropout=-0.5), "not -0.5"),
        (fitted(epochs=0), "at least 1 epoch, not 0"),
    ],
)
def test_impossible_settings_are_named(act, words_of_error):
    with pytest.raises(ValueError, match=words_of_error):
        act()
