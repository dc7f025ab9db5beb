import pytest

from kzoo.augmentation.value_range import as_value_range
from kzoo.checks import Refusal


@pytest.mark.parametrize("value", [(1, 0), (0, 0), 255, (0, 1, 2), ("0", 1), (0, float("inf")), (True, 2), None])
def test_refuses_what_is_no_range(value):
    words = "Jitter expects value_range, two finite numbers, black below white; received value_range="
    with pytest.raises(Refusal, match=words):
        as_value_range("Jitter", value)


def test_lists_from_configs_become_pairs():
    assert as_value_range("Jitter", [-1, 1.5]) == (-1, 1.5)
