"""The base of the layers with a sliding window: checks of the geometry, names, plain config, shapes."""

import inspect
import json

import numpy as np
import pytest

from kzoo import layers
from kzoo.layers import LPPooling2D
from kzoo.layers.base_capsules import BaseCapsules
from kzoo.layers.base_window import BaseWindow
from kzoo.layers.max_unpooling import MaxUnpooling
from tests.layer_checks import check_refusal
from tests.layers.cases import SHAPES

WINDOWED = [cls for cls in map(layers.__dict__.get, layers.__all__) if issubclass(cls, BaseWindow)]
SINGLE_INPUT = [cls for cls in WINDOWED if not issubclass(cls, MaxUnpooling)]  # MaxUnpooling takes two inputs


def with_window(cls, size=2, **kwargs):
    """The arguments of a layer with this window, whatever it calls it, padded so that it must fit."""
    known = inspect.signature(cls.__init__).parameters
    counts = {name: 4 for name in ("filters", "capsules", "dimension") if name in known}
    return {**counts, cls.size_name: size, "padding": "valid", **kwargs}


def capsule_axis(cls):
    """The end of an input's shape: nothing, or the dimension of its capsules."""
    return (3,) if issubclass(cls, BaseCapsules) else ()


def refuses(cls, kwargs, *words):
    check_refusal(cls, kwargs, SHAPES[cls.rank] + capsule_axis(cls), *words)


def test_there_are_such_layers():
    assert {"Conv1D", "GaborConv2D", "Erosion2D", "StochasticPooling3D"} <= {cls.__name__ for cls in SINGLE_INPUT}


@pytest.mark.parametrize("cls", SINGLE_INPUT)
def test_refuses_a_window(cls):
    r, name = cls.rank, cls.size_name
    for size in (0, 2.5, None, (2,) * (r + 1), [2] * (r - 1), True):
        words = f"{name}, an integer of at least 1 or {r} of them", f"{name}={size!r}"
        refuses(cls, with_window(cls, size), *words)
    large = max(SHAPES[r][1:-1]) + 1
    refuses(cls, with_window(cls, large), "a window that fits", "spatial axis 0", f"{name}={large}", "input=")


@pytest.mark.parametrize("cls", SINGLE_INPUT)
@pytest.mark.parametrize("name, value", [("strides", 0), ("strides", 1.5), ("dilation_rate", 0), ("dilation_rate", ())])
def test_refuses_steps(cls, name, value):
    refuses(cls, with_window(cls, **{name: value}), f"{name}, an integer of at least 1", f"{name}={value!r}")


@pytest.mark.parametrize("cls", SINGLE_INPUT)
@pytest.mark.parametrize(
    "padding, words",
    [
        ("half", ["padding, one of", "'circular'"]),
        (("mirror", 1), ["a padding mode of", "'reflect'"]),
        (-1, ["padding, an integer of at least 0"]),
        (1.5, ["padding, an integer of at least 0"]),
    ],
)
def test_refuses_a_padding(cls, padding, words):
    refuses(cls, with_window(cls, padding=padding), *words, f"padding={padding!r}")


@pytest.mark.parametrize("cls", SINGLE_INPUT)
def test_refuses_more_padding_than_there_is(cls):
    size = SHAPES[cls.rank][1]
    refuses(cls, with_window(cls, padding=("reflect", size)), f"reflect padding of at most {size - 1}")


@pytest.mark.parametrize("cls", SINGLE_INPUT)
def test_capitals_and_arrays(cls):
    """TensorFlow's spelling of padding, Keras 2's of data formats, and NumPy's integers."""
    size = np.full(cls.rank, 2)[0]
    layer = cls(**with_window(cls, size, padding="SAME", strides=size, data_format="Channels_First"))
    plain = cls(**with_window(cls, 2, padding="same", strides=2, data_format="channels_first"), name=layer.name)
    configs = [{**each.get_config(), "seed": 0} for each in (layer, plain)]
    assert configs[0] == configs[1] and layer.window == plain.window
    assert cls(**with_window(cls, padding=("CIRCULAR", np.array([[1, 0]] * cls.rank)))).padding == (
        "circular",
        ((1, 0),) * cls.rank,
    )


@pytest.mark.parametrize("cls", SINGLE_INPUT)
def test_causal_padding(cls):
    if cls.rank == 1:
        layer = cls(**with_window(cls, 3, padding="causal", dilation_rate=2))
        assert layer.window.pads == ((4, 0),) and layer.get_config()["padding"] == "causal"
    else:
        words = f"padding other than causal in {cls.rank}D, such as ({', '.join(['(2, 0)'] * cls.rank)})"
        refuses(cls, with_window(cls, 3, padding="causal"), words)


@pytest.mark.parametrize("cls", SINGLE_INPUT)
def test_refuses_a_data_format(cls):
    refuses(cls, with_window(cls, data_format="NHWC"), "data_format, one of", "data_format='NHWC'")


@pytest.mark.parametrize("cls", SINGLE_INPUT)
def test_refuses_another_rank_and_empty_axes(cls):
    r, ends = cls.rank, (2, *capsule_axis(cls))
    for shape in ((1, *(5,) * (r - 1), *ends), (1, *(5,) * (r + 1), *ends)):
        words = f"an input of rank {r + 1 + len(ends)}", f"{r} spatial axes", f" {str(ends).strip('(,)')})"
        check_refusal(cls, with_window(cls), shape, *words)
    check_refusal(cls, with_window(cls), (1, *(5,) * (r - 1), 0, *ends), f"at least 1 pixel on spatial axis {r - 1}")


@pytest.mark.parametrize("cls", WINDOWED)
def test_config_is_plain_python(cls):
    size, strides = np.int64(2), [np.int32(1)] * cls.rank
    layer = cls(**with_window(cls, size, strides=strides, padding=["reflect", np.int64(1)], dilation_rate=np.int8(1)))
    config = json.loads(json.dumps(layer.get_config()))
    assert config[cls.size_name] == [2] * cls.rank and config["strides"] == config["dilation_rate"] == [1] * cls.rank
    assert config["padding"] == ["reflect", 1]
    again = cls.from_config(config)
    assert again.get_config() == layer.get_config() and again.window == layer.window


def test_shapes_with_unknown_sizes():
    layer = LPPooling2D(3, 2, "same", data_format="channels_first")
    assert layer.channels_last_shape((None, 5, None, 8)) == (None, None, 8, 5)
    assert layer.output_shape((None, 5, None, 8), 7) == (None, 7, None, 4)
