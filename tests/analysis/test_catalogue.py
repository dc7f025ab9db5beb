"""The zoo as tables."""

import keras
import pytest

from kzoo import layers
from kzoo.analysis.catalogue import layers_table, models, models_table, settings_table, sketch, stages_table
from kzoo.analysis.flop_count import flops
from kzoo.checks import Refusal
from kzoo.models.registry import describe, list_models, model
from tests.models.cards import CARDS, trained


def cells(table):
    return list(zip(*(column.cells for column in table.columns)))


def test_models():
    figures = {"mnist1d_cnn": [{"config": name, "published": 0.17, "measured": None} for name in ("one", "two")]}
    found = models("mnist1d_[cf]*", figures=figures)
    assert [one["name"] for one in found] == list_models("mnist1d_[cf]*")
    assert found[0].pop("what").startswith("Signals (B, 40, 1)")
    assert found[0].pop("source").startswith("Prince 2023, ") and found[1].pop("configs") == []
    assert found[0] == {
        "name": "mnist1d_cnn",
        "family": "mnist1d",
        "input": (40, 1),
        "parameters": 2_050,
        "operations": 20_460,
        "weights": ["mnist1d"],
        "configs": figures["mnist1d_cnn"],
    }


def test_models_table():
    figures = {"mnist1d_cnn": [{"config": name, "published": 0.17, "measured": None} for name in ("one", "two")]}
    table = models_table(models("mnist1d_[cf]*", figures=figures))
    headers = ["name", "input", "parameters", "operations", "published", "measured", "config", "source"]
    assert [column.header for column in table.columns] == headers and table.title == "3 models"
    row = ("mnist1d_cnn", "40 x 1", "2,050", "20.5 k", "17 %\n17 %", "-\n-", "one\ntwo", "Prince 2023")
    assert cells(table)[0] == row and cells(table)[1][4:7] == ("-", "-", "-")
    anywhere = cells(models_table(models("context_basic")))[0]
    assert anywhere[1] == "any x any x 21" and anywhere[3] == "-"


def test_families():
    assert [one["name"] for one in models("*_cifar", family="resnet")][-1] == "resnet56_cifar"
    assert {one["family"] for one in models("[nm]*1d_*")} == {"mnist1d"}
    with pytest.raises(Refusal, match="no family 'resne'; did you mean 'resnet'"):
        models(family="resne")
    with pytest.raises(Refusal, match="no model matches 'vgg16'; known: plain20_cifar"):
        models("vgg16", family="resnet")


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


def test_unknown_patterns_are_refused():
    for pattern in ("mnist1d_cn", "", "nielsen_9*"):
        with pytest.raises(Refusal, match=f"no model matches {pattern!r}".replace("*", r"\*")):
            models(pattern)


def test_layers():
    """A row a layer, all dimensions of it together, with the words of the one for images."""
    table = layers_table("*conv*")
    assert [column.header for column in table.columns] == ["name", "dimensions", "what", "source"]
    found = {row[0]: row[1:] for row in cells(table)}
    assert table.title == f"{len(found)} layers in kzoo.layers"
    dimensions, what, source = found["Conv"]
    assert (dimensions, source) == ("1D 2D 3D", "Goodfellow, Bengio & Courville 2016") and "place of an image" in what
    assert found["SpatiallySeparableConv"][0] == "2D 3D" and "column and a row" in found["SpatiallySeparableConv"][1]


def test_every_layer_is_listed_and_told_from_where():
    """Ops of kzoo's own, and of none found, say so."""
    found = {row[0]: row[1:] for row in cells(layers_table())}
    listed = {name if dims == "any" else f"{name}{dim}" for name, (dims, *_) in found.items() for dim in dims.split()}
    assert listed == set(layers.__all__)
    assert all(what.endswith(".") for _, what, _ in found.values())
    assert {name for name, (*_, source) in found.items() if source == "-"} == {"Padding", "PolynomialTanh"}
    assert found["AdaptiveMaxPooling"][2] == found["SpatialPyramidPooling"][2] == "He, Zhang, Ren & Sun 2014"


def test_part_of_a_name_is_enough():
    assert layers_table("gabor").title == "1 layer in kzoo.layers"
    assert cells(layers_table("Conv2D"))[0][:2] == ("Conv", "1D 2D 3D")
    names = [row[0] for row in cells(layers_table("norm"))]
    assert names == ["LocalContrastNormalization", "LocalResponseNormalization"]


def test_unknown_layers_are_refused():
    with pytest.raises(Refusal, match="no layer matches 'Cnv2D'; did you mean 'Conv'"):
        layers_table("Cnv2D")


def test_settings():
    table = settings_table(describe("nielsen_6"))
    assert dict(cells(table))["fc_units"] == "(1000, 1000)" and dict(cells(table))["name"] == "'nielsen_6'"
