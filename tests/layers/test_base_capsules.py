"""BaseCapsules: the arguments and weights that layers of routed capsules share."""

import keras
import numpy as np
import pytest

from kzoo.layers import Capsules, ConvCapsules2D
from tests.layer_checks import check_refusal, same

LAYERS = [(Capsules, {}, (2, 6, 5)), (ConvCapsules2D, {"kernel_size": 3}, (2, 6, 5, 2, 4))]


@pytest.mark.parametrize("cls, kwargs, shape", LAYERS)
def test_initializers(cls, kwargs, shape):
    default = cls(3, 4, use_bias=True, **kwargs)
    initializers = {"kernel_initializer": "ones", "bias_initializer": keras.initializers.Constant(2)}
    given = cls(3, 4, use_bias=True, **initializers, **kwargs)
    for layer in (default, given):
        layer.build(shape)
    assert np.std(default.kernel) > 0.05 and not np.any(default.bias)
    assert (np.asarray(given.kernel) == 1).all() and (np.asarray(given.bias) == 2).all()
    twin = cls.from_config(given.get_config())
    twin.build(shape)
    same(twin.get_weights(), given.get_weights())


def test_configs_without_a_leak_load():
    """Those that were saved before layers had one."""
    config = Capsules(3, 4, leaky=True).get_config()
    assert Capsules.from_config(config).leaky is config.pop("leaky") is True
    assert Capsules.from_config(config).leaky is False


@pytest.mark.parametrize("cls, kwargs, shape", LAYERS)
@pytest.mark.parametrize(
    "bad, words",
    [
        ({"capsules": 0}, ["capsules, an integer above 0", "capsules=0"]),
        ({"dimension": 1.5}, ["dimension, an integer above 0", "dimension=1.5"]),
        ({"iterations": True}, ["iterations, an integer above 0", "iterations=True"]),
    ],
)
def test_refuses(cls, kwargs, shape, bad, words):
    check_refusal(cls, {"capsules": 3, "dimension": 4, **kwargs, **bad}, shape, *words)
