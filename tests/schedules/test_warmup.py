"""Warmup: a line by hand, to numbers and to schedules, errors."""

import keras
import pytest

from kzoo.checks import Refusal
from kzoo.schedules import Warmup
from tests.schedules.schedule_checks import check_schedule


def test_to_a_number():
    """0.1 to 3.2 in 5 passes of 100 steps, as Goyal et al. for batches of 8,192 images."""
    wanted = {step: 0.1 + (3.2 - 0.1) * min(step, 500) / 500 for step in (0, 1, 250, 499, 500, 9000)}
    config = {"learning_rate": 3.2, "warmup_steps": 500, "initial_learning_rate": 0.1}
    check_schedule(Warmup(3.2, 500, 0.1), config, wanted)


def test_to_a_schedule_that_counts_from_the_start():
    def rate(step):
        later = 0.8 * 0.5 ** (step / 10)
        return later * min(step, 4) / 4

    steps = {"initial_learning_rate": 0.8, "decay_steps": 10, "decay_rate": 0.5}
    config = {"learning_rate": {"class_name": "ExponentialDecay", "config": steps}, "warmup_steps": 4}
    schedule = Warmup(keras.optimizers.schedules.ExponentialDecay(**steps), 4)
    check_schedule(schedule, config, {step: rate(step) for step in range(0, 9, 2)})


@pytest.mark.parametrize(
    "settings, words",
    [
        (("x", 5), "learning_rate, a number of at least 0 or a schedule; received learning_rate='x'"),
        ((0.1, 0), "warmup_steps, an integer above 0; received warmup_steps=0"),
        ((0.1, 5, -1), "initial_learning_rate, a number of at least 0 or a schedule; received"),
    ],
)
def test_refused(settings, words):
    with pytest.raises(Refusal, match=f"Warmup expects {words}"):
        Warmup(*settings)
