"""Both data formats: layers compute channels last and turn their inputs and outputs at the edge.

Source: none.
"""

import keras
from keras import ops

from kzoo.checks import require

FORMATS = ("channels_last", "channels_first")


def as_data_format(who, data_format):
    """One of the two formats; None is Keras's setting."""
    data_format = data_format or keras.config.image_data_format()
    require(data_format in FORMATS, who, f"data_format, one of {FORMATS}", data_format=data_format)
    return data_format


def to_last(x, data_format):
    """Channels to the end."""
    return x if data_format == "channels_last" else ops.moveaxis(x, 1, -1)


def from_last(x, data_format):
    """Channels back to where the format has them."""
    return x if data_format == "channels_last" else ops.moveaxis(x, -1, 1)


def shape_to_last(who, shape, rank, data_format):
    """An input shape with the channels at the end, its rank checked."""
    expected = f"an input of rank {rank + 2}: batch, {rank} spatial axes and channels"
    require(len(shape) == rank + 2, who, expected, shape=tuple(shape))
    last = tuple(shape) if data_format == "channels_last" else (shape[0], *shape[2:], shape[1])
    require(last[-1] != 0, who, "an input of at least 1 channel", shape=tuple(shape))
    return last


def check_channels(who, shape, data_format):
    """The number of channels of an input with any number of axes after the batch; it must be known."""
    require(len(shape) >= 2, who, "an input of rank 2 or more: batch, ..., channels", shape=tuple(shape))
    channels = shape[-1] if data_format == "channels_last" else shape[1]
    require(channels is not None, who, "a known number of channels", shape=tuple(shape))
    require(channels > 0, who, "an input of at least 1 channel", shape=tuple(shape))
    return channels


def shape_from_last(shape, data_format):
    """The inverse of `shape_to_last`."""
    return tuple(shape) if data_format == "channels_last" else (shape[0], shape[-1], *shape[1:-1])
