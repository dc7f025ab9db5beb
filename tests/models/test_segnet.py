"""SegNet and SegNet-Basic: their stages, odd sizes, initial values, and unpooling by the pools' indices."""

import math

import keras
import numpy as np
import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import Fit, check_start, shapes

CARDS = {  # trained parameters, input, classes
    "segnet": (29_449_355, (360, 480, 3), 11),
    "segnet_basic": (1_416_587, (360, 480, 3), 11),
}
FITS = {
    "segnet_basic": Fit({"width": 0.25, "input_shape": (16, 16, 3)}, rate=0.02, blocks=4, slow=True),
}
PIXELS = True  # outputs are maps of classes

SMALL = {"width": 0.05, "classes": 3}


def test_shapes():
    built = sketch("segnet")
    got = [shape[:2] for shape in _values(built, [f"stage{i}" for i in range(1, 6)])]
    assert got == [(180, 240), (90, 120), (45, 60), (23, 30), (12, 15)]
    got = shapes(built, [f"decode{i}_unpool" for i in range(5, 0, -1)])
    assert [shape[:2] for shape in got.values()] == [(23, 30), (45, 60), (90, 120), (180, 240), (360, 480)]
    assert built.output_shape == (None, 360, 480, 11)


def _values(built, names):
    return [tuple(keras.tree.flatten(built.get_layer(name).output)[0].shape[1:]) for name in names]


def test_decoders_give_as_many_maps_as_the_stage_before_takes():
    built = sketch("segnet", width=1 / 64)
    last = [
        [layer for layer in built.layers if layer.name.startswith(f"decode{i}_conv") and hasattr(layer, "filters")][-1]
        for i in range(5, 0, -1)
    ]
    assert [layer.filters for layer in last] == [8, 4, 2, 1, 1]


@pytest.mark.parametrize("name, size", [("segnet", (45, 61)), ("segnet_basic", (33, 20))])
def test_odd_sizes(name, size):
    built = model(name, input_shape=(None, None, 3), **SMALL)
    y = built(np.random.default_rng(0).normal(size=(1, *size, 3)).astype("float32")).numpy()
    assert y.shape == (1, *size, 3)
    np.testing.assert_allclose(y.sum(-1), 1, rtol=1e-5)


def test_the_decoder_puts_values_where_they_were():
    built = model("segnet_basic", input_shape=(8, 8, 3), **SMALL)
    pool, unpool = built.get_layer("stage4"), built.get_layer("decode4_unpool")
    values, indices, before, after = keras.Model(built.inputs, [*pool.output, pool.input, unpool.output])(
        np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype("float32")
    )
    assert np.count_nonzero(after) <= np.size(values) and after.shape == before.shape
    np.testing.assert_array_equal(np.ravel(after)[np.ravel(indices)], np.ravel(values))


def test_basic_differs_as_its_card_says():
    basic = sketch("segnet_basic", **SMALL)
    relus = [layer.name for layer in basic.layers if isinstance(layer, keras.layers.ReLU)]
    assert basic.layers[1].name == "norm" and not any(name.startswith("decode") for name in relus)


def test_dropout_is_where_the_authors_files_have_it():
    """Of bayesian_segnet_train and train_segnet_sun.prototxt; bayesian_segnet_basic_train.prototxt."""
    central = {"segnet": (3, 4, 5), "segnet_basic": (3, 4)}
    for name, deep in central.items():
        built = sketch(name, dropout=0.5, **SMALL)
        found = {layer.name: layer for layer in built.layers if isinstance(layer, keras.layers.Dropout)}
        up = [f"decode{stage}_dropout" for stage in reversed(deep)]
        assert list(found) == [*(f"stage{stage}_dropout" for stage in deep), *up]
        assert all(layer.rate == 0.5 for layer in found.values())
        last = "decode3_conv3_relu" if name == "segnet" else "decode3_conv1_norm"
        assert found["stage3_dropout"].input is built.get_layer("stage3").output[0]
        assert found["decode3_dropout"].input is built.get_layer(last).output
        assert not any(isinstance(layer, keras.layers.Dropout) for layer in sketch(name, **SMALL).layers)


def test_initial_values():
    """The authors' files: "msra", N(0, 2 / fan-in), in all convolutions, and shifts of 0.001 in all batch norms."""
    for layer in model("segnet_basic", **SMALL).layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            np.testing.assert_allclose(layer.beta, 0.001, rtol=1e-6)
        elif layer.weights:
            check_start(layer, math.sqrt(2 / math.prod(layer.kernel.shape[:-1])))


def test_without_top():
    assert sketch("segnet", include_top=False, **SMALL).output_shape == (None, 12, 15, 26)
    assert sketch("segnet", include_top=False, pooling="max", **SMALL).output_shape == (None, 26)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"decoder": ((64,),)}, "as many stages"),
        (
            {"encoder": [[16], [32]], "decoder": [[16], [32]]},
            "segnet expects stage 2 of decoder to end with the filters that stage 1 of encoder ends with; received",
        ),
        ({"classes": 0}, "classes"),
        ({"pooling": "sum"}, "pooling"),
        ({"dropout": 1}, "dropout, at least 0 and below 1"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("segnet", **{**SMALL, **settings})
