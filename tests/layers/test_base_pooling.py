"""The base of the pooling layers: arguments in Keras's order, default strides, shapes, errors that name the layer."""

import inspect

import keras
import numpy as np
import pytest

from kzoo import layers
from kzoo.layers import BlurPooling2D
from kzoo.layers.base_pooling import BasePooling
from kzoo.layers.max_unpooling import MaxUnpooling
from tests.layer_checks import check_refusal, same
from tests.layers.cases import SHAPES, noise

POOLS = [cls for cls in map(layers.__dict__.get, layers.__all__) if issubclass(cls, BasePooling)]
SINGLE_INPUT = [cls for cls in POOLS if not issubclass(cls, MaxUnpooling)]  # MaxUnpooling takes two inputs


def test_there_are_such_layers():
    assert {"LPPooling1D", "StochasticPooling3D", "BlurPooling2D"} <= {cls.__name__ for cls in SINGLE_INPUT}


@pytest.mark.parametrize("cls", POOLS)
def test_arguments_come_in_the_order_of_keras(cls):
    ours, theirs = (list(inspect.signature(c.__init__).parameters) for c in (cls, keras.layers.MaxPooling2D))
    ours = ours if "pool_size" in ours else list(inspect.signature(BasePooling.__init__).parameters)
    assert ours[:5] == theirs[:5] == ["self", "pool_size", "strides", "padding", "data_format"]


@pytest.mark.parametrize("cls", POOLS)
def test_strides_are_the_window_by_default(cls):
    r = cls.rank
    assert cls().pool_size == (3 if cls is BlurPooling2D else 2,) * r
    assert cls().strides == (2,) * r and cls(3, 1).strides == (1,) * r
    if cls is not BlurPooling2D:
        assert cls((3, 1, 2)[:r]).strides == (3, 1, 2)[:r]


@pytest.mark.parametrize("cls", SINGLE_INPUT)
def test_shapes(cls):
    """For images of 9 pixels per axis: (9 + 2 - 3) // 2 + 1 outputs; channels and unknown sizes are kept."""
    r, layer = cls.rank, cls(3, 2, 1)
    shape = layer.compute_output_shape((None, 9, *(None,) * (r - 1), 7))
    shapes = shape if isinstance(shape[0], tuple) else (shape,)
    assert all(s == (None, 5, *(None,) * (r - 1), 7) for s in shapes)


@pytest.mark.parametrize("cls", SINGLE_INPUT)
def test_ceil_mode(cls):
    """What completes the last windows counts as zero padding; it is left out if a window would start in it."""
    x, r = noise(*SHAPES[cls.rank]), cls.rank
    layer = cls(3, 3, "valid", ceil_mode=True)
    pads = tuple((0, -n % 3) for n in x.shape[1:-1])
    same(layer(x), cls(3, 3, pads)(x))
    assert layer.get_config()["ceil_mode"] is True
    same(cls.from_config(layer.get_config())(x), layer(x))
    for ceil, count in ((False, 2), (True, 3)):
        shape = cls(3, 3, "valid", ceil_mode=ceil).compute_output_shape((None, 8, *(None,) * (r - 1), 2))
        assert (shape[0] if isinstance(shape[0], tuple) else shape)[1] == count


@pytest.mark.parametrize("cls", POOLS)
def test_a_config_of_before_ceil_mode(cls):
    config = cls(3, 3, "valid").get_config()
    assert config.pop("ceil_mode") is False
    assert cls.from_config(config).window == cls(3, 3, "valid").window


@pytest.mark.parametrize("cls", SINGLE_INPUT)
def test_refuses_ceil_mode(cls):
    kwargs = {"padding": ("reflect", 1), "ceil_mode": True}
    check_refusal(cls, kwargs, SHAPES[cls.rank], "padding with zeros where ceil_mode is True", "padding=('reflect', 1)")
    kwargs = {"padding": "valid", "ceil_mode": "floor"}
    check_refusal(cls, kwargs, SHAPES[cls.rank], "ceil_mode, True or False", "ceil_mode='floor'")


@pytest.mark.parametrize("cls", SINGLE_INPUT)
@pytest.mark.parametrize("padding, dilation", [(3, 1), ("same", 9), (("zeros", 3), 1)])
def test_refuses_windows_that_see_only_padding(cls, padding, dilation):
    kwargs = {"pool_size": 2, "strides": 1, "padding": padding, "dilation_rate": dilation}
    words = ["windows that each meet the input on spatial axis", "pool_size=2", f"dilation={dilation}"]
    check_refusal(cls, kwargs, (1, *(5,) * cls.rank, 2), *words)


@pytest.mark.parametrize("cls", SINGLE_INPUT)
def test_any_padding_but_zeros_is_the_sample_s_own(cls):
    """So that no window lies wholly in the padding, however wide it is."""
    x = keras.Input((5,) * cls.rank + (2,))
    for out in keras.tree.flatten(cls(2, 1, ("replicate", 3))(x)):
        assert out.shape == (None, *(10,) * cls.rank, 2)


def test_a_subclass_owes_an_op():
    class Bare(BasePooling):
        rank = 1

    with pytest.raises(NotImplementedError):
        Bare().op(np.zeros((1, 4, 1)))
