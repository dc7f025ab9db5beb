"""IdentityKernel: its formula, its noise, config, errors."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.initializers.identity_kernel import IdentityKernel


def test_formula():
    """The centre tap is maps / channels where floor(a maps / channels) = floor(b maps / filters), otherwise 0."""
    maps, channels, filters = 3, 6, 12
    kernel = np.array(IdentityKernel(maps)((3, 5, channels, filters)))
    for a, b in np.ndindex(channels, filters):
        want = maps / channels if a * maps // channels == b * maps // filters else 0
        assert kernel[1, 2, a, b] == np.float32(want)
    kernel[1, 2] = 0
    assert not kernel.any()


def test_noise():
    kernel = np.array(IdentityKernel(4, stddev=0.01, seed=1)((3, 3, 64, 128)))
    assert abs(kernel[0].std() - 0.01 * 4 / 128) < 1e-5
    np.testing.assert_array_equal(kernel, IdentityKernel(4, stddev=0.01, seed=1)((3, 3, 64, 128)))


def test_config():
    first = IdentityKernel(2, stddev=0.1)
    again = keras.initializers.deserialize(keras.initializers.serialize(first))
    np.testing.assert_array_equal(again((3, 2, 4)), first((3, 2, 4)))


@pytest.mark.parametrize("settings, words", [({"maps": 0}, "maps"), ({"maps": 2, "stddev": -1}, "stddev")], ids=str)
def test_refused(settings, words):
    with pytest.raises(Refusal, match=words):
        IdentityKernel(**settings)
    with pytest.raises(Refusal, match="divisible by 2"):
        IdentityKernel(2)((3, 3, 4))
