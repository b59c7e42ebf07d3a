"""Networks on the nodes of a graph: how they are made, trained with few labels, and tested."""

from collections.abc import Sequence
from itertools import pairwise
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.environment import device_of
from course_utils.graphs import GraphError, check_features, check_labels, check_nodes
from course_utils.models import evaluating
from course_utils.progress import Progress


class GCN(nn.Module):
    """A graph convolutional network (Kipf and Welling, 2017); without a graph, a dense network.

    A layer computes matrix @ (features @ W) + b. Between two layers stands a ReLU, before each
    layer dropout. Called with features float32 [N, sizes[0]], dense or sparse (COO), and a matrix
    float32 [N, N], dense or sparse, or None for no graph; gives logits [N, sizes[-1]].

    Args:
        sizes: features of a node, of each hidden layer, and classes.
        dropout: the share of values set to 0 in training; 0 to less than 1.
        residual: add the input of a hidden layer to its output where both have the same size.

    Raises:
        ValueError: fewer than two sizes, or a share that is not as described.
    """

    def __init__(self, sizes: Sequence[int], dropout: float = 0.5, residual: bool = False):
        super().__init__()
        if len(sizes) < 2:
            raise ValueError("A GCN needs two sizes at least: of the features and of the output.")
        if not 0 <= dropout < 1:
            raise ValueError(f"Dropout is a share of 0 to less than 1, not {dropout:g}.")
        shapes = pairwise(sizes)
        self.weights = nn.ParameterList(_glorot(*shape) for shape in shapes)
        self.biases = nn.ParameterList(torch.zeros(size) for size in sizes[1:])
        self.dropout = dropout
        self.residual = residual

    def forward(self, features: Tensor, matrix: Tensor | None = None) -> Tensor:
        """Logits of all nodes."""
        *inner, last = zip(self.weights, self.biases, strict=True)
        hidden = features
        for weight, bias in inner:
            output = self._layer(hidden, matrix, weight, bias).relu()
            same = output.shape == hidden.shape
            hidden = output + hidden if self.residual and same else output
        return self._layer(hidden, matrix, *last)

    def _layer(self, hidden: Tensor, matrix: Tensor | None, weight: Tensor, bias: Tensor) -> Tensor:
        thinned = _thinned(hidden, self.dropout, self.training)
        return _spread(matrix, thinned @ weight) + bias


class GCNII(nn.Module):
    """A network that stays trainable with many graph convolutions (Chen and others, 2020).

    A dense layer makes H0 of the features. Layer l = 1, 2, ... then computes

        H <- ReLU(((1 - alpha) P H + alpha H0) ((1 - beta) I + beta W)), beta = log(theta / l + 1):

    each layer sees the start again, and the deeper it lies, the less it changes. A dense layer
    makes the logits. Called as `GCN` is.

    Args:
        features, hidden, classes: sizes of a node's features, of all hidden layers, of the output.
        layers: number of graph convolutions.
        dropout: the share of values set to 0 before each layer in training; 0 to less than 1.
        alpha, theta: see above.
    """

    def __init__(
        self,
        features: int,
        hidden: int,
        classes: int,
        layers: int,
        dropout: float = 0.6,
        alpha: float = 0.1,
        theta: float = 0.5,
    ):
        super().__init__()
        self.first = GCN([features, hidden], dropout)
        self.weights = nn.ParameterList(_glorot(hidden, hidden) for _ in range(layers))
        self.last = GCN([hidden, classes], dropout)
        self.dropout = dropout
        self.alpha = alpha
        self.theta = theta

    def forward(self, features: Tensor, matrix: Tensor | None = None) -> Tensor:
        """Logits of all nodes."""
        start = hidden = self.first(features).relu()
        for number, weight in enumerate(self.weights, 1):
            beta = log(self.theta / number + 1)
            thinned = _thinned(hidden, self.dropout, self.training)
            mixed = (1 - self.alpha) * _spread(matrix, thinned) + self.alpha * start
            hidden = torch.addmm(mixed, mixed, weight, beta=1 - beta, alpha=beta).relu()
        return self.last(hidden)


def _glorot(inputs: int, outputs: int) -> Tensor:
    return nn.init.xavier_uniform_(torch.empty(inputs, outputs))


def _spread(matrix: Tensor | None, hidden: Tensor) -> Tensor:
    return hidden if matrix is None else matrix @ hidden


def _thinned(features: Tensor, share: float, training: bool) -> Tensor:
    """Dropout; of a sparse matrix only the values that it holds, since the others are 0 anyway."""
    if not training or share == 0:
        return features
    if features.is_sparse:
        features = features.coalesce()
        return _with_values(features, _thinned(features.values(), share, training))
    # F.dropout draws its lots three times as slowly on a CPU.
    kept = torch.rand_like(features).ge_(share).div_(1 - share)
    return features * kept


def _with_values(features: Tensor, values: Tensor) -> Tensor:
    """The same sparse matrix with other values in its places."""
    places, shape = features.indices(), features.shape
    return torch.sparse_coo_tensor(places, values, shape, is_coalesced=True, check_invariants=False)


