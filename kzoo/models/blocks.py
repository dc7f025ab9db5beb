"""What families share: the input, the top, and the checks of keras.applications' arguments."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from kzoo.checks import is_integer, is_number, require
from kzoo.layers.adaptive_average_pooling import AdaptiveAveragePooling2D
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.layers.max_pooling_with_argmax import MaxPoolingWithArgmax2D
from kzoo.models.weights import load_weights
from kzoo.types import Activation, Initializer, PathLike, Shape, Tensor


def check_integer(who: str, **settings: Any) -> None:
    """Refuses settings that are not integers above 0."""
    for setting, value in settings.items():
        require(is_integer(value, least=1), who, f"{setting}, an integer above 0", **{setting: value})


def check_integer_list(who: str, **settings: Any) -> None:
    """Refuses settings that are not lists of integers above 0."""
    for setting, values in settings.items():
        good = isinstance(values, (tuple, list)) and all(is_integer(n, least=1) for n in values)
        require(good, who, f"{setting}, a list of integers above 0", **{setting: values})


def check_rate(who: str, **rates: Any) -> None:
    """Refuses dropout rates that are not numbers in [0, 1)."""
    for setting, rate in rates.items():
        require(is_number(rate) and 0 <= rate < 1, who, f"{setting}, at least 0 and below 1", **{setting: rate})


def scale_filters(who: str, filters: Sequence[int], width: float, multiple: int = 1) -> list[int]:
    """Returns each number of filters times `width`, rounded to a multiple of `multiple` above 0.

    >>> scale_filters("vgg16", (64, 128), 0.1, multiple=4)
    [8, 12]
    """
    require(is_number(width) and width > 0, who, "width, a number above 0", width=width)
    return [max(1, round(n * width / multiple)) * multiple for n in filters]


def model_input(who: str, input_shape: Shape, input_tensor: Tensor | None = None, smallest: int = 1) -> Tensor:
    """Returns a new `keras.Input` of `input_shape`, or `input_tensor` if there is one.

    Refuses an `input_shape` with a side below `smallest`.
    """
    good = isinstance(input_shape, (tuple, list)) and all(n is None or is_integer(n, least=1) for n in input_shape)
    require(good, who, "input_shape, sizes above 0 or None", input_shape=input_shape)
    large = all(n is None or n >= smallest for n in input_shape[:-1])
    require(large, who, f"input_shape with sides of at least {smallest}", input_shape=tuple(input_shape))
    if input_tensor is None:
        return keras.Input(tuple(input_shape), name="input")
    require(isinstance(input_tensor, keras.KerasTensor), who, "input_tensor, a KerasTensor", input_tensor=input_tensor)
    return input_tensor


def build_model(
    who: str, inputs: Tensor | list[Tensor], outputs: Tensor | list[Tensor], weights: PathLike | None = None
) -> keras.Model:
    """Returns the functional model from `inputs` to `outputs`, with the weights of a file or run if given."""
    # found from `inputs`: a search from the outputs takes time exponential in the number of shortcuts
    sources = [source for tensor in keras.tree.flatten(inputs) for source in keras.utils.get_source_inputs(tensor)]
    model = keras.Model(sources if len(sources) > 1 else sources[0], outputs, name=who)
    return model if weights is None else load_weights(model, weights)


def ceil_pool(x: Tensor, name: str, size: int = 3, strides: int = 2, rectified: bool = True) -> Tensor:
    """Max-pools with output sizes rounded up, as Caffe and cuda-convnet do, so that windows may overhang the end.

    `rectified`: x has no negative values, so that zero padding never wins a window.
    """
    after = ((0, strides - 1), (0, strides - 1))
    if not rectified:
        return MaxPoolingWithArgmax2D(size, strides, padding=after, name=name)(x)[0]
    x = layers.ZeroPadding2D(after, name=f"{name}_pad")(x)
    return MaxPooling2D(size, strides, name=name)(x)


def gaussian(stddev: float, bias: float = 0.0, kernel_initializer: Initializer = None) -> dict[str, Any]:
    """Returns a layer's initializers: kernels from N(0, stddev^2), all biases `bias`; or `kernel_initializer` alone.

    They are identifiers, from which each layer builds its own: layers that share one object draw the same numbers.

    >>> keras.layers.Dense(3, **gaussian(0.01, bias=1)).kernel_initializer.stddev
    0.01
    """
    if kernel_initializer is not None:
        return {"kernel_initializer": kernel_initializer}
    return {
        "kernel_initializer": {"class_name": "RandomNormal", "config": {"stddev": stddev}},
        "bias_initializer": {"class_name": "Constant", "config": {"value": float(bias)}},
    }


def hidden_layers(
    fc_units: Sequence[int], dropout: float, first: int = 1, prefix: str = "", **settings: Any
) -> list[keras.layers.Layer]:
    """Returns dense ReLU layers fc1, fc2 ... (numbered from `first`) with `settings`, each followed by dropout."""
    parts = []
    for number, units in enumerate(fc_units, start=first):
        name = f"{prefix}fc{number}"
        parts += [layers.Dense(units, "relu", name=name, **settings), layers.Dropout(dropout, name=f"{name}_dropout")]
    return parts


def apply_layers(parts: Sequence[Callable[[Tensor], Tensor]], x: Tensor) -> Tensor:
    """Applies layers, or functions of a tensor, one after the other."""
    for part in parts:
        x = part(x)
    return x


def add_top(
    who: str,
    x: Tensor,
    include_top: bool,
    classes: int,
    classifier_activation: Activation,
    pooling: str | None,
    hidden: Sequence[Callable[[Tensor], Tensor]] = (),
    prefix: str = "",
    layer: Callable[..., Any] = layers.Dense,
    **settings: Any,
) -> Tensor:
    """Flattens x and applies `hidden` and a float32 `layer` of `classes` units; without the top see `pool_features`.

    `prefix` precedes the names of the layers; `settings` go to the last one.
    """
    if not include_top:
        return pool_features(who, x, pooling)
    check_top(who, classes, pooling)
    if len(x.shape) > 2:
        require(None not in x.shape[1:], who, "known sizes with include_top=True", shape=tuple(x.shape[1:]))
        x = layers.Flatten(name=f"{prefix}flatten")(x)
    x = apply_layers(hidden, x)
    # float32 whatever the policy: half-precision probabilities spoil the loss
    settings = {"dtype": "float32", "name": f"{prefix}predictions", **settings}
    return layer(classes, activation=classifier_activation, **settings)(x)


def add_convolutional_top(
    who: str,
    x: Tensor,
    include_top: bool,
    classes: int,
    classifier_activation: Activation,
    pooling: str | None,
    conv: Callable[[int], Callable[[Tensor], Tensor]],
) -> Tensor:
    """Applies `conv(classes)`, a convolution with one map per class, global average pooling and the activation.

    x may have any size. Without the top see `pool_features`.
    """
    if not include_top:
        return pool_features(who, x, pooling)
    check_top(who, classes, pooling)
    x = layers.GlobalAveragePooling2D(name="avg_pool")(conv(classes)(x))
    return layers.Activation(classifier_activation, dtype="float32", name="predictions")(x)


def average_maps(who: str, x: Tensor, average_to: int | None) -> Tensor:
    """Returns x pooled to `average_to` rows and columns, as before torchvision's dense layers; None keeps x."""
    if average_to is None:
        return x
    check_integer(who, average_to=average_to)
    size = (average_to,) * (len(x.shape) - 2)
    return x if tuple(x.shape[1:-1]) == size else AdaptiveAveragePooling2D(size, name="avg_pool")(x)


def check_top(who: str, classes: int, pooling: str | None) -> None:
    """Refuses a number of classes below 1 and an unknown pooling."""
    require(pooling in (None, "avg", "max"), who, "pooling, None, 'avg' or 'max'", pooling=pooling)
    require(is_integer(classes, least=1), who, "classes, an integer above 0", classes=classes)


def pool_features(who: str, x: Tensor, pooling: str | None) -> Tensor:
    """Returns x if `pooling` is None, or else its global "avg" or "max" pooling: a model's output without its top."""
    check_top(who, 1, pooling)
    rank = len(x.shape) - 2
    if pooling is None or rank == 0:
        return x
    kind = "Average" if pooling == "avg" else "Max"
    return getattr(layers, f"Global{kind}Pooling{rank}D")(name=f"{pooling}_pool")(x)
