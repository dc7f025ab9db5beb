"""The autoencoder that trains one layer: noise, the layer itself, a penalty on its outputs, a linear decoder.

Source: Vincent, Larochelle, Bengio & Manzagol 2008, "Extracting and composing robust features with denoising
autoencoders"; Rifai et al. 2011, "Contractive auto-encoders"; Masci, Meier, Ciresan & Schmidhuber 2011, "Stacked
convolutional auto-encoders for hierarchical feature extraction", for convolutions.
"""

import keras
from keras import ops

from kzoo.checks import is_number, nearest, require
from kzoo.layers.unscaled_dropout import UnscaledDropout
from kzoo.ops.contractive_penalty import SLOPES, contractive_penalty

CONVOLUTIONS = {
    keras.layers.Conv1D: (keras.layers.Conv1DTranspose, keras.layers.Cropping1D, keras.layers.ZeroPadding1D),
    keras.layers.Conv2D: (keras.layers.Conv2DTranspose, keras.layers.Cropping2D, keras.layers.ZeroPadding2D),
    keras.layers.Conv3D: (keras.layers.Conv3DTranspose, keras.layers.Cropping3D, keras.layers.ZeroPadding3D),
}
METHODS = {  # method: (setting, its default, the largest value)
    "denoising": ("noise", 0.3, 1.0),  # the probability that a number of the input is set to 0
    "contractive": ("rate", 0.1, float("inf")),  # times the squared Jacobian, relative to the squared error
    "sparse": ("rate", 1e-3, float("inf")),  # times the sum of absolute outputs
}


def layer_autoencoder(layer: keras.layers.Layer, method: str, learning_rate: float, **settings: float) -> keras.Model:
    """Returns a compiled autoencoder whose encoder is `layer`, itself and not a copy.

    Its inputs are those of the layer, its targets the same. The loss is the squared error of an example, halved as a
    Gaussian's, and the penalty of the method.
    Arguments: method, "denoising" (noise, the probability that a number of the input becomes 0), "contractive" (rate,
    of the squared Jacobian) or "sparse" (rate, of the sum of absolute outputs).
    Raises Refusal for other layers than Keras's Dense and convolutions without groups, for other settings, and for an
    activation whose slope does not follow from its value, where the method is contractive.
    """
    require(method in METHODS, "pretrain", f"method, {nearest(method, METHODS)}", method=method)
    name, default, most = METHODS[method]
    unknown = [setting for setting in settings if setting != name]
    require(not unknown, "pretrain", f"{name}, the only setting of {method}", settings=unknown)
    strength = settings.get(name, default)
    good = is_number(strength) and 0 <= strength < most
    require(good, "pretrain", f"{name}, a number of at least 0 and below {most:g}", **{name: strength})
    shape = tuple(layer.input.shape)[1:]
    x = inputs = keras.Input(shape)
    if method == "denoising":
        x = UnscaledDropout(strength, inference_scale=1.0)(x)
    y = layer(x)
    if method == "sparse":
        y = keras.layers.ActivityRegularization(l1=strength)(y)  # Keras divides by the batch
    elif method == "contractive":
        y = ContractivePenalty(layer, shape[:-1], strength)(y)
    model = keras.Model(inputs, _decode(layer, y, shape))
    model.compile(keras.optimizers.Adam(learning_rate), _half_squared_error)
    return model


def _half_squared_error(target, output):
    axes = tuple(range(1, len(target.shape)))
    return ops.sum(ops.square(target - output), axes) / 2


def _decode(layer, y, shape):
    """Returns a linear reconstruction of inputs of this shape from the outputs of a layer."""
    kind = next((kind for kind in CONVOLUTIONS if type(layer) is kind), None)
    if kind is None:
        dense = type(layer) is keras.layers.Dense
        expected = "Dense layers and convolutions of Keras"
        require(dense, "pretrain", expected, layer=layer.name, type=type(layer).__name__)
        return keras.layers.Dense(shape[-1])(y)
    plain = layer.groups == 1 and layer.data_format == "channels_last" and layer.padding in ("valid", "same")
    expected = "convolutions without groups, channels last, with padding valid or same"
    require(plain, "pretrain", expected, layer=layer.name, groups=layer.groups, padding=layer.padding)
    known = None not in shape
    require(known, "pretrain", "a model of known input size", input_shape=shape)
    transpose, crop, pad = CONVOLUTIONS[kind]
    geometry = {"strides": layer.strides, "padding": layer.padding, "dilation_rate": layer.dilation_rate}
    x = transpose(shape[-1], layer.kernel_size, **geometry)(y)
    more = [n - m for n, m in zip(shape, x.shape[1:-1])]  # rows that no window reaches, or that reach beyond the input
    for change, amounts in ((pad, [max(n, 0) for n in more]), (crop, [max(-n, 0) for n in more])):
        if any(amounts):
            pairs = [(0, n) for n in amounts]
            x = change(pairs[0] if len(pairs) == 1 else pairs)(x)
    return x


class ContractivePenalty(keras.layers.Layer):
    """Adds the mean contractive penalty of a layer to the loss; returns its input, the outputs of that layer.

    Arguments: layer, a Dense layer or convolution; input_size, the spatial size of its input; rate.
    """

    def __init__(self, layer: keras.layers.Layer, input_size: tuple, rate: float, **kwargs):
        super().__init__(**kwargs)
        self._encoder, self._rate = [layer], rate  # in a list, so that Keras does not count its weights twice
        activation = getattr(layer.activation, "__name__", "")
        expected = f"an activation among {', '.join(SLOPES)} for method contractive"
        require(activation in SLOPES, "pretrain", expected, layer=layer.name, activation=activation)
        self._given = {"activation": activation}
        if input_size:
            names = {"strides": "strides", "padding": "padding", "dilation_rate": "dilations"}
            self._given |= {ours: getattr(layer, theirs) for theirs, ours in names.items()}
            self._given["input_size"] = input_size

    def call(self, inputs):
        penalty = contractive_penalty(inputs, self._encoder[0].kernel, **self._given)
        self.add_loss(self._rate * ops.mean(penalty))
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape
