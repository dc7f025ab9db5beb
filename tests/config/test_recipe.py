"""Runs that are shorter than the recipe of the published result."""

import pytest

from kzoo.config.config import check_config, resolved
from kzoo.config.config_files import read_config
from kzoo.config.recipe import recipe_length, shortfall

TRAIN = 4000  # examples


def short(*sets, **trained):
    """Returns the shortfall of mnist1d_cnn, whose recipe is 100 epochs of 1,000 steps, after settings."""
    config = read_config("mnist1d_cnn", sets)
    assert check_config(resolved(config)) == config
    steps = config.training.steps_per_epoch or TRAIN // config.data.batch_size
    metrics = {"epochs": config.training.epochs, **trained, "recipe": recipe_length(config, TRAIN)}
    return shortfall({"steps": metrics["epochs"] * steps, **metrics})


@pytest.mark.parametrize(
    "sets, text",
    [
        ((), ""),
        (("training.epochs=10",), "10 of 100 epochs"),
        (("training.epochs=200",), ""),
        (("training.steps_per_epoch=40", "training.steps_per_call=40"), "4,000 of 100,000 steps"),
        (("training.optimizer.config.learning_rate=0.1",), ""),
        (("training.epochs=10", "published.epochs=10"), ""),
        (("training.epochs=10", "published="), ""),
    ],
)
def test_shorter_than_the_recipe(sets, text):
    assert short(*sets) == text


def test_stopped_by_a_callback():
    assert short(epochs=60) == "60 of 100 epochs"


def test_one_pass_replaced_by_a_number():
    config = read_config("alexnet", ["training.steps_per_epoch=5"])
    assert config.published.steps_per_epoch == 0
    epochs, steps = config.training.epochs, 50_000 // config.data.batch_size
    recipe = recipe_length(config, 50_000)
    assert recipe == {"epochs": epochs, "steps": epochs * steps}
    assert shortfall({"epochs": epochs, "steps": 300, "recipe": recipe}).startswith("300 of ")


def test_without_a_published_result():
    assert recipe_length(read_config("mnist1d_local"), 100) is None
    assert shortfall({"epochs": 1, "steps": 1, "recipe": None}) == shortfall({"epochs": 1}) == ""
