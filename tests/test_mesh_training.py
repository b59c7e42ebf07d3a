"""Networks that classify whole graphs: what they must not depend on, and that they learn."""

import pytest
import torch
import torch.nn.functional as F
from torch_geometric.data import Batch, Data

from course_utils.experiments import mesh_runs
from course_utils.graphs import GraphError, adjacency, normalized, undirected
from course_utils.mesh_training import (
    MeshNetwork,
    accuracy_on_graphs,
    fit_graphs,
    predict_graphs,
)

LAYERS, READOUTS = ("none", "gcn", "graphconv"), ("mean", "sum", "max")


def random_graph(seed: int, nodes: int = 9, label: int = 0) -> Data:
    generator = torch.Generator().manual_seed(seed)
    ties = torch.rand(nodes, nodes, generator=generator).triu(1) > 0.5
    x = torch.randn(nodes, 2, generator=generator)
    edges = undirected(ties.nonzero().tolist(), nodes)
    return Data(x=x, edge_index=edges, y=torch.tensor([label]))


def network_for(layer: str = "gcn", readout: str = "mean") -> MeshNetwork:
    torch.manual_seed(0)
    network = MeshNetwork(2, 4, layer, readout, width=5)
    for norm in network.norms:  # as if trained
        torch.nn.init.uniform_(norm.running_mean, -1, 1)
        torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.uniform_(parameter, -1, 1)
    return network


def by_hand(network: MeshNetwork, layer: str, readout: str, graph: Data) -> torch.Tensor:
    """The same logits from matrices."""
    x, nodes = graph.x, len(graph.x)
    for part, norm in zip(network.layers, network.norms, strict=True):
        if layer == "none":
            x = x @ part.weight.T + part.bias
        elif layer == "gcn":
            matrix = normalized(adjacency(graph.edge_index, nodes, self_loops=True))
            x = matrix @ x @ part.lin.weight.T + part.bias
        else:
            matrix = normalized(adjacency(graph.edge_index, nodes), "row")
            x = matrix @ x @ part.lin_rel.weight.T + part.lin_rel.bias + x @ part.lin_root.weight.T
        x = (x - norm.running_mean) / (norm.running_var + norm.eps).sqrt()
        x = (x * norm.weight + norm.bias).clamp(min=0)
    read = {"mean": x.mean(dim=0), "sum": x.sum(dim=0), "max": x.amax(dim=0)}[readout]
    return network.head.weight @ read + network.head.bias


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("layer", LAYERS)
def test_logits_are_those_of_matrices(layer: str, readout: str) -> None:
    graphs = [random_graph(seed, nodes) for seed, nodes in enumerate((9, 4, 12))]
    network = network_for(layer, readout)
    expected = torch.stack([by_hand(network.eval(), layer, readout, graph) for graph in graphs])
    torch.testing.assert_close(predict_graphs(network, graphs), expected)


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("layer", LAYERS)
def test_the_order_of_the_nodes_does_not_matter(layer: str, readout: str) -> None:
    graph, order = random_graph(0), torch.randperm(9, generator=torch.Generator().manual_seed(1))
    place = torch.empty_like(order)
    place[order] = torch.arange(9)
    other = Data(x=graph.x[order], edge_index=place[graph.edge_index], y=graph.y)
    network = network_for(layer, readout)
    torch.testing.assert_close(predict_graphs(network, [graph]), predict_graphs(network, [other]))


def test_a_graph_twice_has_the_same_mean_and_max_but_twice_the_sum() -> None:
    graph = random_graph(0)
    edges = torch.cat([graph.edge_index, graph.edge_index + 9], dim=1)
    twice = Data(x=graph.x.repeat(2, 1), edge_index=edges, y=graph.y)
    for readout in READOUTS:
        network = network_for("graphconv", readout)
        once, double = (predict_graphs(network, [g]) for g in (graph, twice))
        bias = network.head.bias.detach()
        factor = 2 if readout == "sum" else 1
        torch.testing.assert_close(double - bias, factor * (once - bias))


def test_prediction_leaves_the_network_as_it_was() -> None:
    network = network_for().train()
    before = [buffer.clone() for buffer in network.buffers()]
    logits = predict_graphs(network, [random_graph(0)])
    assert network.training
    assert not logits.requires_grad
    assert all(torch.equal(*pair) for pair in zip(before, network.buffers(), strict=True))


