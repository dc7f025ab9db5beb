"""SpatiallySeparableConv2D, 3D: the contract, its weights, the op with them, its initial state, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import Conv2D, SpatiallySeparableConv2D, SpatiallySeparableConv3D
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import SHAPES, Case, noise
from tests.ops.test_spatially_separable_conv import reference

LAYER_CASES = {
    f"SpatiallySeparableConv{rank}D": Case(
        {
            "filters": 4,
            "kernel_size": (3, 2, 3)[:rank],
            "strides": 2,
            "dilation_rate": 2,
            "padding": "full",
            "terms": 2,
            "bias_initializer": "ones",
        },
        noise(*SHAPES[rank]),
    )
    for rank in (2, 3)
}
CONVOLUTIONS = {"SpatiallySeparableConv": (reference, {"terms": 2})}
RANKS = {2: SpatiallySeparableConv2D, 3: SpatiallySeparableConv3D}


@pytest.mark.parametrize("cls", [SpatiallySeparableConv2D, SpatiallySeparableConv3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("terms, untied", [(1, False), (2, True)])
def test_passes_its_weights_to_the_op(rank, terms, untied):
    x, size = noise(*SHAPES[rank]), (4, 2, 3)[:rank]
    layer = RANKS[rank](5, size, 2, "reflect", None, 1, terms, "relu", untied_bias=untied)
    layer.build(x.shape)
    *kernels, bias = randomize(layer)
    output = layer.compute_output_shape(x.shape)[1:-1]
    assert [w.name for w in layer.weights] == ["kernel_0", "kernel_1", "kernel_2"][:rank] + ["bias"]
    assert [k.shape for k in kernels] == [(4, 2, 5, terms), (2, 5, terms), (3, 5, terms)][:rank]
    assert bias.shape == ((*output, 5) if untied else (5,))
    with ops.no_islands():
        y = np.asarray(ops.spatially_separable_conv(x, kernels, 2, "reflect"))
        same(layer(x), np.maximum(y + bias, 0))


def test_can_express_every_convolution():
    """With as many terms as the kernel is wide: term q is column q times a row that is 1 only at q."""
    x = noise(*SHAPES[2])
    full, layer = Conv2D(4, (3, 2)), SpatiallySeparableConv2D(4, (3, 2), terms=2)
    full.build(x.shape)
    layer.build(x.shape)
    kernel, bias = randomize(full)
    rows = np.repeat(np.eye(2, dtype="float32")[:, None], 4, 1)
    layer.set_weights([np.moveaxis(kernel, 1, -1), rows, bias])
    with ops.no_islands():
        same(layer(x), full(x))


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("terms", [1, 3])
def test_starts_with_the_spread_of_its_input(rank, terms):
    """Like a full kernel of `lecun_normal`, it preserves white noise of variance 1, on the average of 500 filters.

    A filter's own variance is a product of means of 6, 3 and 3 squares of normal numbers, with the relative variance (1
    + 2/6) (1 + 2/3)^2 - 1 < 3. For 500 filters the error is sqrt(3 / 500) = 8 %, and so hardly 40 %. A missing or extra
    factor of `terms` is 3.
    """
    x = noise(2, *((20, 20) if rank == 2 else (8, 8, 8)), 2)
    layer = RANKS[rank](500, 3, use_bias=False, terms=terms, kernel_initializer="lecun_normal")
    with ops.no_islands():
        assert abs(np.var(layer(x)) - 1) < 0.4


def test_regularizers_constraints_and_initializers_hold_for_each_kernel():
    layer = SpatiallySeparableConv2D(
        4, 3, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(1.0), kernel_constraint="non_neg"
    )
    layer.build((None, 5, 5, 2))
    first, second, _ = layer.get_weights()
    assert (first == 1).all()
    np.testing.assert_allclose(sum(map(float, layer.losses)), 24 + (second**2).sum(), rtol=1e-6)
    assert all(isinstance(kernel.constraint, keras.constraints.NonNeg) for kernel in layer.kernels)


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"terms": 0}, (1, 5, 5, 2), ["terms, an integer above 0", "terms=0"]),
        ({"terms": 1.5}, (1, 5, 5, 2), ["terms, an integer above 0", "terms=1.5"]),
        ({"filters": 0}, (1, 5, 5, 2), ["filters, an integer above 0", "filters=0"]),
        ({"kernel_size": 6}, (1, 9, 5, 2), ["a window that fits", "spatial axis 1", "kernel_size=6", "input=5"]),
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({}, (1, 5, 5, None), ["a known number of channels", "(None, 5, 5, None)"]),
        ({"untied_bias": True}, (1, None, 5, 2), ["known spatial sizes with untied_bias=True"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(SpatiallySeparableConv2D, {"filters": 4, "kernel_size": 3, **kwargs}, shape, *words)
