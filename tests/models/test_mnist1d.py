"""The MNIST-1D models: shapes, and the weight sharing that distinguishes the convolutions."""

import numpy as np
import pytest

from kzoo.layers.conv import Conv1D
from kzoo.layers.locally_connected import LocallyConnected1D
from kzoo.layers.low_rank_locally_connected import LowRankLocallyConnected1D
from kzoo.layers.tiled_conv import TiledConv1D
from kzoo.models.mnist1d import POOLS
from kzoo.models.registry import model
from tests.models.cards import SERIES, Fit

CARDS = {  # trained parameters, input, classes
    "mnist1d_cnn": (2_050, SERIES, 10),
    "mnist1d_fc": (59_065, SERIES, 10),
    "mnist1d_fc100": (15_210, SERIES, 10),
    "mnist1d_local": (19 * 60 + 9 * 690 + 4 * 690 + 610, SERIES, 10),
    "mnist1d_low_rank": ((180 + 19 * 4 + 15) + (2_700 + 9 * 4 + 15) + (2_700 + 4 * 4 + 15) + 610, SERIES, 10),
    "mnist1d_tiled": (2 * (60 + 690 + 690) + 610, SERIES, 10),
}
FITS = {
    "mnist1d_cnn": Fit({"filters": 12}),
    "mnist1d_local": Fit({"filters": 6}),
    "mnist1d_low_rank": Fit({"filters": 6}, slow=True),
    "mnist1d_tiled": Fit({"filters": 12}),
    "mnist1d_fc": Fit({"units": (40, 20)}),
}

KINDS = {
    "mnist1d_cnn": Conv1D,
    "mnist1d_local": LocallyConnected1D,
    "mnist1d_low_rank": LowRankLocallyConnected1D,
    "mnist1d_tiled": TiledConv1D,
}


@pytest.mark.parametrize("name", KINDS)
def test_convolutional_card(name):
    built = model(name)
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in built.layers[1:]}
    assert shapes == {"stage1": (19, 15), "stage2": (9, 15), "stage3": (4, 15), "flatten": (60,), "predictions": (10,)}
    stages = [built.get_layer(f"stage{n}") for n in (1, 2, 3)]
    assert all(type(stage) is KINDS[name] for stage in stages)
    assert all(stage.activation.__name__ == "relu" for stage in stages)
    assert built.get_layer("predictions").activation.__name__ == "softmax"


def test_counts_by_layer():
    counts = [layer.count_params() for layer in model("mnist1d_cnn").layers if layer.weights]
    assert counts == [60, 690, 690, 610]
    counts = [layer.count_params() for layer in model("mnist1d_fc").layers if layer.weights]
    assert counts == [11_685, 38_610, 8_160, 610]


@pytest.mark.parametrize("name, widths", [("mnist1d_fc", (285, 135, 60, 10)), ("mnist1d_fc100", (100, 100, 10))])
def test_fully_connected_card(name, widths):
    built = model(name)
    assert tuple(layer.output.shape[-1] for layer in built.layers[2:]) == widths
    assert [layer.name for layer in built.layers[1:-1]] == ["flatten", *(f"stage{n}" for n in range(1, len(widths)))]
    hidden = [layer.activation.__name__ for layer in built.layers[2:-1]]
    assert set(hidden) == {"relu"}


def test_he_uniform_weights_and_zero_biases():
    for name in ("mnist1d_cnn", "mnist1d_fc"):
        for layer in model(name).layers:
            if layer.weights:
                kernel, bias = layer.get_weights()
                bound = np.sqrt(6 / np.prod(kernel.shape[:-1]))  # fan in
                assert 0.85 * bound < abs(kernel).max() <= bound and not bias.any()


@pytest.mark.parametrize("other, copies", [("mnist1d_tiled", lambda n: 2), ("mnist1d_local", lambda n: n)])
def test_less_sharing_holds_the_plain_net(other, copies):
    """With the plain model's kernel copied to every tile or position, the model computes the same function."""
    plain, built = model("mnist1d_cnn"), model(other)
    for layer in plain.layers:
        if layer.name.startswith("stage"):
            kernel, bias = layer.get_weights()
            times = copies(layer.output.shape[1])
            built.get_layer(layer.name).set_weights([np.stack([weight] * times) for weight in (kernel, bias + 0.1)])
            layer.set_weights([kernel, bias + 0.1])
        elif layer.weights:
            built.get_layer(layer.name).set_weights(layer.get_weights())
    x = np.random.default_rng(0).normal(size=(5, 40, 1)).astype("float32")
    np.testing.assert_allclose(built(x), plain(x), rtol=1e-5, atol=1e-6)  # the order of float32 sums


def test_tile_is_a_setting():
    assert model("mnist1d_tiled", tile=3).get_layer("stage1").kernel.shape[0] == 3


@pytest.mark.parametrize("pool", ["max", "average", "lp"])
def test_a_pool_instead_of_strides(pool):
    built = model("mnist1d_tiled", pool=pool, padding="same", dilation_rate=2, features=("stage1", "stage3"))
    assert [tuple(maps.shape[1:]) for maps in built.outputs] == [(20, 15), (5, 15)]
    assert (
        built.get_layer("stage1_conv").output.shape[1:] == (40, 15) and type(built.get_layer("stage1")) is POOLS[pool]
    )
    with pytest.raises(ValueError, match="pool, None or did you mean 'max'|pool, None or .*'max'"):
        model("mnist1d_cnn", pool="maxx")
