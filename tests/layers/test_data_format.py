"""Both data formats: tensors and shapes are converted alike and back; a layer follows Keras's setting."""

import keras
import numpy as np
import pytest

from kzoo.layers import Conv2D
from kzoo.layers.data_format import (
    FORMATS,
    as_data_format,
    from_channels_last,
    known_channels,
    shape_from_channels_last,
    shape_to_channels_last,
    to_channels_last,
)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("data_format", FORMATS)
def test_tensors_and_shapes_are_converted_alike(rank, data_format):
    x = np.arange(np.prod(range(2, rank + 4))).reshape(range(2, rank + 4))
    last = to_channels_last(x, data_format)
    np.testing.assert_array_equal(last, x if data_format == "channels_last" else np.moveaxis(x, 1, -1))
    np.testing.assert_array_equal(from_channels_last(last, data_format), x)
    assert shape_to_channels_last("Layer", x.shape, rank, data_format) == tuple(last.shape)
    assert shape_from_channels_last(last.shape, data_format) == x.shape


def test_keeps_unknown_sizes():
    assert shape_to_channels_last("Layer", [None, 3, None, 5], 2, "channels_first") == (None, None, 5, 3)
    assert shape_from_channels_last((None, None, 5, 3), "channels_first") == (None, 3, None, 5)


def test_follows_keras_and_keeps_what_it_was_built_with():
    before = keras.config.image_data_format()
    try:
        for data_format in FORMATS:
            keras.config.set_image_data_format(data_format)
            assert as_data_format("Layer", None) == data_format
            layer = Conv2D(2, 3)
            keras.config.set_image_data_format("channels_last")
            assert layer.get_config()["data_format"] == data_format
    finally:
        keras.config.set_image_data_format(before)


@pytest.mark.parametrize("shape", [(None, 3), (2, 3, 4), [None, 3, None, None, 5]])
def test_channels_of_any_rank(shape):
    assert known_channels("Layer", shape, "channels_last") == shape[-1]
    assert known_channels("Layer", shape, "channels_first") == 3


def test_refuses():
    with pytest.raises(ValueError, match="Layer expects data_format, one of .*; received data_format='NCHW'"):
        as_data_format("Layer", "NCHW")
    with pytest.raises(ValueError, match=r"Layer expects an input of rank 4: .*; received shape=\(1, 2, 3\)"):
        shape_to_channels_last("Layer", (1, 2, 3), 2, "channels_last")
    with pytest.raises(ValueError, match=r"Layer expects an input of rank 2 or more: .*; received shape=\(3,\)"):
        known_channels("Layer", (3,), "channels_last")
    for shape, data_format in (((2, 3, None), "channels_last"), ((2, None, 3), "channels_first")):
        with pytest.raises(ValueError, match="Layer expects a known number of channels; received shape="):
            known_channels("Layer", shape, data_format)
