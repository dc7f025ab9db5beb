"""PrimaryCapsules2D: the contract, Conv2D with its weights, the order of the vectors, the paper's count, errors."""

import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import Conv2D, PrimaryCapsules2D
from tests import references
from tests.layer_checks import check_layer, check_refusal, randomize
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {
    "PrimaryCapsules2D": Case({"capsules": 3, "dimension": 4, "kernel_size": (3, 2), "strides": 2}, noise(*SHAPES[2]))
}


def test_contract(tmp_path):
    check_layer(PrimaryCapsules2D, *LAYER_CASES["PrimaryCapsules2D"], tmp_path)


def test_takes_the_weights_of_conv():
    """Row by row, with the capsules of a position together, each of consecutive channels."""
    x, kwargs = noise(*SHAPES[2]), {"strides": (2, 1), "padding": "circular", "dilation_rate": (1, 2)}
    conv, layer = Conv2D(12, (3, 2), **kwargs), PrimaryCapsules2D(3, 4, (3, 2), **kwargs)
    with ops.no_islands():
        maps = conv(x)
        layer.build(x.shape)
        layer.set_weights(randomize(conv))
        assert [w.name for w in layer.weights] == ["kernel", "bias"]
        maps, y = np.asarray(conv(x)), np.asarray(layer(x))
    rows, columns = maps.shape[1:3]
    for n, row, column, kind in np.ndindex(2, rows, columns, 3):
        want = references.squash(maps[n, row, column, 4 * kind : 4 * kind + 4])
        np.testing.assert_allclose(y[n, (row * columns + column) * 3 + kind], want, atol=1e-5)


@pytest.mark.parametrize("use_bias, count", [(True, 5_308_672), (False, 5_308_416)])
def test_counts_of_the_paper(use_bias, count):
    layer = PrimaryCapsules2D(32, 8, 9, 2, use_bias=use_bias)
    layer.build((None, 20, 20, 256))
    assert layer.count_params() == count
    assert layer.compute_output_shape((None, 20, 20, 256)) == (None, 1152, 8)


def test_settings_and_initializers():
    """The defaults are those of Conv2D."""
    config, conv = PrimaryCapsules2D(3, 4, 2).get_config(), Conv2D(12, 2).get_config()
    common = set(config) & set(conv) - {"name"}
    assert len(common) > 7 and all(config[name] == conv[name] for name in common)
    layer = PrimaryCapsules2D(3, 4, 2, kernel_initializer="ones", bias_initializer="ones")
    for one in (layer, PrimaryCapsules2D.from_config(layer.get_config())):
        one.build((None, 5, 5, 2))
        assert len(one.weights) == 2 and all((w == 1).all() for w in one.get_weights())


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"capsules": 0}, (1, 5, 5, 2), ["capsules, an integer above 0", "capsules=0"]),
        ({"dimension": 1.5}, (1, 5, 5, 2), ["dimension, an integer above 0", "dimension=1.5"]),
        ({"kernel_size": 6}, (1, 9, 5, 2), ["a window that fits", "kernel_size=6", "input=5"]),
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(PrimaryCapsules2D, {"capsules": 3, "dimension": 4, "kernel_size": 3, **kwargs}, shape, *words)
