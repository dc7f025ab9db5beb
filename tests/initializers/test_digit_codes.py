"""DigitCodes: bitmaps of ten digits, codes of other sizes, config, errors."""

import keras
import numpy as np
import pytest

from kzoo.initializers import DigitCodes


def test_ten_pictures():
    """Only signs; any two digits differ in at least 14 pixels; 3 is nearer to 8 than to 1, as it looks more like it."""
    codes = np.asarray(DigitCodes()((84, 10)))
    assert set(np.unique(codes)) == {-1, 1}
    apart = (codes[:, :, None] != codes[:, None]).sum(0)
    assert apart[np.triu_indices(10, 1)].min() == 14 == apart[3, 8] and apart[3, 1] == 46
    one = codes[:, 1].reshape(12, 7)
    assert (one[-1] == [-1, 1, 1, 1, 1, 1, 1]).all()  # its foot
    np.testing.assert_array_equal(DigitCodes()((84, 4)), codes[:, :4])


@pytest.mark.parametrize("shape", [(84, 11), (20, 10)])
def test_other_sizes_are_random_signs(shape):
    codes = np.asarray(DigitCodes(seed=1)(shape))
    assert codes.shape == shape and set(np.unique(codes)) == {-1, 1} and abs(codes.mean()) < 0.3
    np.testing.assert_array_equal(DigitCodes(seed=1)(shape), codes)
    assert (np.asarray(DigitCodes(seed=2)(shape)) != codes).any()


def test_config():
    again = keras.initializers.deserialize(keras.initializers.serialize(DigitCodes(seed=3)))
    assert isinstance(again, DigitCodes) and again.seed == 3


def test_refuses():
    with pytest.raises(ValueError, match="DigitCodes expects seed, an integer of at least 0"):
        DigitCodes(seed=-1)
