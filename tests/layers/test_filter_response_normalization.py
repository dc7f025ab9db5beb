"""FilterResponseNormalization: the contract, the op with the layer's weights, independence of the batch, errors."""

import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import FilterResponseNormalization
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import SHAPES, Case, noise

FIELD_CASES = {"FilterResponseNormalization": [("exact", {"epsilon": 0.1, "tau_initializer": "zeros"})]}
LAYER_CASES = {"FilterResponseNormalization": Case({"epsilon": 0.01, "learned_epsilon": True}, noise(2, 7, 8, 6))}


@pytest.mark.parametrize("cls", [FilterResponseNormalization])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("use_threshold", [True, False])
def test_passes_its_weights_to_the_op(rank, use_threshold):
    x = noise(*SHAPES[rank])
    layer = FilterResponseNormalization(0.1, use_threshold=use_threshold)
    layer.build(x.shape)
    randomize(layer)
    tau = layer.tau if use_threshold else None
    same(layer(x), ops.filter_response_norm(x, layer.gamma, layer.beta, tau, 0.1))
    assert layer.count_params() == (6 if use_threshold else 4)


def test_a_sample_does_not_depend_on_the_batch():
    x, layer = noise(4, 5, 6, 3), FilterResponseNormalization()
    same(layer(x)[1:2], layer(x[1:2]))
    assert np.min(layer(x)) >= 0  # the threshold is that of a ReLU at first


def test_the_papers_initial_values():
    layer = FilterResponseNormalization(learned_epsilon=True)
    layer.build((None, 4, 4, 2))
    assert [w.numpy().ravel().tolist() for w in layer.weights[:3]] == [[1, 1], [0, 0], [0, 0]]
    assert float(layer.extra_epsilon) == pytest.approx(1e-4)


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"epsilon": 0}, (1, 5, 5, 2), ["epsilon, a number above 0", "epsilon=0"]),
        ({"data_format": "NHWC"}, (1, 5, 5, 2), ["data_format, one of"]),
        ({"tau_initializer": "x"}, (1, 5, 5, 2), ["tau_initializer, an initializer", "'x'"]),
        ({}, (1, 5), ["1 to 3 spatial axes"]),
        ({}, (1, 5, 5, None), ["a known number of channels"]),
        ({}, (1, 0, 5, 2), ["at least 1 pixel"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(FilterResponseNormalization, kwargs, shape, *words)
