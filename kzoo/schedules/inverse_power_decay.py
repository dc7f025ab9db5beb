"""A rate that falls as a power of the steps, the policy "inv" of Caffe.

Source: Caffe, src/caffe/solvers/sgd_solver.cpp: base_lr * (1 + gamma * iter) ^ -power.
"""

import math

import keras
from keras import ops

from kzoo.checks import is_number, require
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class InversePowerDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule: initial_learning_rate * (1 + step / decay_steps) ** -power.

    Caffe's "inv", whose gamma is 1 / decay_steps; with a power of 1 Keras's `InverseTimeDecay` with a decay_rate of 1.
    Arguments: initial_learning_rate, a number of at least 0; decay_steps, a number above 0; power, a number of at
    least 0.

    >>> lenet = InversePowerDecay(0.01, 10_000, power=0.75)
    >>> round(float(lenet(0)), 6), round(float(lenet(10_000)), 6)
    (0.01, 0.005946)
    """

    def __init__(self, initial_learning_rate: float, decay_steps: float, power: float = 1.0):
        who = "InversePowerDecay"
        for name, value in {"initial_learning_rate": initial_learning_rate, "power": power}.items():
            good = is_number(value) and 0 <= value < math.inf
            require(good, who, f"{name}, a number of at least 0", **{name: value})
        good = is_number(decay_steps) and 0 < decay_steps < math.inf
        require(good, who, "decay_steps, a number above 0", decay_steps=decay_steps)
        self.initial_learning_rate, self.decay_steps, self.power = initial_learning_rate, decay_steps, power

    def __call__(self, step: Tensor) -> Tensor:
        steps = 1 + ops.cast(step, keras.config.floatx()) / self.decay_steps
        return self.initial_learning_rate * ops.power(steps, -self.power)

    def get_config(self):
        names = ("initial_learning_rate", "decay_steps", "power")
        return {name: getattr(self, name) for name in names}
