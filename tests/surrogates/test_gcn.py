"""The graph-convolutional network: what it reads, that it learns, and that graphs matter."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.stats import spearmanr

from ax_anasod.cells import Cell
from ax_anasod.exceptions import OptionError
from ax_anasod.surrogates import (
    GCNOptions,
    GraphConvolutionalNetwork,
    GraphInputs,
    fit_gcn,
    graph_inputs,
    operation_graphs,
    simplified,
)

Data = tuple[Cell, npt.NDArray[np.int64], npt.NDArray[np.float64]]

QUICK = GCNOptions(num_layers=2, layer_width=8, num_epochs=5)


def graphs_of(cell: Cell, n: int = 12, seed: int = 0) -> GraphInputs:
    return graph_inputs(operation_graphs(cell, cell.sample(n, np.random.default_rng(seed))))


def scores(n: int) -> npt.NDArray[np.float64]:
    return np.linspace(-1.5, 1.5, n)


def test_published_defaults() -> None:
    options = GCNOptions()
    assert (options.num_layers, options.layer_width) == (4, 64)
    assert (options.num_epochs, options.learning_rate, options.minibatch_size) == (100, 1e-3, 128)


def test_every_node_hears_itself_and_the_global_node_hears_all(cell: Cell) -> None:
    codes = cell.sample(6, np.random.default_rng(1))
    graphs = operation_graphs(cell, codes)
    inputs = graph_inputs(graphs)
    n, v = graphs.labels.shape
    assert inputs.nodes.shape == (n, v + 1, graphs.num_labels + 1)
    assert inputs.messages.shape == (n, v + 1, v + 1)
    assert (inputs.nodes.sum(dim=2) == 1).all()
    np.testing.assert_array_equal(inputs.nodes[:, :v].argmax(dim=2).numpy(), graphs.labels)
    assert (inputs.messages.diagonal(dim1=1, dim2=2) == 1).all()
    assert (inputs.messages[:, -1] == 1).all()
    assert (inputs.messages[:, :-1, -1] == 0).all()
    heard = inputs.messages[:, :-1, :-1].numpy().astype(bool)
    np.testing.assert_array_equal(heard & ~np.eye(v, dtype=bool), graphs.adjacency.swapaxes(1, 2))


def test_nodes_that_do_not_exist_are_not_heard() -> None:
    cell = Cell("skips", ["skip", "conv"], num_blocks=3)
    inputs = graph_inputs(simplified(cell, operation_graphs(cell, np.array([[0, 1, 0]]))))
    # input, skip, conv, skip, output, global node
    assert inputs.nodes[0].sum(dim=1).tolist() == [1, 0, 1, 0, 1, 1]
    assert inputs.messages[0, -1].tolist() == [1, 0, 1, 0, 1, 1]


def test_a_layer_is_the_formula() -> None:
    cell = Cell("chain", ["a", "b"], num_blocks=2)
    inputs = graphs_of(cell, 3)
    options = GCNOptions(num_layers=1, layer_width=5)
    network = GraphConvolutionalNetwork(
        inputs.nodes.shape[2], options, torch.Generator().manual_seed(0)
    ).eval()
    # Without training, the running mean is 0 and the running variance 1.
    hidden = inputs.messages @ inputs.nodes @ network.weights[0] + network.biases[0]
    expected = (hidden / (1.0 + 1e-5) ** 0.5).relu()[:, -1]
    torch.testing.assert_close(network.embed(inputs), expected)
    torch.testing.assert_close(
        network(inputs), expected @ network.output_weight + network.output_bias
    )


def test_order_of_the_nodes_does_not_matter(cell: Cell) -> None:
    inputs = graphs_of(cell)
    network = fit_gcn(inputs, scores(12), 0, QUICK)
    nodes = inputs.nodes.shape[1] - 1
    order = torch.randperm(nodes, generator=torch.Generator().manual_seed(3))
    order = torch.cat([order, torch.tensor([nodes])])
    moved = GraphInputs(inputs.nodes[:, order], inputs.messages[:, order][:, :, order])
    torch.testing.assert_close(network.embed(moved), network.embed(inputs), rtol=1e-4, atol=1e-4)


def test_same_seed_same_network_and_no_global_randomness() -> None:
    inputs = graphs_of(Cell("chain", ["a", "b", "c"], num_blocks=4))
    state = torch.random.get_rng_state()
    first, again, other = (fit_gcn(inputs, scores(12), seed, QUICK) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first(inputs), again(inputs))
    assert not torch.equal(first(inputs), other(inputs))
    assert not first.training


def test_learns_what_it_is_shown() -> None:
    inputs = graphs_of(Cell("chain", ["a", "b", "c"], num_blocks=4), 40)
    targets = scores(40)
    network = fit_gcn(inputs, targets, 0, GCNOptions(num_epochs=300))
    assert np.abs(network(inputs).numpy() - targets).mean() < 0.5 * np.abs(targets).mean()


def test_predicts_the_order_of_unseen_architectures(nasbench201: Data, cora: Data) -> None:
    for (cell, codes, errors), least in ((nasbench201, 0.5), (cora, 0.15)):
        inputs = graph_inputs(operation_graphs(cell, codes))
        logs = -np.log(errors)
        targets = (logs - logs[:100].mean()) / logs[:100].std()
        network = fit_gcn(inputs[:100], targets[:100], 0)
        found = network(inputs[100:]).numpy()
        assert spearmanr(found, targets[100:]).statistic > least


@pytest.mark.parametrize("n", [1, 2, 129])
def test_any_number_of_architectures(n: int) -> None:
    inputs = graphs_of(Cell("chain", ["a", "b", "c"], num_blocks=4), n)
    network = fit_gcn(inputs, np.zeros(n), 0, QUICK)
    assert network(inputs).isfinite().all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_layers", 0),
        ("layer_width", 0),
        ("num_epochs", -1),
        ("minibatch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("inf")),
    ],
)
def test_options_out_of_range(field: str, value: float) -> None:
    with pytest.raises(OptionError):
        GCNOptions(**{field: value})  # type: ignore[arg-type]
