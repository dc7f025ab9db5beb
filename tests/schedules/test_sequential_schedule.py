"""SequentialSchedule: a loop over its parts, warm-up before a cosine, errors."""

import math

import keras
import pytest

from kzoo.checks import Refusal
from kzoo.schedules import SequentialSchedule, Warmup
from tests.schedules.schedule_checks import check_schedule


def test_warmup_then_a_cosine_then_a_number():
    def rate(step):
        if step < 10:
            return 0.4 * step / 10
        if step < 30:
            return 0.4 * (1 + math.cos(math.pi * (step - 10) / 20)) / 2
        return 0.01

    cosine = {"initial_learning_rate": 0.4, "decay_steps": 20}
    schedules = [
        {"class_name": "Warmup", "config": {"learning_rate": 0.4, "warmup_steps": 10}},
        {"class_name": "CosineDecay", "config": cosine},
        0.01,
    ]
    parts = [Warmup(0.4, 10), keras.optimizers.schedules.CosineDecay(**cosine), 0.01]
    wanted = {step: rate(step) for step in (0, 9, 10, 11, 29, 30, 1000)}
    config = {"schedules": schedules, "boundaries": [10, 30]}
    check_schedule(SequentialSchedule(parts, [10, 30]), config, wanted)


@pytest.mark.parametrize(
    "settings, words",
    [
        (([], []), r"schedules, a list of schedules and numbers; received schedules=\[\]"),
        (([0.1, "x"], [3]), r"schedules\[1\], a number of at least 0 or a schedule; received"),
        (([0.1, 0.2], [3, 4]), "boundaries, integers above 0 in rising order, 1 of them; received"),
        (
            ([0.1, 0.2, 0.3], [4, 4]),
            r"boundaries, integers above 0 in rising order, 2 of them; received boundaries=\[4, 4\]",
        ),
        (([0.1, 0.2], [0.5]), "boundaries, integers above 0"),
    ],
)
def test_refused(settings, words):
    with pytest.raises(Refusal, match=f"SequentialSchedule expects {words}"):
        SequentialSchedule(*settings)
