"""Two-stream networks for videos: one for a single frame, one for optical flow, fused at the end.

Source: Simonyan & Zisserman 2014, "Two-stream convolutional networks for action recognition in videos",
arXiv:1406.2199; the streams are CNN-M-2048 of Chatfield, Simonyan, Vedaldi & Zisserman 2014, arXiv:1405.3531.
"""

from collections.abc import Sequence

import keras
from keras import layers

from kzoo.checks import as_bool, require
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.models.blocks import (
    add_top,
    build_model,
    ceil_pool,
    check_integer,
    check_integer_list,
    check_rate,
    hidden_layers,
    model_input,
    scale_filters,
)
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor

FILTERS = (96, 256, 512, 512, 512)
FUSIONS = ("average", "learned")


def stream(
    second_norm: bool = True,
    fc_units: Sequence[int] = (4096, 2048),
    dropout: float = 0.5,
    width: float = 1.0,
    input_shape: Shape = (224, 224, 3),
    input_tensor: Tensor | None = None,
    classes: int = 101,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "two_stream_spatial",
) -> keras.Model:
    """Builds one stream, CNN-M-2048: five convolutions and two dense layers.

    Shapes: frames (B, 224, 224, 3), or stacks of flow (B, 224, 224, 2 L), the mean subtracted -> probabilities (B,
    101). The smallest input is 47 x 47.
    Settings: second_norm, whether response normalization follows the second convolution too, not only the first (the
    temporal stream has only the first); fc_units of the two hidden layers and their dropout; width, a factor of all
    filters. Kernels are initialized by Glorot's rule and biases with 0, chosen here.
    Layers: stage1 ... stage5, fc6, fc7, predictions.
    """
    x = inputs = model_input(name, input_shape, input_tensor, smallest=47)
    head = (include_top, classes, classifier_activation, pooling)
    x = _stream(name, x, "", second_norm, fc_units, dropout, width, head)
    return build_model(name, inputs, x, weights)


def two_stream(
    frames: int = 10,
    fusion: str = "average",
    stacked: bool = False,
    fc_units: Sequence[int] = (4096, 2048),
    dropout: Sequence[float] = (0.5, 0.9),
    width: float = 1.0,
    input_shape: Shape = (224, 224, 3),
    input_tensor: Tensor | None = None,
    classes: int = 101,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "two_stream",
) -> keras.Model:
    """Builds a spatial and a temporal stream whose predictions are fused.

    Shapes: [frames (B, 224, 224, 3), flow (B, 224, 224, 2 L)] -> probabilities (B, 101).
    Settings: frames L of the flow, two maps each, horizontal and vertical; fusion, "average" of both probabilities, or
    "learned", a dense layer on both, in place of the paper's support vector machine; stacked, one input of shape (H, W,
    3 + 2 L), the frame's channels before the flow's, instead of two; fc_units of both streams; dropout of each; width,
    a factor of all filters; input_shape of the frame, and input_tensor with stacked=True only.
    Layers: spatial_stage1 ..., temporal_..., predictions.
    """
    check_integer(name, frames=frames)
    require(fusion in FUSIONS, name, f"fusion, one of {FUSIONS}", fusion=fusion)
    pair = isinstance(dropout, (tuple, list)) and len(dropout) == 2
    require(pair, name, "dropout of both streams", dropout=dropout)
    stacked = as_bool(name, stacked=stacked)
    require(stacked or input_tensor is None, name, "input_tensor only with stacked=True", input_tensor=input_tensor)
    x = model_input(name, input_shape, input_tensor, smallest=47)
    if stacked:
        channels = (input_shape[-1] or 0) - 2 * frames
        expected = f"input_shape with a frame's channels before the flow's {2 * frames}"
        require(channels > 0, name, expected, input_shape=input_shape)
        inputs, still, moved = x, x[..., :channels], x[..., channels:]
    else:
        still = keras.Input(tuple(input_shape), name="frame")
        moved = keras.Input((*input_shape[:-1], 2 * frames), name="flow")
        inputs = [still, moved]
    head = (True, classes, classifier_activation, None)
    spatial = _stream(name, still, "spatial_", True, fc_units, dropout[0], width, head)
    temporal = _stream(name, moved, "temporal_", False, fc_units, dropout[1], width, head)
    if fusion == "average":
        x = layers.Average(dtype="float32", name="predictions")([spatial, temporal])
    else:
        x = layers.Concatenate(dtype="float32", name="scores")([spatial, temporal])
        x = layers.Dense(classes, classifier_activation, dtype="float32", name="predictions")(x)
    return build_model(name, inputs, x, weights)


def _stream(who, x, prefix, second_norm, fc_units, dropout, width, head):
    check_integer_list(who, fc_units=fc_units)
    check_rate(who, dropout=dropout)
    counts = scale_filters(who, FILTERS, width)
    for stage, (units, geometry) in enumerate(zip(counts, [(7, 2, 0), (5, 2, 1)] + [(3, 1, 1)] * 3), start=1):
        kernel, strides, padding = geometry
        pooled, label = stage in (1, 2, 5), f"{prefix}stage{stage}"
        more = {"strides": strides, "padding": padding, "activation": "relu"}
        x = Conv2D(units, kernel, name=f"{label}_conv" if pooled else label, **more)(x)
        if stage == 1 or (stage == 2 and second_norm):
            x = LocalResponseNormalization(name=f"{label}_norm")(x)
        x = ceil_pool(x, label) if pooled else x
    return add_top(who, x, *head, hidden_layers(fc_units, dropout, 6, prefix), prefix)


register_family(
    stream,
    {
        "two_stream_spatial": {},
        "two_stream_temporal": {"second_norm": False, "dropout": 0.9, "input_shape": (224, 224, 20)},
        "cnn_m_2048": {"classes": 1000},
    },
)
register_family(two_stream, {"two_stream": {}})
