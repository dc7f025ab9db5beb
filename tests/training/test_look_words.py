"""Pictures of numbers and labels do not speak of classes."""

import pytest

from kzoo.analysis.model_inputs import OutputNames
from kzoo.training.look import PICTURES
from kzoo.training.look_words import OF_NUMBERS, words_for

OF_OUTPUTS = ("grad_cam", "occlusion", "invariance_curves")


@pytest.mark.parametrize("unit", ["label", "number"])
def test_words_of_pictures(unit):
    for picture in PICTURES:
        title, text = words_for(picture.title, picture.text, OutputNames(unit))
        assert text.count(". ") == 1 and text.endswith("."), picture.name
        if picture.name in OF_OUTPUTS:
            assert "class" not in title + text and unit in text
        assert words_for(picture.title, picture.text, OutputNames()) == (picture.title, picture.text)


def test_each_of_them_is_a_picture():
    assert set(OF_NUMBERS) <= {picture.title for picture in PICTURES}
