"""Conversion between the two data formats. Layers compute in channels-last order and transpose inputs and outputs."""

import keras
from keras import ops

from kzoo.checks import require

FORMATS = ("channels_last", "channels_first")


def as_data_format(who, data_format):
    """Returns the data format after checking it; None gives Keras's setting."""
    data_format = data_format or keras.config.image_data_format()
    known = isinstance(data_format, str) and data_format.lower() in FORMATS
    require(known, who, f"data_format, one of {FORMATS}", data_format=data_format)
    return data_format.lower()


def to_channels_last(x, data_format):
    """Returns x with the channels as the last axis."""
    return x if data_format == "channels_last" else ops.moveaxis(x, 1, -1)


def from_channels_last(x, data_format):
    """Returns channels-last x in the given data format."""
    return x if data_format == "channels_last" else ops.moveaxis(x, -1, 1)


def shape_to_channels_last(who, shape, rank, data_format):
    """Returns an input shape in channels-last order, after checking its rank."""
    expected = f"an input of rank {rank + 2}: batch, {rank} spatial axes and channels"
    require(len(shape) == rank + 2, who, expected, shape=tuple(shape))
    last = tuple(shape) if data_format == "channels_last" else (shape[0], *shape[2:], shape[1])
    require(last[-1] != 0, who, "an input of at least 1 channel", shape=tuple(shape))
    return last


def known_channels(who, shape, data_format):
    """Returns the number of channels of an input of rank 2 or more; ValueError if it is unknown."""
    require(len(shape) >= 2, who, "an input of rank 2 or more: batch, ..., channels", shape=tuple(shape))
    channels = shape[-1] if data_format == "channels_last" else shape[1]
    require(channels is not None, who, "a known number of channels", shape=tuple(shape))
    require(channels > 0, who, "an input of at least 1 channel", shape=tuple(shape))
    return channels


def shape_from_channels_last(shape, data_format):
    """Returns a channels-last shape in the given data format."""
    return tuple(shape) if data_format == "channels_last" else (shape[0], shape[-1], *shape[1:-1])
