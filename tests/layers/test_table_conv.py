"""TableConv1D, 2D, 3D: the contract, the op with its weights, random tables, initial values, errors."""

import functools
import json

import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import TableConv1D, TableConv2D, TableConv3D
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import SHAPES, Case, noise
from tests.ops.test_table_conv import reference

LAYER_CASES = {
    f"TableConv{rank}D": Case(
        {
            "filters": 4,
            "kernel_size": (3, 2, 3)[:rank],
            "activation": "tanh",
            "bias_initializer": "ones",
            "strides": 2,
            "connections": [[1], [0, 1], [0], [1, 0]],
        },
        noise(*SHAPES[rank]),
    )
    for rank in SHAPES
}
TABLE = [[0], [1, 0], [1]]
CONVOLUTIONS = {"TableConv": (functools.partial(reference, connections=TABLE), {"connections": TABLE})}
RANKS = {1: TableConv1D, 2: TableConv2D, 3: TableConv3D}


@pytest.mark.parametrize("cls", [TableConv1D, TableConv2D, TableConv3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
def test_passes_its_weights_to_the_op(rank):
    x, table = noise(*SHAPES[rank]), [[0, 1], [1]]
    layer = RANKS[rank](2, 2, 2, "reflect", connections=table, activation="relu")
    layer.build(x.shape)
    kernel, bias = randomize(layer)
    assert kernel.shape == (*(2,) * rank, 3) and bias.shape == (2,)
    y = ops.table_conv(x, kernel, table, 2, "reflect", bias=bias)
    same(layer(x), np.maximum(y, 0))


def test_a_number_draws_a_table_once():
    layer = TableConv2D(6, 3, connections=2)
    again = TableConv2D.from_config(json.loads(json.dumps(layer.get_config())))
    other = TableConv2D(6, 3, connections=2)
    for one in (layer, again, other):
        one.build((None, 5, 5, 8))
    assert layer.table == again.table != other.table
    assert all(len(maps) == 2 for maps in layer.table) and layer.kernel.shape == (3, 3, 12)


def test_without_a_table_all_maps_are_read():
    layer = TableConv2D(3, 3)
    layer.build((None, 5, 5, 4))
    assert layer.table == ((0, 1, 2, 3),) * 3


def test_each_filter_starts_as_in_a_convolution_of_as_many_maps():
    """The deviations of 900 and of 8,100 uniform numbers, with errors of 1.5 and 0.5 %: that of a filter with one input
    channel is 3 times that of one with nine. No two filters are equal.
    """
    table = [[0]] * 100 + [list(range(9))] * 100
    layer = TableConv2D(200, 3, connections=table, kernel_initializer="lecun_uniform")
    layer.build((None, 5, 5, 9))
    kernel = np.asarray(layer.kernel)
    for part, fan in ((kernel[..., :100], 9), (kernel[..., 100:], 81)):
        np.testing.assert_allclose(part.std(), fan**-0.5, rtol=0.06)
    assert len(np.unique(kernel)) > 0.99 * kernel.size


def test_lenets_table_counts_as_published():
    """C3 of LeNet-5, 60 connected maps: 1,516 weights, 151,600 connections with those of the biases."""
    table = [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [0, 4, 5], [0, 1, 5], [0, 1, 2, 3], [1, 2, 3, 4]]
    table += [[2, 3, 4, 5], [0, 3, 4, 5], [0, 1, 4, 5], [0, 1, 2, 5], [0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5]]
    layer = TableConv2D(16, 5, connections=[*table, [0, 1, 2, 3, 4, 5]])
    assert layer(noise(1, 14, 14, 6)).shape == (1, 10, 10, 16)
    assert layer.count_params() == 1516 and layer.count_params() * 10 * 10 == 151_600


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"connections": [[0]]}, (1, 5, 5, 2), ["connections, 4 lists, one per filter", "connections=1"]),
        ({"connections": 0}, (1, 5, 5, 2), ["connections, for each output map a list", "connections=0"]),
        ({"connections": "all"}, (1, 5, 5, 2), ["connections='all'"]),
        ({"connections": 3}, (1, 5, 5, 2), ["connections of at most 2", "connections=3"]),
        ({"connections": [[0], [1], [2], [0]]}, (1, 5, 5, 2), ["numbers of input maps below 2", "connections[2]=(2,)"]),
        ({"seed": -1}, (1, 5, 5, 2), ["seed, an integer of at least 0", "seed=-1"]),
        ({"filters": 0}, (1, 5, 5, 2), ["filters, an integer above 0"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(TableConv2D, {"filters": 4, "kernel_size": 3, **kwargs}, shape, *words)
