import pytest

from kzoo.checks import Refusal
from kzoo.config.config import check_config, resolved
from tests.config.settings import SMALL


def test_a_file_in_place_of_a_name():
    """Its path is the model's name, in resolved configs too."""
    read = check_config({**SMALL, "model": {"keras": "a/b.keras", "classes": 5, "weights": None}})
    assert read.model.name == "a/b.keras" and read.model.settings == {"classes": 5, "weights": None}
    assert check_config(resolved(read)) == read
    for wrong, words in (
        ({"keras": "b.h5"}, "config: model.keras expects the path of a .keras file; received keras='b.h5'."),
        ({"keras": 5}, "model.keras expects the path of a .keras file; received keras=5."),
        ({"keras": "b.keras", "name": "vgg16"}, "model expects either name or keras; received name='vgg16'."),
        ({}, "model.name is missing"),
    ):
        with pytest.raises(Refusal) as caught:
            check_config({**SMALL, "model": wrong})
        assert words in str(caught.value)