def row_normalized(features: Tensor) -> Tensor:
    """Features whose rows each sum to 1; a row that sums to 0 stays.

    Args:
        features: float [N, F], dense or sparse (COO); sparse ones stay sparse.
    """
    if not features.is_sparse:
        sums = features.sum(dim=1, keepdim=True)
        return features / sums.where(sums != 0, 1)
    features = features.coalesce()
    rows, values = features.indices()[0], features.values()
    sums = values.new_zeros(len(features)).index_add(0, rows, values)
    return _with_values(features, values / sums.where(sums != 0, 1)[rows])


def _check_input(features: Tensor, matrix: Tensor | None, labels: Tensor, nodes: Tensor) -> None:
    total = len(features)
    check_features(features.coalesce() if features.is_sparse else features, total)
    if matrix is not None and matrix.shape != (total, total):
        raise GraphError(
            f"The matrix must be [{total}, {total}], as graphs.propagation makes it of edges, "
            f"not {list(matrix.shape)}."
        )
    if labels.shape != (total,):
        raise GraphError(f"Labels must be [{total}], one for each node, not {list(labels.shape)}.")
    check_nodes(nodes, total)


def _moved(network: nn.Module, *tensors: Tensor | None) -> list[Tensor | None]:
    """The tensors on the network's device."""
    device = device_of(network)
    return [None if tensor is None else tensor.to(device) for tensor in tensors]


def _held_down(network: nn.Module) -> dict[Tensor, float]:
    """The weights that weight decay holds down, and how strongly."""
    if isinstance(network, GCNII):
        dense = network.first.weights[0], network.last.weights[0]
        return dict.fromkeys(dense, 1.0) | dict.fromkeys(network.weights, 20.0)
    return {next(weight for weight in network.parameters() if weight.dim() > 1): 1.0}


def fit_nodes(
    network: nn.Module,
    features: Tensor,
    matrix: Tensor | None,
    labels: Tensor,
    train: Tensor,
    *,
    epochs: int = 200,
    rate: float = 0.01,
    weight_decay: float = 5e-4,
    progress: str | None = None,
) -> list[float]:
    """Train `network` in place with Adam on the cross-entropy of some nodes, all at a time.

    The network sees the features and edges of all nodes, but only the labels of `train`; those of
    other nodes may be anything. All is moved to the network's device. Dropout draws from torch's
    global random numbers.

    Args:
        network: called as network(features, matrix), gives logits [N, classes]; left in evaluation
            mode.
        features: float32 [N, F], dense or sparse (COO).
        matrix: float32 [N, N], dense or sparse, or None for no graph.
        labels: int64 [N].
        train: the nodes to learn from, int64 [n].
        epochs, rate: number of steps, and how far Adam goes in each.
        weight_decay: holds down the first weight matrix only, as Kipf and Welling (2017) do; of a
            `GCNII` all of them, and those of its graph convolutions 20 times as much, as Chen and
            others (2020) do.
        progress: what the progress bar says; None shows no bar.

    Returns:
        The cross-entropy in nats of each epoch.

    Raises:
        GraphError: features, matrix, labels or nodes are not as described.
        ValueError: no epoch.
    """
    if epochs < 1:
        raise ValueError(f"Training needs at least 1 epoch, not {epochs}.")
    _check_input(features, matrix, labels, train)
    features, matrix, labels, train = _moved(network, features, matrix, labels, train)
    with evaluating(network), torch.no_grad():
        classes = network(features, matrix).shape[1]
    known = check_labels(labels[train], len(train), classes)
    held = _held_down(network)
    groups = [
        {"params": [each], "weight_decay": weight_decay * held.get(each, 0)}
        for each in network.parameters()
    ]
    optimizer = torch.optim.Adam(groups, lr=rate, fused=True)
    losses = []
    network.train()
    with Progress(epochs, progress, "epochs") as bar:
        for _ in range(epochs):
            loss = F.cross_entropy(network(features, matrix)[train], known)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
            bar.update()
    network.eval()
    return torch.stack(losses).tolist()  # read at the end: a GPU would wait at every step


def accuracy_on(
    network: nn.Module, features: Tensor, matrix: Tensor | None, labels: Tensor, nodes: Tensor
) -> float:
    """The share of `nodes` whose class the network names, in 0..1.

    Args:
        network: called as network(features, matrix); left in the mode in which it was.
        features, matrix, labels: as for `fit_nodes`.
        nodes: int64 [n].

    Raises:
        GraphError: features, matrix, labels or nodes are not as described.
    """
    _check_input(features, matrix, labels, nodes)
    features, matrix, labels, nodes = _moved(network, features, matrix, labels, nodes)
    with evaluating(network), torch.inference_mode():
        logits = network(features, matrix)[nodes]
    known = check_labels(labels[nodes], *logits.shape)
    return (logits.argmax(dim=1) == known).cpu().double().mean().item()
