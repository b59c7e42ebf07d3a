"""Learn the class of whole graphs: layers along the edges, a readout over the nodes."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch_geometric.data import Batch, Data
from torch_geometric.loader import DataLoader
from torch_geometric.nn import (
    GCNConv,
    GraphConv,
    global_add_pool,
    global_max_pool,
    global_mean_pool,
)

from course_utils.environment import device_of
from course_utils.graphs import GraphError
from course_utils.models import evaluating
from course_utils.progress import Progress

Layer = Literal["none", "gcn", "graphconv"]
Readout = Literal["mean", "sum", "max"]
READOUTS = {"mean": global_mean_pool, "sum": global_add_pool, "max": global_max_pool}


class MeshNetwork(nn.Module):
    """Layers on the nodes with ReLU, a readout over them, and one linear layer.

    Args:
        inputs: features of a node.
        classes: number of classes.
        layer: "none": a linear layer, the edges are not used. "gcn": the node and its neighbors
            share their weights (Kipf and Welling, 2017). "graphconv": the node has weights of its
            own, and the mean over its neighbors has others (Morris et al., 2019).
        readout: "mean", "sum" or "max" over the nodes of a graph.
        width: features after each layer.
        depth: number of layers.

    Raises:
        ValueError: there is no such layer or readout.
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        layer: Layer = "graphconv",
        readout: Readout = "mean",
        width: int = 32,
        depth: int = 3,
    ) -> None:
        super().__init__()
        for what, known in ((layer, get_args(Layer)), (readout, get_args(Readout))):
            if what not in known:
                raise ValueError(f"There is no {what!r}: choose one of {', '.join(known)}.")
        sizes = [inputs] + depth * [width]
        self.uses_edges = layer != "none"
        self.layers = nn.ModuleList(_layer(layer, *pair) for pair in pairwise(sizes))
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(depth))
        self.readout = READOUTS[readout]
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor, graphs: int) -> Tensor:
        """Logits [graphs, classes].

        Args:
            x: features, float [N, inputs], of the nodes of all graphs.
            edge_index: int64 [2, E].
            batch: int64 [N], the graph to which each node belongs, in ascending order.
            graphs: how many there are.
        """
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = norm(layer(x, edge_index) if self.uses_edges else layer(x)).relu()
        return self.head(self.readout(x, batch, graphs))


def fit_graphs(
    network: MeshNetwork,
    graphs: Sequence[Data],
    *,
    epochs: int = 30,
    rate: float = 0.01,
    batch_size: int = 20,
    seed: int = 0,
    description: str | None = None,
) -> list[float]:
    """Train `network` in place with Adam on cross-entropy; the rate rises, then falls to nearly 0.

    Args:
        network: left in training mode.
        graphs: each with `x` float [N, inputs], `edge_index` int64 [2, E] and `y` int64 [1].
        epochs, batch_size: passes over the graphs, and graphs a step.
        rate: the highest learning rate.
        seed: of the order of the graphs, not of the network's first weights.
        description: what the progress bar says; None shows no bar.

    Returns:
        The mean loss of each epoch, in nats.

    Raises:
        GraphError: there are no graphs, or one lacks features or its class.
        ValueError: there is no epoch.
    """
    _check(graphs)
    if epochs < 1:
        raise ValueError(f"Training needs at least 1 epoch, not {epochs}.")
    order = torch.Generator().manual_seed(seed)
    loader = DataLoader(graphs, batch_size, shuffle=True, generator=order)
    steps = epochs * len(loader)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    # The last rate is nearly zero: a single step with it would learn nothing.
    scheduler = OneCycleLR(optimizer, max_lr=rate, total_steps=max(steps, 2))
    network.train()
    losses = []
    with Progress(steps, description, "batches") as bar:
        for _ in range(epochs):
            of_batches = []
            for batch in loader:
                batch = batch.to(device_of(network))
                loss = F.cross_entropy(_logits(network, batch), batch.y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
                of_batches.append((loss.detach(), batch.num_graphs))
                bar.update()
            # Read once an epoch: a GPU would wait at every step.
            total = sum(mean.item() * count for mean, count in of_batches)
            losses.append(total / len(graphs))
    return losses


def predict_graphs(network: MeshNetwork, graphs: Sequence[Data]) -> Tensor:
    """Logits [graphs, classes] on the CPU, in evaluation mode and without gradients.

    Raises:
        GraphError: there are no graphs, or one lacks features or its class.
    """
    _check(graphs)
    with evaluating(network), torch.inference_mode():
        batches = (batch.to(device_of(network)) for batch in DataLoader(graphs, 50))
        return torch.cat([_logits(network, batch).cpu() for batch in batches])


def accuracy_on_graphs(network: MeshNetwork, graphs: Sequence[Data]) -> float:
    """The share of graphs whose class `network` finds, 0..1.

    Raises:
        GraphError: there are no graphs, or one lacks features or its class.
    """
    found = predict_graphs(network, graphs).argmax(dim=1)
    classes = torch.cat([graph.y.cpu() for graph in graphs])
    return (found == classes).float().mean().item()


def _check(graphs: Sequence[Data]) -> None:
    if not graphs:
        raise GraphError("There are no graphs to learn from or to test on: give at least one.")
    for place, graph in enumerate(graphs):
        if graph.x is None or graph.y is None or graph.y.shape != (1,):
            raise GraphError(
                f"Graph {place} needs features x, float [N, F], and its class y, int64 [1]."
            )


def _logits(network: MeshNetwork, batch: Batch) -> Tensor:
    return network(batch.x, batch.edge_index, batch.batch, batch.num_graphs)


def _layer(layer: Layer, inputs: int, outputs: int) -> nn.Module:
    if layer == "gcn":
        return GCNConv(inputs, outputs)
    if layer == "graphconv":
        return GraphConv(inputs, outputs, aggr="mean")
    return nn.Linear(inputs, outputs)
