"""FanInUniform: its range for dense layers, convolutions and connection tables, config, errors."""

import keras
import numpy as np
import pytest

from kzoo.layers import TableConv2D
from kzoo.losses import FanInUniform


@pytest.mark.parametrize("shape, fan", [((400, 120), 400), ((5, 5, 6, 500), 150)])
def test_range(shape, fan):
    kernel = np.asarray(FanInUniform()(shape))
    assert 0.99 * 2.4 / fan < kernel.max() <= 2.4 / fan and -2.4 / fan <= kernel.min() < -0.99 * 2.4 / fan
    assert (np.asarray(FanInUniform(limit=1.0, seed=1)(shape)) == np.asarray(FanInUniform(1.0, 1)(shape))).all()


def test_each_filter_of_a_table_has_its_own():
    layer = TableConv2D(200, 5, connections=[[0]] * 100 + [[0, 1, 2]] * 100, kernel_initializer=FanInUniform())
    layer.build((None, 9, 9, 3))
    kernel = np.abs(layer.kernel)
    for part, fan in ((kernel[..., :100], 25), (kernel[..., 100:], 75)):
        assert 0.99 * 2.4 / fan < part.max() <= 2.4 / fan


def test_config():
    again = keras.initializers.deserialize(keras.initializers.serialize(FanInUniform(1.5, seed=3)))
    assert isinstance(again, FanInUniform) and again.get_config() == {"limit": 1.5, "seed": 3}


@pytest.mark.parametrize("limit", [0, -1, "1", float("inf")])
def test_refuses(limit):
    with pytest.raises(ValueError, match="FanInUniform expects limit, a number above 0"):
        FanInUniform(limit)
