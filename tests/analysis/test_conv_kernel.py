"""Kernels of all kinds of convolution in one form, and what their taps read, against counts by hand."""

import numpy as np
import pytest
from keras import layers as K

from kzoo.analysis.conv_kernel import conv_kernel, tap_reads
from kzoo.layers import Conv1D, Conv2D, GaborConv2D, LocallyConnected2D, TableConv1D, TiledConv2D


@pytest.mark.parametrize(
    "layer, shape, weights, links",
    [
        (Conv1D(2, 3), (8, 1), (1, 3, 2), [[0, 1]]),
        (Conv1D(2, 3, groups=2), (8, 4), (1, 3, 4), [[0, -1], [2, -1], [-1, 1], [-1, 3]]),
        (TableConv1D(2, 3, connections=[[1], [0, 1]]), (8, 2), (1, 3, 3), [[-1, 1], [0, 2]]),
        (TiledConv2D(1, 3, tile=(2, 1)), (8, 8, 2), (2, 1, 9, 2), [[0], [1]]),
        (LocallyConnected2D(1, 3), (5, 6, 1), (3, 4, 9, 1), [[0]]),
        (K.DepthwiseConv2D(2, depth_multiplier=2), (4, 4, 2), (1, 1, 4, 4), [[0, 1, -1, -1], [-1, -1, 2, 3]]),
        (K.Conv1DTranspose(2, 3), (8, 3), (1, 3, 6), [[0, 3], [1, 4], [2, 5]]),
        (GaborConv2D(2, 3), (8, 8, 2), (1, 1, 9, 2), [[0, 1], [0, 1]]),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_kernels(layer, shape, weights, links):
    layer.build((None, *shape))
    kernel = conv_kernel(layer)
    assert kernel.weights.shape == weights and kernel.links.tolist() == links


def test_reads():
    assert tap_reads(Conv1D(1, 2, 2, "circular", dilation_rate=2), (4,)).tolist() == [[0, 2], [2, 0]]
    assert tap_reads(Conv1D(1, 3, padding="reflect"), (3,)).tolist() == [[1, 0, 1], [0, 1, 2], [1, 2, 1]]
    assert tap_reads(K.Conv1DTranspose(1, 3, 2), (2,)).tolist() == [
        [0, -1, -1],
        [-1, 0, -1],
        [1, -1, 0],
        [-1, 1, -1],
        [-1, -1, 1],
    ]
    rows = tap_reads(Conv2D(1, 2), (3, 4))
    np.testing.assert_array_equal(rows[1, 2], [6, 7, 10, 11])
