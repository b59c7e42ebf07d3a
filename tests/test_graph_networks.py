"""Networks on nodes, against PyTorch Geometric and by hand."""

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
    TRAIN,
    deep,
    network,
    words,
)

from course_utils.graph_training import GCN, fit_nodes


def test_a_layer_is_that_of_pytorch_geometric_forward_and_backward():
    from torch_geometric.nn import GCNConv

    torch.manual_seed(0)
    ours, theirs = GCN([FEATURES, CLASSES]).eval(), GCNConv(FEATURES, CLASSES)
    with torch.no_grad():
        ours.biases[0].normal_()
        theirs.bias.copy_(ours.biases[0])
        theirs.lin.weight.copy_(ours.weights[0].T)
    outputs = ours(words(), MATRIX), theirs(words(), EDGES)
    torch.testing.assert_close(*outputs)
    weigh = torch.randn(NODES, CLASSES)
    for output in outputs:
        (output * weigh).sum().backward()
    torch.testing.assert_close(ours.weights[0].grad.T, theirs.lin.weight.grad)
    torch.testing.assert_close(ours.biases[0].grad, theirs.bias.grad)


def test_layers_are_joined_by_relu():
    model = network().eval()
    (w0, w1), dense = model.weights, MATRIX.to_dense()
    expected = dense @ (dense @ words() @ w0).clamp(min=0) @ w1
    torch.testing.assert_close(model(words(), MATRIX), expected)


def test_first_weights_are_glorots_and_first_biases_zero():
    torch.manual_seed(0)
    model = GCN([300, 100, 7])
    limit = (6 / 400) ** 0.5
    assert model.weights[0].abs().max().item() == pytest.approx(limit, rel=1e-3)
    assert model.weights[0].std().item() == pytest.approx(limit / 3**0.5, rel=0.02)
    assert not any(bias.any() for bias in model.biases)


def test_without_a_matrix_it_is_a_dense_network():
    model = network().eval()
    (w0, w1), x = model.weights, words()
    torch.testing.assert_close(model(x), (x @ w0).clamp(min=0) @ w1)
    changed = x.clone()
    changed[1] += 1
    others = torch.arange(NODES) != 1
    assert torch.equal(model(changed)[others], model(x)[others])
    assert not torch.equal(model(changed, MATRIX)[others], model(x, MATRIX)[others])


def test_a_residual_layer_adds_its_input_where_the_sizes_agree():
    torch.manual_seed(0)
    model = GCN([FEATURES, 4, 4, 4, CLASSES], residual=True).eval()
    w0, w1, w2, w3 = model.weights
    dense = MATRIX.to_dense()
    hidden = (dense @ words() @ w0).clamp(min=0)
    for weight in (w1, w2):
        hidden = (dense @ hidden @ weight).clamp(min=0) + hidden
    torch.testing.assert_close(model(words(), MATRIX), dense @ hidden @ w3)


def test_a_deep_network_is_made_of_pytorch_geometrics_layers():
    from torch_geometric.nn import GCN2Conv

    model = deep(layers=3).eval()
    with torch.no_grad():
        model.first.biases[0].normal_()
        model.last.biases[0].normal_()
    start = (words() @ model.first.weights[0] + model.first.biases[0]).relu()
    hidden = start
    for number, weight in enumerate(model.weights, 1):
        layer = GCN2Conv(6, alpha=0.1, theta=0.5, layer=number)
        with torch.no_grad():
            layer.weight1.copy_(weight)
        hidden = layer(hidden, start, EDGES).relu()
    expected = hidden @ model.last.weights[0] + model.last.biases[0]
    torch.testing.assert_close(model(words(), MATRIX), expected)


@MAKERS
def test_sparse_and_dense_inputs_give_the_same(make):
    model = make().eval()
    expected = model(words(), MATRIX)
    torch.testing.assert_close(model(words().to_sparse(), MATRIX), expected)
    torch.testing.assert_close(model(words(), MATRIX.to_dense()), expected)
    losses = []
    for features in (words(), words().to_sparse()):
        losses.append(fit_nodes(make(), features, MATRIX, LABELS, TRAIN, epochs=5))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@MAKERS
def test_dropout_is_for_training_only(make):
    model = make(dropout=0.5)
    features = words().to_sparse()
    assert not torch.equal(model(features, MATRIX), model(features, MATRIX))
    model.eval()
    assert torch.equal(model(features, MATRIX), model(features, MATRIX))


@pytest.mark.parametrize("sparse", [False, True])
def test_dropout_on_the_input_keeps_the_mean(sparse):
    torch.manual_seed(0)
    model = GCN([400, 400], dropout=0.75)
    model.weights[0].data.copy_(torch.eye(400))
    ones = torch.ones(50, 400)
    thinned = model(ones.to_sparse() if sparse else ones)
    assert set(thinned.unique().tolist()) == {0, 4}
    assert (thinned > 0).float().mean().item() == pytest.approx(0.25, abs=0.015)


def test_dropout_comes_before_each_layer():
    torch.manual_seed(0)
    model = GCN([1, 1000, 1], dropout=0.5)
    for weight in model.weights:
        weight.data.fill_(1)
    with torch.no_grad():
        outputs = torch.cat([model(torch.ones(1, 1)) for _ in range(200)]).flatten()
    none = (outputs == 0).float().mean().item()  # the only input was dropped
    assert none == pytest.approx(0.5, abs=0.1)
    kept = outputs[outputs > 0]
    assert kept.unique().numel() > 20  # how many of 1000 hidden values were dropped
    assert kept.mean().item() == pytest.approx(2000, rel=0.02)
