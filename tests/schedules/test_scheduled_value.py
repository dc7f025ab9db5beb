"""Values that may be schedules: what is accepted, and their value at a step."""

import keras
import pytest

from kzoo.checks import Refusal
from kzoo.schedules import Warmup
from kzoo.schedules.scheduled_value import check_scheduled, value_at


def test_values():
    assert float(value_at(3, 7)) == 3 and float(value_at(Warmup(1.0, 4), 1)) == 0.25
    assert keras.backend.standardize_dtype(value_at(3, 7).dtype) == "float32"


@pytest.mark.parametrize("value", [0, 1, 0.5, Warmup(0.1, 5)])
def test_accepted(value):
    check_scheduled("it", most=1, momentum=value)


@pytest.mark.parametrize("value", [-0.1, 1.5, True, "x", None, float("nan"), float("inf"), lambda: 1.0])
def test_refused(value):
    with pytest.raises(Refusal, match="it expects momentum, a number from 0 to 1 or a schedule; received momentum="):
        check_scheduled("it", most=1, momentum=value)
