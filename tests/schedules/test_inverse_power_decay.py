"""InversePowerDecay: Caffe's formula, Keras's InverseTimeDecay, errors."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.schedules import InversePowerDecay
from tests.schedules.schedule_checks import check_schedule


def test_of_lenet():
    """base_lr 0.01, gamma 0.0001, power 0.75: Caffe's lenet_solver.prototxt."""
    wanted = {step: 0.01 * (1 + 0.0001 * step) ** -0.75 for step in (0, 1, 99, 5000, 10_000)}
    config = {"initial_learning_rate": 0.01, "decay_steps": 10_000, "power": 0.75}
    check_schedule(InversePowerDecay(0.01, 10_000, 0.75), config, wanted)


def test_of_power_one():
    known = keras.optimizers.schedules.InverseTimeDecay(0.3, 7, 1.0)
    for step in range(0, 30, 5):
        np.testing.assert_allclose(InversePowerDecay(0.3, 7)(step), known(step), rtol=1e-6)


@pytest.mark.parametrize(
    "settings, words",
    [
        ((-1, 5), "initial_learning_rate, a number of at least 0; received initial_learning_rate=-1"),
        ((0.1, 0), "decay_steps, a number above 0; received decay_steps=0"),
        ((0.1, 5, float("nan")), "power, a number of at least 0; received power=nan"),
    ],
)
def test_refused(settings, words):
    with pytest.raises(Refusal, match=f"InversePowerDecay expects {words}"):
        InversePowerDecay(*settings)
