"""What the layers of the convolution family share: their arguments, weights, shapes and the way to the op.

Source: none; arguments and defaults are those of `keras.layers.Conv2D`.
"""

import math

import keras

from kzoo.checks import is_integer, require
from kzoo.layers.data_format import as_data_format, from_last, shape_from_last, shape_to_last, to_last
from kzoo.ops.bias_add import bias_add
from kzoo.ops.views import as_tuple, window

NAMES = ("kernel_size", "strides", "padding", "dilation_rate")


class BaseConv(keras.layers.Layer):
    """One convolution-like layer: a subclass gives its rank, the tile of its kernels and its op.

    Weights: kernel `(*tile, *kernel_size, channels, filters)`, then, with `use_bias`, a bias shared as the kernels
    are, `(*tile, filters)`, or with `untied_bias` one for each output cell, `(*output, filters)`.
    """

    rank = None
    groups = 1

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        untied_bias=False,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        who = type(self).__name__
        require(is_integer(filters, least=1), who, "filters, an integer above 0", filters=filters)
        self.filters = int(filters)
        self.kernel_size = as_tuple(who, "kernel_size", kernel_size, self.rank)
        self.strides = as_tuple(who, "strides", strides, self.rank)
        self.padding = as_plain(padding)
        self.dilation_rate = as_tuple(who, "dilation_rate", dilation_rate, self.rank)
        self.window = window(who, self.rank, self.kernel_size, self.strides, padding, self.dilation_rate, NAMES)
        self.data_format = as_data_format(who, data_format)
        self.activation = keras.activations.get(activation)
        self.use_bias = bool(use_bias)
        self.untied_bias = bool(untied_bias)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)

    def op(self, x, kernel):
        """The family's op on channels-last tensors."""
        raise NotImplementedError

    def kernel_tile(self, output):
        """How many kernels there are on each axis, for an output of this size: () where all positions share one."""
        return ()

    def build(self, input_shape):
        who, shape = type(self).__name__, shape_to_last(type(self).__name__, input_shape, self.rank, self.data_format)
        channels = shape[-1]
        require(channels is not None, who, "a known number of channels", input_shape=tuple(input_shape))
        output = shape_to_last(who, self.compute_output_shape(input_shape), self.rank, self.data_format)[1:-1]
        tile = self.kernel_tile(output)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*tile, *self.kernel_size, channels // self.groups, self.filters),
            initializer=each_of(math.prod(tile), self.kernel_initializer),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            if self.untied_bias:
                known = None not in output
                require(known, who, "known spatial sizes with untied_bias=True", input_shape=tuple(input_shape))
            self.bias = self.add_weight(
                name="bias",
                shape=(*(output if self.untied_bias else tile), self.filters),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        axis = -1 if self.data_format == "channels_last" else 1
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2, axes={axis: channels})

    def call(self, inputs):
        y = self.op(to_last(inputs, self.data_format), self.kernel)
        if self.bias is not None:
            y = bias_add(y, self.bias)
        return from_last(self.activation(y), self.data_format)  # channels last here, so softmax is over channels

    def compute_output_shape(self, input_shape):
        who = type(self).__name__
        shape = shape_to_last(who, input_shape, self.rank, self.data_format)
        self.window.check(who, shape[1:-1])
        return shape_from_last((shape[0], *self.window.output(shape[1:-1]), self.filters), self.data_format)

    def get_config(self):
        config = {name: getattr(self, name) for name in ("filters", *NAMES, "data_format", "use_bias", "untied_bias")}
        config["activation"] = keras.activations.serialize(self.activation)
        for part in ("kernel", "bias"):
            config[f"{part}_initializer"] = keras.initializers.serialize(getattr(self, f"{part}_initializer"))
            config[f"{part}_regularizer"] = keras.regularizers.serialize(getattr(self, f"{part}_regularizer"))
            config[f"{part}_constraint"] = keras.constraints.serialize(getattr(self, f"{part}_constraint"))
        config["activity_regularizer"] = keras.regularizers.serialize(self.activity_regularizer)
        return {**super().get_config(), **config}


def as_plain(padding):
    """Lists, as a config file has them, to tuples, and NumPy's integers to Python's."""
    if isinstance(padding, (list, tuple)):
        return tuple(map(as_plain, padding))
    return int(padding) if is_integer(padding) else padding


def each_of(count, initializer):
    """An initialiser that starts each of `count` kernels as the given one would start a kernel alone.

    Initialisers that scale by the fan would count all kernels into it, and start them too small by the root of it.
    """
    if count == 1 or not isinstance(initializer, keras.initializers.VarianceScaling):
        return initializer
    return lambda shape, dtype=None: initializer(shape, dtype) * count**0.5
