"""Relative differences, also of zeros, NaN and other shapes."""

import numpy as np

from kzoo.export.comparison import max_difference, relative_differences


def test_max_difference():
    assert max_difference(np.array([0.0, 4.0]), np.array([1.0, 4.0])) == 0.25
    assert max_difference(np.zeros(3), np.zeros(3)) == 0 and np.isnan(max_difference([1.0], [np.nan]))
    assert max_difference(np.array([-8.0]), np.array([-6.0])) == 0.25
    assert max_difference(np.zeros((2, 1)), np.zeros((1, 2))) == np.inf and max_difference([], []) == 0


def test_scale():
    assert relative_differences([1.0, 2.0], [1.5, 2.0], scale=5).tolist() == [0.1, 0.0]
