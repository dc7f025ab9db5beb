"""Conversion of Keras 2's kernels: each entry of each layout is placed at its connection."""

import contextlib

import numpy as np
import pytest

from kzoo.layers.keras_2_weights import bias_from_keras_2, check_same, kernel_from_keras_2
from kzoo.ops.views import window


def read(values, spatial, shape, data_format="channels_last", padding="valid"):
    rank = len(spatial)
    win = window("test", rank, shape[rank : 2 * rank], 1, padding, 1)
    return kernel_from_keras_2("Layer", np.asarray(values), spatial, shape, win, data_format)


def test_layout_1_is_a_matrix_for_each_position():
    """3 pixels, a kernel of 2, 2 channels, 1 filter: rows are pixel by pixel, or channel by channel."""
    values = np.arange(8.0).reshape(2, 4, 1)
    np.testing.assert_array_equal(read(values, (3,), (2, 2, 2, 1))[1, ..., 0], [[4, 5], [6, 7]])
    np.testing.assert_array_equal(read(values, (3,), (2, 2, 2, 1), "channels_first")[1, ..., 0], [[4, 6], [5, 7]])


def test_layout_2_is_dense():
    """(3 pixels, 1 channel, 2 positions, 1 filter): position p reads pixels p and p + 1."""
    values = np.arange(6.0).reshape(3, 1, 2, 1)
    np.testing.assert_array_equal(read(values, (3,), (2, 2, 1, 1))[..., 0, 0], [[0, 2], [3, 5]])
    first = np.arange(6.0).reshape(1, 3, 1, 2)
    np.testing.assert_array_equal(read(first, (3,), (2, 2, 1, 1), "channels_first")[..., 0, 0], [[0, 2], [3, 5]])


def test_layout_3_is_sorted_by_output_and_input():
    """Two positions, two filters, kernel of 2: position, filter, tap; with channels first filter, position, tap."""
    values = np.arange(8.0)
    np.testing.assert_array_equal(read(values, (3,), (2, 2, 1, 2))[:, :, 0, 1], [[2, 3], [6, 7]])
    np.testing.assert_array_equal(read(values, (3,), (2, 2, 1, 2), "channels_first")[:, :, 0, 1], [[4, 5], [6, 7]])


def test_taps_in_the_padding_have_no_weight():
    """Kernel of 3 on 2 pixels, "same": the first position lacks its first tap, the last its last."""
    np.testing.assert_array_equal(
        read(np.arange(1.0, 5.0), (2,), (2, 3, 1, 1), padding="same")[..., 0, 0], [[0, 1, 2], [3, 4, 0]]
    )


def test_bias_with_channels_first_was_reshaped():
    """3 positions, 2 filters: the six numbers are filter 0 at three positions, then filter 1."""
    bias = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(bias_from_keras_2(bias, "channels_first"), [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(bias_from_keras_2(bias, "channels_last"), bias)


def test_refuses_what_is_no_layout():
    with pytest.raises(ValueError, match=r"Layer expects a kernel of shape .*Keras 2's: .*; received shape=\(9,\)"):
        read(np.zeros(9), (3,), (2, 2, 1, 2))


@pytest.mark.parametrize("n, k, s, agree", [(7, 3, 1, True), (7, 4, 1, False), (8, 3, 2, False), (7, 3, 2, True)])
def test_same_is_not_always_keras_2s(n, k, s, agree):
    win = window("test", 1, k, s, "same", 1)
    refusal = pytest.raises(ValueError, match=r"Layer expects for these weights padding=\(\(.*received padding='same'")
    with contextlib.nullcontext() if agree else refusal:
        check_same("Layer", (n,), win)
