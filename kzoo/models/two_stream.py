"""Two-stream networks for videos: one net sees a frame, another how its parts move, and they agree at the end.

Source: Simonyan & Zisserman 2014, "Two-stream convolutional networks for action recognition in videos",
arXiv:1406.2199; the streams are CNN-M-2048 of Chatfield, Simonyan, Vedaldi & Zisserman 2014, arXiv:1405.3531.
"""

import keras
from keras import layers

from kzoo.checks import is_integer, require
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.models.blocks import ceil_pool, classify, finish, hidden_layers, scaled, start, whole_numbers
from kzoo.models.registry import register_family

FILTERS = (96, 256, 512, 512, 512)
FUSIONS = ("average", "learned")


def stream(
    second_norm=True,
    fc_units=(4096, 2048),
    dropout=0.5,
    width=1.0,
    input_shape=(224, 224, 3),
    input_tensor=None,
    classes=101,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="two_stream_spatial",
):
    """Frames (B, 224, 224, 3), or stacks of flow (B, 224, 224, 2 L), the mean taken off -> probabilities (B, 101).

    Settings: second_norm, response normalisation after the second convolution too, as of the first, which the temporal
    stream has not; fc_units of the two hidden layers and their dropout; width, a factor of all filters. Layers: stage1
    ... stage5, fc6, fc7, predictions. The smallest input is 47 x 47.
    """
    x = inputs = start(name, input_shape, input_tensor, smallest=47)
    head = (include_top, classes, classifier_activation, pooling)
    x = _stream(name, x, "", second_norm, fc_units, dropout, width, head)
    return finish(name, inputs, x, weights)


def two_stream(
    frames=10,
    fusion="average",
    stacked=False,
    fc_units=(4096, 2048),
    dropout=(0.5, 0.9),
    width=1.0,
    input_shape=(224, 224, 3),
    input_tensor=None,
    classes=101,
    weights=None,
    classifier_activation="softmax",
    name="two_stream",
):
    """[frame (B, 224, 224, 3), flow (B, 224, 224, 2 L)] -> probabilities (B, 101): both streams, fused late.

    Settings: frames L of the flow, two maps each, across and down; fusion, "average" of both probabilities, or
    "learned", a dense layer on both, in the place of the paper's support vector machine; stacked, one input that has
    the flow's maps behind the frame's channels, input_shape (H, W, 3 + 2 L), instead of two; fc_units of both streams;
    dropout of each; width, a factor of all filters; input_shape of the frame, and input_tensor, if stacked. Layers:
    spatial_stage1 ..., temporal_..., predictions.
    """
    require(is_integer(frames, least=1), name, "frames, an integer above 0", frames=frames)
    require(fusion in FUSIONS, name, f"fusion, one of {FUSIONS}", fusion=fusion)
    pair = isinstance(dropout, (tuple, list)) and len(dropout) == 2
    require(pair, name, "dropout of both streams", dropout=dropout)
    require(isinstance(stacked, bool), name, "stacked, True or False", stacked=stacked)
    require(stacked or input_tensor is None, name, "input_tensor with stacked=True alone", input_tensor=input_tensor)
    x = start(name, input_shape, input_tensor, smallest=47)
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
    return finish(name, inputs, x, weights)


def _stream(who, x, prefix, second_norm, fc_units, dropout, width, head):
    whole_numbers(who, fc_units=fc_units)
    require(0 <= dropout < 1, who, "dropout, at least 0 and below 1", dropout=dropout)
    counts = scaled(who, FILTERS, width)
    for stage, (units, geometry) in enumerate(zip(counts, [(7, 2, 0), (5, 2, 1)] + [(3, 1, 1)] * 3), start=1):
        kernel, strides, padding = geometry
        pooled, label = stage in (1, 2, 5), f"{prefix}stage{stage}"
        more = {"strides": strides, "padding": padding, "activation": "relu"}
        x = Conv2D(units, kernel, name=f"{label}_conv" if pooled else label, **more)(x)
        if stage == 1 or (stage == 2 and second_norm):
            x = LocalResponseNormalization(name=f"{label}_norm")(x)
        x = ceil_pool(x, label) if pooled else x
    return classify(who, x, *head, hidden_layers(fc_units, dropout, 6, prefix), prefix)


register_family(
    stream,
    {
        "two_stream_spatial": {},
        "two_stream_temporal": {"second_norm": False, "dropout": 0.9, "input_shape": (224, 224, 20)},
        "cnn_m_2048": {"classes": 1000},
    },
)
register_family(two_stream, {"two_stream": {}})