def test_accuracy_is_the_share_of_right_answers() -> None:
    network = network_for()
    graphs = [random_graph(seed) for seed in range(8)]
    found = predict_graphs(network, graphs).argmax(dim=1)
    for place, graph in enumerate(graphs):
        graph.y = (found[place] + (place < 2)).reshape(1)
    assert accuracy_on_graphs(network, graphs) == 0.75


def triangles_or_paths() -> list[Data]:
    """Constant features: a ring of 6, of which all degrees are 2, or a star."""
    ring = undirected([(i, (i + 1) % 6) for i in range(6)], 6)
    star = undirected([(0, i) for i in range(1, 6)], 6)
    return [
        Data(x=torch.ones(6, 1), edge_index=edges, y=torch.tensor([label]))
        for label, edges in enumerate((ring, star))
        for _ in range(10)
    ]


def test_degrees_show_through_constant_features_with_gcn_alone() -> None:
    reached = {}
    for layer in LAYERS:
        torch.manual_seed(0)
        network = MeshNetwork(1, 2, layer, width=8)
        losses = fit_graphs(network, triangles_or_paths(), epochs=10, rate=0.03, batch_size=5)
        reached[layer] = accuracy_on_graphs(network, triangles_or_paths())
        assert len(losses) == 10
        assert network.training
    assert reached == {"none": 0.5, "gcn": 1, "graphconv": 0.5}


def test_a_training_repeats_and_its_first_loss_is_the_mean_over_graphs() -> None:
    graphs = [random_graph(seed, label=seed % 3) for seed in range(7)]
    losses, weights = [], []
    for _ in range(2):
        network = network_for()
        torch.rand(3)  # whatever else was drawn
        losses.append(fit_graphs(network, graphs, epochs=2, batch_size=3, seed=4))
        weights.append(network.head.weight)
    assert losses[0] == losses[1]
    assert torch.equal(*weights)
    network = network_for()
    batch = Batch.from_data_list(graphs)
    logits = network(batch.x, batch.edge_index, batch.batch, 7)
    expected = F.cross_entropy(logits, batch.y).item()
    assert fit_graphs(network_for(), graphs, epochs=3, batch_size=7)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("graphs", "words"),
    [
        ([], "There are no graphs"),
        ([Data(edge_index=torch.zeros(2, 0).long(), y=torch.tensor([0]))], "Graph 0 needs feat"),
        ([random_graph(0), Data(x=torch.ones(3, 2))], "Graph 1 needs features x"),
    ],
)
def test_unfit_graphs_get_a_sentence(graphs: list[Data], words: str) -> None:
    for function in (fit_graphs, predict_graphs, accuracy_on_graphs):
        with pytest.raises(GraphError, match=words):
            function(network_for(), graphs)


def test_a_single_step_learns() -> None:
    network = network_for()
    before = network.head.weight.detach().clone()
    fit_graphs(network, [random_graph(seed) for seed in range(4)], epochs=1, batch_size=4)
    assert (network.head.weight - before).abs().max() > 1e-4


def test_no_epoch_gets_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"^Training needs at least 1 epoch, not 0\.$"):
        fit_graphs(network_for(), [random_graph(0)], epochs=0)


@pytest.mark.parametrize("choice", [{"layer": "cnn"}, {"readout": "median"}])
def test_unknown_layers_and_readouts_get_a_sentence(choice: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=f"There is no '{next(iter(choice.values()))}'"):
        MeshNetwork(2, 4, **choice)


# ---------------------------------------------------------------- the experiment


@pytest.mark.parametrize("name", mesh_runs.RUNS)
def test_every_run_measures(name: str) -> None:
    measured = mesh_runs.run(name, 0, per_solid=2, epochs=1)
    shares = {key: value for key, value in measured.items() if key.endswith("accuracy")}
    assert len(shares) == (2 if name == "meshes_leak" else 3)
    assert all(0 <= share <= 1 for share in shares.values())
    assert measured == mesh_runs.run(name, 0, per_solid=2, epochs=1)


def test_wide_networks_have_as_many_parameters() -> None:
    sizes = {
        name: mesh_runs.run(name, 0, per_solid=2, epochs=1)["parameters"]
        for name in ("meshes_radius_graphconv", "meshes_radius_mlp_wide", "meshes_radius_gcn_wide")
    }
    assert list(sizes.values()) == pytest.approx([sizes["meshes_radius_graphconv"]] * 3, rel=0.02)
