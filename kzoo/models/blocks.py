"""What two families share: the way in, the way out, and the checks of keras.applications' arguments.

Source: none; the arguments' meaning is that of `keras.applications`.
"""

import keras
from keras import layers

from kzoo.checks import is_integer, is_number, require
from kzoo.layers.max_pooling_with_argmax import MaxPoolingWithArgmax2D
from kzoo.models.weights import load_weights


def start(who, input_shape, input_tensor=None, smallest=1):
    """The tensor a family begins with: a fresh input, or `input_tensor` of that shape; no side below `smallest`."""
    good = isinstance(input_shape, (tuple, list)) and all(n is None or is_integer(n, least=1) for n in input_shape)
    require(good, who, "input_shape, sizes above 0 or None", input_shape=input_shape)
    large = all(n is None or n >= smallest for n in input_shape[:-1])
    require(large, who, f"input_shape with sides of at least {smallest}", input_shape=tuple(input_shape))
    if input_tensor is None:
        return keras.Input(tuple(input_shape), name="input")
    require(isinstance(input_tensor, keras.KerasTensor), who, "input_tensor, a KerasTensor", input_tensor=input_tensor)
    return input_tensor


def whole_numbers(who, **settings):
    """Refuse settings that are not lists of integers above 0."""
    for setting, values in settings.items():
        good = isinstance(values, (tuple, list)) and all(is_integer(n, least=1) for n in values)
        require(good, who, f"{setting}, a list of integers above 0", **{setting: values})


def whole_number(who, **settings):
    """Refuse settings that are not integers above 0."""
    for setting, value in settings.items():
        require(is_integer(value, least=1), who, f"{setting}, an integer above 0", **{setting: value})


def scaled(who, filters, width, multiple=1):
    """Numbers of filters times `width`, each a multiple of `multiple` above 0.

    >>> scaled("vgg16", (64, 128), 0.1, multiple=4)
    [8, 12]
    """
    require(is_number(width) and width > 0, who, "width, a number above 0", width=width)
    return [max(1, round(n * width / multiple)) * multiple for n in filters]


def ceil_pool(x, label, size=3, strides=2, rectified=True):
    """Max pooling that rounds sizes up, as Caffe and cuda-convnet do: windows may end in cells that never win."""
    after = ((0, strides - 1), (0, strides - 1))
    if not rectified:
        return MaxPoolingWithArgmax2D(size, strides, padding=after, name=label)(x)[0]
    x = layers.ZeroPadding2D(after, name=f"{label}_pad")(x)  # a zero wins nothing from rectified maps
    return layers.MaxPooling2D(size, strides, name=label)(x)


def hidden_layers(fc_units, dropout, first=1, prefix=""):
    """Dense layers fc1, fc2 ..., or from `first` on, each with dropout behind."""
    parts = []
    for place, units in enumerate(fc_units, start=first):
        label = f"{prefix}fc{place}"
        parts += [layers.Dense(units, "relu", name=label), layers.Dropout(dropout, name=f"{label}_dropout")]
    return parts


def apply(parts, x):
    """Functions of a tensor, one after the other."""
    for part in parts:
        x = part(x)
    return x


def classify(
    who, x, include_top, classes, classifier_activation, pooling, hidden=(), prefix="", layer=layers.Dense, **more
):
    """The way out: Flatten, `hidden` (functions of a tensor) and a float32 `layer` of `classes` units.

    Without the top: x itself, or its global "avg" or "max" pooling. `prefix` goes before the layers' names, `more` to
    the last layer.
    """
    if not include_top:
        return without_top(who, x, pooling)
    check_top(who, classes, pooling)
    if len(x.shape) > 2:
        require(None not in x.shape[1:], who, "known sizes with include_top=True", shape=tuple(x.shape[1:]))
        x = layers.Flatten(name=f"{prefix}flatten")(x)
    x = apply(hidden, x)
    # float32 whatever the policy: half-precision probabilities spoil the loss
    more = {"dtype": "float32", "name": f"{prefix}predictions", **more}
    return layer(classes, activation=classifier_activation, **more)(x)


def average(who, x, include_top, classes, classifier_activation, pooling, conv):
    """The way out of nets whose last convolution has a map a class: `conv` of so many, their means, the activation.

    Any size of x. Without the top as `classify`.
    """
    if not include_top:
        return without_top(who, x, pooling)
    check_top(who, classes, pooling)
    x = layers.GlobalAveragePooling2D(name="avg_pool")(conv(classes)(x))
    return layers.Activation(classifier_activation, dtype="float32", name="predictions")(x)


def check_top(who, classes, pooling):
    """Refuse a number of classes or a pooling that there is not."""
    require(pooling in (None, "avg", "max"), who, "pooling, None, 'avg' or 'max'", pooling=pooling)
    require(is_integer(classes, least=1), who, "classes, an integer above 0", classes=classes)


def without_top(who, x, pooling):
    """The maps x themselves, or their global "avg" or "max" pooling."""
    check_top(who, 1, pooling)
    rank = len(x.shape) - 2
    if pooling is None or rank == 0:
        return x
    kind = "Average" if pooling == "avg" else "Max"
    return getattr(layers, f"Global{kind}Pooling{rank}D")(name=f"{pooling}_pool")(x)


def finish(who, inputs, outputs, weights=None):
    """The functional model from `start`'s tensor, or what that is made of, with a file's or run's weights if named."""
    # of the outputs it would take exponentially long behind shortcuts
    sources = [source for tensor in keras.tree.flatten(inputs) for source in keras.utils.get_source_inputs(tensor)]
    net = keras.Model(sources if len(sources) > 1 else sources[0], outputs, name=who)
    return net if weights is None else load_weights(net, weights)
