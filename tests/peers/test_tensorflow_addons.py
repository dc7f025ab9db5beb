"""Compares maxout with that of TensorFlow Addons, where it is installed."""

import numpy as np
import pytest

from kzoo import ops
from tests.ops.cases import normal

pytestmark = pytest.mark.peers
PEER = "TensorFlow Addons"
NEEDS = {"tfa": "tensorflow_addons"}
tfa = None  # set by the conftest


@pytest.mark.parametrize("axis", [1, -1])
def test_maxout(compare, axis):
    rng = np.random.default_rng(0)
    for units, pieces in rng.integers(1, 6, (25, 2)).tolist():
        shape = [2, 3, 4, 5]
        shape[axis] = units * pieces
        x = normal(rng, *shape)
        compare("maxout", ops.maxout(x, units, axis), tfa.layers.Maxout(units, axis)(x), setting=(units, shape))
