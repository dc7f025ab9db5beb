import pytest

from kzoo.config.config import check_config, resolved
from tests.config.settings import refusal, with_sets


def test_stratify():
    assert with_sets("data.validation=0.1", "data.stratify=true").data.stratify
    words = refusal(with_sets, "data.validation=val", "data.stratify=true")
    assert "data.stratify: true expects data.validation, a part of the training split; received valid" in words


SHORT = ["data.image_size=[6, 8]", "data.resize=short_side", "data.short_side=9"]


@pytest.mark.parametrize(
    "sets, words",
    [
        (["data.resize=short_side"], "data.resize: short_side expects data.image_size; received image_size=None."),
        (["data.resize=short_side", "data.image_size=[8, 8]"], "data.resize: short_side expects data.short_side"),
        (["data.short_side=9"], "data.short_side expects data.resize: short_side; received resize='stretch'."),
        (["data.training_short_side=[8, 9]"], "data.training_short_side expects data.resize: short_side; received"),
        ([*SHORT, "data.short_side=7"], "data.short_side expects lengths of at least image_size, [6, 8]; received"),
        ([*SHORT, "data.training_short_side=[7, 9]"], "data.training_short_side expects lengths of at least image_si"),
        ([*SHORT, "data.training_short_side=[9, 8]"], "data.training_short_side expects two ascending integers above"),
    ],
)
def test_short_side_refusals(sets, words):
    assert words in refusal(with_sets, *sets)


def test_short_side():
    found = with_sets(*SHORT, "data.training_short_side=[9, 12]")
    assert found.data.resizing == 9 and check_config(resolved(found)) == found
    assert with_sets("data.image_size=[6, 8]", "data.resize=crop").data.resizing == "crop"
