"""Convolution with a connection table: each output map reads some of the input maps, and has weights for these only.

Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", section II.B
and table I.
"""

from collections.abc import Sequence

import numpy as np
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops.backend import tensors
from kzoo.ops.conv import conv
from kzoo.types import Padding, Size, Tensor


def table_conv(
    x: Tensor,
    kernel: Tensor,
    connections: Sequence[Sequence[int]],
    strides: Size = 1,
    padding: Padding = "valid",
    dilations: Size = 1,
    bias: Tensor | None = None,
) -> Tensor:
    """Returns the convolution of x with a kernel that has weights only for the links of a table.

    Shapes: x (B, *spatial, C), in 1 to 3 spatial axes, kernel (*size, links); returns (B, *output, F).
    connections: for each of F output maps the input maps that it reads, at least one, each at most once; the kernel's
    links are in that order. padding, bias: as `conv`.

    >>> x = [[[1.0, 10.0, 100.0]]]
    >>> table_conv(x, [[1.0, 1.0, 2.0]], [[0, 1], [2]]).numpy()
    array([[[ 11., 200.]]], dtype=float32)
    """
    who = "table_conv"
    x, kernel = tensors(who, "TableConv{}D", x, kernel)
    channels = x.shape[-1] if len(x.shape) else None
    require(channels is not None, who, "a known number of channels", shape=tuple(x.shape))
    table = check_table(who, connections, channels)
    links = sum(map(len, table))
    fits = len(kernel.shape) == len(x.shape) - 1 and kernel.shape[-1] == links
    require(
        fits, who, f"kernel (*size, {links}), one weight for each link", x=tuple(x.shape), kernel=tuple(kernel.shape)
    )
    return conv(x, _dense_kernel(kernel, table, channels), strides, padding, dilations, bias)


def _dense_kernel(kernel, table, channels):
    """Returns the kernel (*size, C, F) with zeros where the table has no link.

    The gradient is a gather too, as each link is one entry of that kernel; TensorFlow's own would be a scatter.
    """
    inputs = np.concatenate(table).astype("int32")
    outputs = np.repeat(np.arange(len(table)), [len(maps) for maps in table])
    links = np.full((channels, len(table)), len(inputs), "int32")  # pairs without a link read the zero appended last
    links[inputs, outputs] = np.arange(len(inputs))
    linked = (inputs * len(table) + outputs).astype("int32")

    @ops.custom_gradient
    def fill(kernel):
        def gradient(dy):
            return ops.take(ops.reshape(dy, (*kernel.shape[:-1], links.size)), linked, axis=-1)

        filled = ops.pad(kernel, [(0, 0)] * (len(kernel.shape) - 1) + [(0, 1)])
        return ops.take(filled, links, axis=-1), gradient

    return fill(kernel)


def check_table(who, connections, channels=None):
    """Returns the table as tuples of integers; raises a ValueError if it names a map beyond the channels."""
    several = isinstance(connections, (tuple, list)) and len(connections) > 0
    several = several and all(isinstance(maps, (tuple, list)) and len(maps) > 0 for maps in connections)
    expected = "connections, for each output map a list of the input maps it reads"
    require(several, who, expected, connections=connections)
    for output, maps in enumerate(connections):
        good = all(is_integer(n, least=0) and (channels is None or n < channels) for n in maps)
        most = "" if channels is None else f" below {channels}"
        require(good, who, f"connections, numbers of input maps{most}", **{f"connections[{output}]": maps})
        require(len(set(maps)) == len(maps), who, "no input map twice", **{f"connections[{output}]": maps})
    return tuple(tuple(map(int, maps)) for maps in connections)


def random_table(channels, filters, connections, seed):
    """Returns a table in which each of `filters` output maps reads `connections` input maps, drawn at random.

    >>> random_table(4, 2, 4, seed=0)
    ((0, 1, 2, 3), (0, 1, 2, 3))
    """
    draw = np.random.default_rng(seed)
    maps = [np.sort(draw.choice(channels, connections, replace=False)) for _ in range(filters)]
    return tuple(tuple(map(int, row)) for row in maps)
