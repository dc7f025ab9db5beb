"""Base classes of the convolution layers: arguments, weights, shapes and the call of the op.

Arguments and defaults are those of `keras.layers.Conv2D`.
"""

import math
from typing import Any

import keras

from kzoo.checks import as_bool, is_integer, require
from kzoo.layers.base_window import BaseWindow
from kzoo.layers.data_format import from_channels_last, to_channels_last
from kzoo.layers.identifiers import set_identified
from kzoo.ops.bias_add import bias_add
from kzoo.types import (
    Activation,
    Constraint,
    DataFormat,
    Initializer,
    KnownShape,
    Padding,
    Regularizer,
    Shape,
    Size,
    Tensor,
)


class BaseFilters(BaseWindow):
    """Filters over sliding windows, then a bias and an activation. Subclasses define rank, op and the kernels' weights.

    Weights: those of `build_kernel`; then, with `use_bias`, a bias. It is shared in the same way as the kernels,
    `(*tile, filters)`, or with `untied_bias` there is one for each output position, `(*output, filters)`.
    """

    size_name = "kernel_size"

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        activation: Activation = None,
        use_bias: bool = True,
        bias_initializer: Initializer = "zeros",
        bias_regularizer: Regularizer = None,
        activity_regularizer: Regularizer = None,
        bias_constraint: Constraint = None,
        untied_bias: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        require(is_integer(filters, least=1), type(self).__name__, "filters, an integer above 0", filters=filters)
        self.filters = int(filters)
        self.set_window(kernel_size, strides, padding, dilation_rate, data_format)
        self.use_bias = as_bool(type(self).__name__, use_bias=use_bias)
        self.untied_bias = as_bool(type(self).__name__, untied_bias=untied_bias)
        set_identified(
            self,
            activation=activation,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            bias_constraint=bias_constraint,
            activity_regularizer=activity_regularizer,
        )

    def op(self, x):
        """Returns the filters' responses to channels-last x, without the bias."""
        raise NotImplementedError

    def build_kernel(self, channels, output):
        """Creates the kernel weights, for this number of input channels and an output of this spatial size."""
        raise NotImplementedError

    def kernel_tile(self, output):
        """Returns the number of different kernels along each axis, or () where all positions share one kernel."""
        return ()

    def build(self, input_shape):
        who, channels = type(self).__name__, self.channels_last_shape(input_shape)[-1]
        require(channels is not None, who, "a known number of channels", input_shape=tuple(input_shape))
        output = self.channels_last_shape(self.compute_output_shape(input_shape))[1:-1]
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

    def call(self, inputs: Tensor) -> Tensor:
        y = self.op_with_bias(to_channels_last(inputs, self.data_format))
        y = self.activation(y)  # channels last, so that softmax is over channels
        return from_channels_last(y, self.data_format)

    def op_with_bias(self, x):
        """Returns the op's output plus the bias. Overridden where the op adds the bias itself."""
        y = self.op(x)
        return y if self.bias is None else bias_add(y, self.bias)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        self.window.check(type(self).__name__, self.channels_last_shape(input_shape)[1:-1])
        return self.output_shape(input_shape, self.filters)

    def products(self, channels: int) -> int:
        """Returns how many products an output position costs, for this many input channels."""
        raise NotImplementedError

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        """Returns two operations for each product at each position."""
        positions = math.prod(self.channels_last_shape(output_shapes[0])[1:-1])
        return 2 * positions * self.products(self.channels_last_shape(input_shapes[0])[-1])

    def get_config(self):
        config = {name: getattr(self, name) for name in ("filters", "use_bias", "untied_bias")}
        config["activation"] = keras.activations.serialize(self.activation)
        config["activity_regularizer"] = keras.regularizers.serialize(self.activity_regularizer)
        return {**super().get_config(), **config, **weight_config(self, "bias")}


class BaseConv(BaseFilters):
    """Filters with a freely trained kernel, `(*tile, *kernel_size, channels / groups, filters)`."""

    groups = 1

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        activation: Activation = None,
        use_bias: bool = True,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        kernel_regularizer: Regularizer = None,
        bias_regularizer: Regularizer = None,
        activity_regularizer: Regularizer = None,
        kernel_constraint: Constraint = None,
        bias_constraint: Constraint = None,
        untied_bias: bool = False,
        **kwargs: Any,
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
        set_identified(
            self,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
        )

    def build_kernel(self, channels, output, **options):
        tile = self.kernel_tile(output)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*tile, *self.kernel_size, channels // self.groups, self.filters),
            initializer=per_kernel(math.prod(tile), self.kernel_initializer),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            **options,
        )

    def products(self, channels: int) -> int:
        return math.prod(self.kernel_size) * (channels // self.groups) * self.filters

    def get_config(self):
        return {**super().get_config(), **weight_config(self, "kernel")}


def weight_config(layer, part):
    """Returns the configs of a weight's initializer, regularizer and constraint, keyed by argument name."""
    return {
        f"{part}_{kind}": module.serialize(getattr(layer, f"{part}_{kind}"))
        for kind, module in (
            ("initializer", keras.initializers),
            ("regularizer", keras.regularizers),
            ("constraint", keras.constraints),
        )
    }


def per_kernel(count, initializer):
    """Returns an initializer that draws each of `count` stacked kernels as if it were the only one.

    Variance-scaling initializers compute their fans from the whole shape. With all kernels counted, the weights would
    be too small by a factor of sqrt(count).
    """
    if count == 1 or not isinstance(initializer, keras.initializers.VarianceScaling):
        return initializer
    return lambda shape, dtype=None: initializer(shape, dtype) * count**0.5
