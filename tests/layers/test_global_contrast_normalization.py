"""GlobalContrastNormalization: the contract, the op with the layer's settings, errors."""

import pytest

from kzoo import ops
from kzoo.layers import GlobalContrastNormalization
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import SHAPES, Case, noise

SETTINGS = {"scale": 2.0, "use_std": True, "sqrt_bias": 0.5}  # without a bias the norm has no gradient
FIELD_CASES = {"GlobalContrastNormalization": [("exact", SETTINGS)]}
LAYER_CASES = {"GlobalContrastNormalization": Case(SETTINGS, noise(*SHAPES[2]))}


@pytest.mark.parametrize("cls", [GlobalContrastNormalization])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("shape", [(2, 6), *SHAPES.values()])
def test_passes_its_settings_to_the_op(shape):
    x, settings = noise(*shape), {**SETTINGS, "min_divisor": 0.9}
    same(GlobalContrastNormalization(**settings)(x), ops.global_contrast_normalization(x, **settings))


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"scale": -1}, (1, 5, 5, 2), ["scale, a number above 0", "scale=-1"]),
        ({"use_std": None}, (1, 5, 5, 2), ["use_std, True or False"]),
        ({"sqrt_bias": "x"}, (1, 5, 5, 2), ["sqrt_bias, a number of at least 0"]),
        ({}, (5,), ["an input of rank 2 or more"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(GlobalContrastNormalization, kwargs, shape, *words)
