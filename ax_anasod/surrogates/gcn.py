"""The graph-convolutional network of BONAS, which embeds architectures."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ax_anasod.settings import PositiveFloat, PositiveInt, checked
from ax_anasod.surrogates.operation_graphs import OperationGraphs
from ax_anasod.threads import undisturbed
from ax_anasod.typing import Values


@checked
@dataclass(frozen=True)
class GCNOptions:
    """The options of the network and its training; the defaults are the published ones.

    Source: Shi et al., "Bridging the gap between sample-based and one-shot neural
    architecture search with BONAS" (NeurIPS 2020), and the parameters of the authors' code.

    Args:
        num_layers: Graph-convolutional layers.
        layer_width: Units of each.
        num_epochs: Passes over the data.
        learning_rate: Step size of Adam.
        minibatch_size: Architectures of a step.

    Raises:
        OptionError: A number is out of range.
    """

    num_layers: PositiveInt = 4
    layer_width: PositiveInt = 64
    num_epochs: PositiveInt = 100
    learning_rate: PositiveFloat = 1e-3
    minibatch_size: PositiveInt = 128


@dataclass(frozen=True)
class GraphInputs:
    """Graphs as the network reads them.

    Args:
        nodes: ``n x (V + 1) x (L + 1)``: what each node is, one-hot; the last node is the
            global one.
        messages: ``n x (V + 1) x (V + 1)``: from which nodes each node hears: from those
            that it reads, from itself, and the global node from all.
    """

    nodes: Tensor
    messages: Tensor

    def __getitem__(self, rows: Tensor | slice) -> GraphInputs:
        return GraphInputs(self.nodes[rows], self.messages[rows])

    def __len__(self) -> int:
        return len(self.nodes)


def graph_inputs(graphs: OperationGraphs) -> GraphInputs:
    """The inputs of the network: one-hot operations, and a global node that hears all.

    Source: Shi et al. 2020, Section 3.1.

    Args:
        graphs: The graphs of ``n`` architectures.
    """
    n, num_nodes = graphs.labels.shape
    nodes = np.zeros((n, num_nodes + 1, graphs.num_labels + 1), dtype=np.float32)
    row, column = np.arange(n)[:, None], np.arange(num_nodes)
    nodes[row, column, graphs.labels] = graphs.present
    nodes[:, -1, -1] = 1.0
    messages = np.zeros((n, num_nodes + 1, num_nodes + 1), dtype=np.float32)
    messages[:, :-1, :-1] = graphs.adjacency.swapaxes(1, 2)
    messages[:, -1, :-1] = graphs.present
    messages += np.eye(num_nodes + 1, dtype=np.float32)
    return GraphInputs(torch.from_numpy(nodes), torch.from_numpy(messages))


class GraphConvolutionalNetwork(torch.nn.Module):
    r"""Layers of graph convolutions, and one output read off the global node.

    .. math::
        H_{l+1} = \mathrm{ReLU}(\mathrm{BatchNorm}(A H_l W_l + b_l))

    **Shapes**: nodes ``n x V x L``, messages ``n x V x V``, embeddings ``n x layer_width``,
    predictions ``n``.

    Sources: Kipf and Welling, "Semi-supervised classification with graph convolutional
    networks" (ICLR 2017); Shi et al. 2020 (BONAS), whose first weights these are.

    Args:
        num_labels: Number of node labels ``L``.
        options: Size and training.
        generator: Where random numbers come from; torch's global one is not touched.
    """

    def __init__(self, num_labels: int, options: GCNOptions, generator: torch.Generator) -> None:
        super().__init__()
        width = options.layer_width
        limit = 1.0 / math.sqrt(width)
        sizes = [num_labels, *[width] * options.num_layers]
        self.weights = torch.nn.ParameterList(
            [_uniform(generator, 0.05, *shape) for shape in itertools.pairwise(sizes)]
        )
        self.biases = torch.nn.ParameterList([_uniform(generator, limit, width) for _ in sizes[1:]])
        self.norms = torch.nn.ModuleList(
            [torch.nn.BatchNorm1d(width, dtype=torch.float32) for _ in sizes[1:]]
        )
        self.output_weight = _uniform(generator, limit, width)
        self.output_bias = _uniform(generator, limit, 1)

    def embed(self, graphs: GraphInputs) -> Tensor:
        """The state of the global node after the last layer, ``n x layer_width``."""
        hidden = graphs.nodes
        for weight, bias, norm in zip(self.weights, self.biases, self.norms, strict=True):
            hidden = graphs.messages @ (hidden @ weight) + bias
            hidden = norm(hidden.flatten(0, 1)).view_as(hidden).relu()
        return hidden[:, -1]

    def forward(self, graphs: GraphInputs) -> Tensor:
        """Predictions ``n``."""
        return self.embed(graphs) @ self.output_weight + self.output_bias


@undisturbed()
def fit_gcn(
    graphs: GraphInputs,
    targets: Values,
    seed: int,
    options: GCNOptions | None = None,
) -> GraphConvolutionalNetwork:
    r"""Train a network on squared errors that count good architectures more.

    The weight of an architecture is :math:`\exp(t - \max t)`, the exponentially weighted
    loss of BONAS on targets of any scale.

    Source: Shi et al. 2020, Section 3.1.

    Args:
        graphs: Inputs of ``n`` architectures.
        targets: ``n``, larger is better; mean 0 and variance 1.
        seed: Where all random numbers are derived from.
        options: Size and training.

    Returns:
        The trained network, in evaluation mode.
    """
    options = options or GCNOptions()
    generator = torch.Generator().manual_seed(seed)
    network = GraphConvolutionalNetwork(graphs.nodes.shape[2], options, generator)
    wanted = torch.as_tensor(targets, dtype=torch.float32)
    weights = (wanted - wanted.max()).exp()
    optimizer = torch.optim.Adam(network.parameters(), lr=options.learning_rate, fused=True)
    for _ in range(options.num_epochs):
        order = torch.randperm(len(graphs), generator=generator)
        for rows in torch.tensor_split(order, math.ceil(len(order) / options.minibatch_size)):
            optimizer.zero_grad()
            errors = network(graphs[rows]) - wanted[rows]
            (weights[rows] * errors**2).mean().backward()
            optimizer.step()
    return network.eval().requires_grad_(False)


def _uniform(generator: torch.Generator, limit: float, *shape: int) -> torch.nn.Parameter:
    draws = torch.rand(*shape, generator=generator, dtype=torch.float32)
    return torch.nn.Parameter((2.0 * draws - 1.0) * limit)
