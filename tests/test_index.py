"""The index of models and layers: it agrees with the built models, and searches do not need Keras."""

import pytest

from docs.index import layer_facts, model_facts
from kzoo import layers
from kzoo.checks import Refusal
from kzoo.index import check_model, find_layers, find_models, read
from kzoo.models.registry import list_models, model

ADVICE = "kzoo/index.json is out of date: run `python -m docs.index`"


def test_models_are_up_to_date():
    """Without building models; `python -m docs.index --check` also compares the sizes of all models."""
    known = read()["models"]
    assert list(known) == list_models(), ADVICE
    for name in list_models():
        facts = model_facts(name, count=False)
        assert facts == {key: known[name][key] for key in facts}, ADVICE


@pytest.mark.parametrize("name", ["mnist1d_cnn", "nielsen_6", "resnet20_cifar", "context_basic", "alexnet"])
def test_sizes_are_up_to_date(name):
    assert model_facts(name) == read()["models"][name], ADVICE


def test_layers_are_up_to_date():
    assert layer_facts() == read()["layers"], ADVICE
    assert sorted(name for facts in read()["layers"].values() for name in facts["classes"]) == sorted(layers.__all__)


def test_every_layer_says_what_it_does_and_where_it_is_from():
    facts = read()["layers"]
    assert all(one["what"].endswith(".") for one in facts.values())
    assert {name for name, one in facts.items() if one["source"] == "none"} <= {"Padding", "PolynomialTanh"}


def test_find_models():
    assert [one["name"] for one in find_models("mnist1d_[cf]*")] == list_models("mnist1d_[cf]*")
    assert [one["name"] for one in find_models("*_cifar", family="resnet")][-1] == "resnet56_cifar"
    assert {one["family"] for one in find_models("[nm]*1d_*")} == {"mnist1d"}
    found = find_models("mnist1d_cnn")[0]
    assert found["input"] == [40, 1] and found["parameters"] == 2_050 and found["weights"] == ["mnist1d"]


def test_unknown_models_are_refused():
    with pytest.raises(Refusal, match="no family 'resne'; did you mean 'resnet'"):
        find_models(family="resne")
    with pytest.raises(Refusal, match="no model matches 'vgg16'; known: plain20_cifar"):
        find_models("vgg16", family="resnet")
    for pattern in ("mnist1d_cn", "", "nielsen_9*"):
        with pytest.raises(Refusal, match=f"no model matches {pattern!r}".replace("*", r"\*")):
            find_models(pattern)


def test_find_layers():
    """By part of a name, ignoring case, or by the class of one dimension."""
    norms = ["Batch", "FilterResponse", "GlobalContrast", "LocalContrast", "LocalResponse"]
    assert [one["name"] for one in find_layers("norm")] == [f"{name}Normalization" for name in norms]
    assert find_layers("Conv2D")[0]["classes"] == ["Conv1D", "Conv2D", "Conv3D"]
    assert [one["name"] for one in find_layers("*fft*")] == ["FFTConv"]
    with pytest.raises(Refusal, match="no layer matches 'Cnv2D'; did you mean 'Conv'"):
        find_layers("Cnv2D")


@pytest.mark.parametrize(
    "name, settings",
    [("vgg15", {}), ("mnist1d_cnn", {"filtres": 3}), (3, {}), ("mnist1d_cnn", {"filters": 3, "": 1})],
)
def test_check_model_refuses_as_the_registry_does(name, settings):
    with pytest.raises(Refusal) as light:
        check_model(name, settings)
    with pytest.raises(Refusal) as built:
        model(name, **settings)
    assert str(light.value).partition(";")[0] == str(built.value).partition(";")[0]


def test_check_model_accepts_what_the_registry_does():
    check_model("mnist1d_cnn", ["filters", "classes", "input_shape", "features", "weights", "name"])
