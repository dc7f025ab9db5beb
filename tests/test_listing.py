"""Tables of models and layers for the terminal."""

import pytest

from kzoo import layers
from kzoo.index import find_layers, find_models
from kzoo.listing import authors, layers_table, models_table


def cells(table):
    return list(zip(*(column.cells for column in table.columns)))


def listed(pattern, configs):
    return models_table([{**one, "configs": configs.get(one["name"], [])} for one in find_models(pattern)])


def test_models_table():
    configs = {"mnist1d_cnn": [{"config": name, "published": 0.17, "measured": None} for name in ("one", "two")]}
    table = listed("mnist1d_[cf]*", configs)
    headers = ["name", "input", "parameters", "operations", "published", "measured", "config", "source"]
    assert [column.header for column in table.columns] == headers and table.title == "3 models"
    row = ("mnist1d_cnn", "40 x 1", "2,050", "20.5 k", "17 %\n17 %", "-\n-", "one\ntwo", "Prince 2023")
    assert cells(table)[0] == row and cells(table)[1][4:7] == ("-", "-", "-")
    any_size = cells(listed("context_basic", {}))[0]
    assert any_size[1] == "any x any x 21" and any_size[3] == "-"


def test_layers_table():
    """One row for all dimensions of a layer, with the first line of the 2D layer's docstring."""
    table = layers_table(find_layers("*conv*"))
    assert [column.header for column in table.columns] == ["name", "dimensions", "what", "source"]
    found = {row[0]: row[1:] for row in cells(table)}
    assert table.title == f"{len(found)} layers in kzoo.layers"
    assert found["Conv"][::2] == ("1D 2D 3D", "Goodfellow, Bengio & Courville 2016")
    assert found["SpatiallySeparableConv"][0] == "2D 3D" and "image" in found["Conv"][1]
    assert layers_table(find_layers("gabor")).title == "1 layer in kzoo.layers"


def test_every_layer_is_listed():
    found = {row[0]: row[1] for row in cells(layers_table(find_layers()))}
    names = {name if sizes == "any" else f"{name}{size}" for name, sizes in found.items() for size in sizes.split()}
    assert names == set(layers.__all__)


@pytest.mark.parametrize(
    "source, words", [("none", "-"), ("", "-"), ("a book", "-"), ("Le et al. 2010, a", "Le et al. 2010")]
)
def test_authors(source, words):
    assert authors(source) == words
