"""What the layers of the convolution family share: their arguments, weights, shapes and the way to the op.

Source: none; arguments and defaults are those of `keras.layers.Conv2D`.
"""

import math

import keras

from kzoo.checks import is_integer, require
from kzoo.layers.base_window import BaseWindow
from kzoo.layers.data_format import from_last, to_last
from kzoo.ops.bias_add import bias_add


class BaseFilters(BaseWindow):
    """Filters over sliding windows, then a bias and an activation: a subclass gives rank, op, and its kernels' weights.

    Weights: those of `build_kernel`; then, with `use_bias`, a bias shared as the kernels are, `(*tile, filters)`, or
    with `untied_bias` one for each output cell, `(*output, filters)`.
    """

    size_name = "kernel_size"

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
        bias_initializer="zeros",
        bias_regularizer=None,
        activity_regularizer=None,
        bias_constraint=None,
        untied_bias=False,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        require(is_integer(filters, least=1), type(self).__name__, "filters, an integer above 0", filters=filters)
        self.filters = int(filters)
        self.set_window(kernel_size, strides, padding, dilation_rate, data_format)
        self.activation = keras.activations.get(activation)
        self.use_bias = bool(use_bias)
        self.untied_bias = bool(untied_bias)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.bias_constraint = keras.constraints.get(bias_constraint)

    def op(self, x):
        """The family's op on channels-last tensors."""
        raise NotImplementedError

    def build_kernel(self, channels, output):
        """Make the weights before the bias, for this many input channels and an output of this size."""
        raise NotImplementedError

    def kernel_tile(self, output):
        """How many kernels there are on each axis, for an output of this size: () where all positions share one."""
        return ()

    def build(self, input_shape):
        who, channels = type(self).__name__, self.last_shape(input_shape)[-1]
        require(channels is not None, who, "a known number of channels", input_shape=tuple(input_shape))
        output = self.last_shape(self.compute_output_shape(input_shape))[1:-1]
        self.build_kernel(channels, output)
        self.bias = None
        if self.use_bias:
            if self.untied_bias:
                known = None not in output
                require(known, who, "known spatial sizes with untied_bias=True", input_shape=tuple(input_shape))
            self.bias = self.add_weight(
                name="bias",
                shape=(*(output if self.untied_bias else self.kernel_tile(output)), self.filters),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        axis = -1 if self.data_format == "channels_last" else 1
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2, axes={axis: channels})

    def call(self, inputs):
        y = self.biased(to_last(inputs, self.data_format))
        return from_last(self.activation(y), self.data_format)  # channels last here, so softmax is over channels

    def biased(self, x):
        """The op, then the bias; an op that adds it itself does both."""
        y = self.op(x)
        return y if self.bias is None else bias_add(y, self.bias)

    def compute_output_shape(self, input_shape):
        self.window.check(type(self).__name__, self.last_shape(input_shape)[1:-1])
        return self.output_shape(input_shape, self.filters)

    def get_config(self):
        config = {name: getattr(self, name) for name in ("filters", "use_bias", "untied_bias")}
        config["activation"] = keras.activations.serialize(self.activation)
        config["activity_regularizer"] = keras.regularizers.serialize(self.activity_regularizer)
        return {**super().get_config(), **config, **serialized(self, "bias")}


class BaseConv(BaseFilters):
    """Filters with a kernel of free weights, `(*tile, *kernel_size, channels / groups, filters)`."""

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
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer,
            bias_regularizer,
            activity_regularizer,
            bias_constraint,
            untied_bias,
            **kwargs,
        )
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)

    def build_kernel(self, channels, output):
        tile = self.kernel_tile(output)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*tile, *self.kernel_size, channels // self.groups, self.filters),
            initializer=each_of(math.prod(tile), self.kernel_initializer),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )

    def get_config(self):
        return {**super().get_config(), **serialized(self, "kernel")}


def serialized(layer, part):
    """The configs of a weight's initialiser, regulariser and constraint, by their arguments' names."""
    return {
        f"{part}_{kind}": module.serialize(getattr(layer, f"{part}_{kind}"))
        for kind, module in (
            ("initializer", keras.initializers),
            ("regularizer", keras.regularizers),
            ("constraint", keras.constraints),
        )
    }


def each_of(count, initializer):
    """An initialiser that starts each of `count` kernels as the given one would start a kernel alone.

    Initialisers that scale by the fan would count all kernels into it, and start them too small by the root of it.
    """
    if count == 1 or not isinstance(initializer, keras.initializers.VarianceScaling):
        return initializer
    return lambda shape, dtype=None: initializer(shape, dtype) * count**0.5
