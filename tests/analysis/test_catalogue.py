"""The zoo as tables."""

import keras
import pytest

from kzoo import layers
from kzoo.analysis.catalogue import families, model_text, settings_table, sketch, source, stages_table
from kzoo.analysis.flop_count import flops
from kzoo.models.registry import describe, list_models, model
from kzoo.terminal import console
from tests.models.cards import trained
from tests.models.families import CARDS


def cells(table):
    return list(zip(*(column.cells for column in table.columns)))


@pytest.mark.large
def test_every_model_can_be_counted_so():
    """Also those that do something with their weights while they are built."""
    assert {name: trained(sketch(name)) for name in list_models()} == {name: card[0] for name, card in CARDS.items()}


@pytest.mark.parametrize("name", ["resnet20_cifar", "maxout_mnist", "deep_fried_1024", "nielsen_6"])
def test_a_sketch_counts_as_the_model_does(name):
    """Without values: none of its variables has any."""
    drawn, built = sketch(name), model(name)
    assert [(w.path, w.shape) for w in drawn.weights] == [(w.path, w.shape) for w in built.weights]
    assert flops(drawn) == flops(built) and drawn.count_params() == built.count_params()
    assert all(w._value is None for w in drawn.weights)


def test_stages():
    rows = cells(stages_table(model("nielsen_3")))
    assert rows == [("stage1", "12 x 12 x 20", "2", "6", "0"), ("stage2", "4 x 4 x 40", "4", "16", "0")]
    assert stages_table(keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])).row_count == 0


def test_settings():
    table = settings_table(describe("nielsen_6"))
    assert dict(cells(table))["fc_units"] == "(1000, 1000)" and dict(cells(table))["name"] == "'nielsen_6'"


def test_families():
    names = [cls.__name__ for classes in families().values() for cls in classes]
    assert sorted(names) == sorted(layers.__all__) and list(families()) == sorted(families(), key=str.lower)


def test_sources():
    """A module may refer to another one for its source, or have none."""
    assert source("kzoo.layers.adaptive_max_pooling").startswith("He, Zhang, Ren & Sun 2014")
    assert source("kzoo.layers.polynomial_tanh") == "none"


def test_model_text():
    text = model_text("nielsen_6", console(width=160))
    for words in ("1,672,570", "fc2_dropout", "stage2", "settings", "Weights: none trained", "Source: Nielsen 2015"):
        assert words in text
    assert f"{model('nielsen_6').count_params():,}" in text and text.endswith("\n")
    assert "Can start from the weights of: vgg16 (imagenet)\n" in model_text("segnet", console(width=160))
    assert "Can start from" not in text and "Weights: mnist1d\n" in model_text("mnist1d_cnn", console(width=160))
