"""The refusals of epsilon and of weights for the channels, which four ops and layers share."""

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.ops.norm_arguments import check_channel_weights, check_epsilon


@pytest.mark.parametrize("epsilon", [0, -1e-3, float("nan"), float("inf"), True, "1e-3", None])
def test_epsilon_is_a_number_above_0(epsilon):
    with pytest.raises(Refusal, match="^norm expects epsilon, a number above 0; received epsilon="):
        check_epsilon("norm", epsilon)


@pytest.mark.parametrize("epsilon", [1e-30, 1, np.float32(1e-3)])
def test_small_numbers_are_accepted(epsilon):
    check_epsilon("norm", epsilon)


def test_weights_have_the_shape_of_the_channels():
    x = np.zeros((2, 5, 3))
    check_channel_weights("norm", x, gamma=np.ones(3), tau=None)
    with pytest.raises(Refusal, match=r"norm expects beta of shape \(C,\); received x=\(2, 5, 3\), beta=\(1,\)"):
        check_channel_weights("norm", x, gamma=np.ones(3), beta=np.ones(1))
