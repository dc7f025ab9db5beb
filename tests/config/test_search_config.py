import pytest

from kzoo.config.config import check_config
from tests.config.settings import SMALL, SPACE, refusal


def test_the_example_of_the_design():
    short = {"trials": 12, "space": SPACE}
    search = {"algorithm": "random", "objective": "val_accuracy", "validation": 0.2, **short}
    assert check_config({**SMALL, "search": short}) == check_config({**SMALL, "search": search})


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"space": {}}, "search.space expects at least one setting; received space={}."),
        (
            {"objective": "accuracy"},
            "search.objective expects val_ and a metric's name; received",
        ),
        ({"objective": "val_recall"}, "search.direction expects max or min, for val_recall; received direction=None."),
        ({"direction": "up"}, "search.direction expects max, min or null; received 'up'."),
        ({"hours": 0}, "search.hours expects a number above 0, or null; received 0."),
        ({"seeds": [1, 1]}, "search.seeds expects a list of different integers"),
        (
            {"max_epochs": 3, "space": {"training.epochs": {"int": [1, 2]}}},
            "search.space.training.epochs is",
        ),
        (
            {"algorithm": "hyperband", "space": {"training.epochs": {"int": [1, 2]}}},
            "search.space.training.epochs",
        ),
    ],
)
def test_refused_searches(settings, words):
    search = {"trials": 1, "space": {"model.a": {"int": [1, 2]}}, **settings}
    assert refusal(check_config, {**SMALL, "search": search}, "c.yaml").startswith("c.yaml: " + words)


def test_direction():
    for settings, more in (
        ({}, True),
        ({"objective": "val_loss"}, False),
        ({"objective": "val_error"}, False),
        ({"objective": "val_recall", "direction": "max"}, True),
        ({"objective": "val_loss", "direction": "max"}, True),
    ):
        search = {"trials": 1, "space": {"model.a": {"int": [1, 2]}}, **settings}
        assert check_config({**SMALL, "search": search}).search.maximize is more
