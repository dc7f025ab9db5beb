"""ReceptiveFieldPooling2D: the contract, the op, both ways to find a planted rectangle, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import ReceptiveFieldPooling2D
from kzoo.losses import RowSparsity
from tests.layer_checks import check_layer, check_refusal, same, train
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {"ReceptiveFieldPooling2D": Case({"grid": 3, "features": 20}, noise(*SHAPES[2]))}


def test_contract(tmp_path):
    check_layer(ReceptiveFieldPooling2D, *LAYER_CASES["ReceptiveFieldPooling2D"], tmp_path)


def test_contract_with_all_pairs(tmp_path):
    check_layer(ReceptiveFieldPooling2D, {"grid": 2, "pooling": "rms"}, noise(*SHAPES[2]), True, tmp_path)


@pytest.mark.parametrize("pooling", ["max", "average", "rms"])
def test_passes_its_settings_to_the_op(pooling):
    x = noise(*SHAPES[2])
    same(ReceptiveFieldPooling2D()(x), np.reshape(ops.rectangle_pool(x, 4, "max"), (2, -1)))
    every = np.reshape(ops.rectangle_pool(x, 3, pooling), (2, -1))
    same(ReceptiveFieldPooling2D(3, pooling)(x), every)
    layer = ReceptiveFieldPooling2D(3, pooling, 5)
    same(layer(x), every[:, :5])
    layer.set_weights([np.int32([3, 70, 1, 20, 4])])
    same(layer(x), every[:, [3, 70, 1, 20, 4]])


PLANTED = ops.rectangles(3).index((0, 1, 2, 2)) * 4 + 1  # channel 1, the right edge without its last cell


def planted(count=300, signal=1.0):
    """Images whose class shows only in the mean of one rectangle of one channel.

    The weaker the signal, the more each pixel of that rectangle adds to it: overlapping rectangles are less
    informative.
    """
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    x = rng.normal(size=(count, 6, 6, 4)).astype("float32")
    x[:, :4, 4:, 1] += signal * (2 * labels - 1)[:, None, None]
    return x, labels


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_select_finds_a_planted_pair(data_format):
    """First, if one is selected, and among the first of several; step and batch size do not matter."""
    x, labels = planted()
    x = np.moveaxis(x, -1, 1) if data_format == "channels_first" else x
    layer = ReceptiveFieldPooling2D(3, "average", 1, data_format)
    layer.select(x, labels)
    assert layer.selection.numpy().tolist() == [PLANTED]
    several = ReceptiveFieldPooling2D(3, "average", 6, data_format)
    several.select(x, labels, step=2, batch_size=77)
    chosen = several.selection.numpy().tolist()
    assert PLANTED in chosen and len(set(chosen)) == 6 and chosen == sorted(chosen)


def test_a_penalty_and_select_rows_find_a_planted_pair():
    """Most rows of the dense layer's kernel end near zero, and the planted one is the largest by far."""
    x, labels = planted(1000, 0.3)
    every = np.asarray(ReceptiveFieldPooling2D(3, "average")(x))
    every = (every - every.mean(0)) / every.std(0)  # so that weights compare
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense(2, "softmax", kernel_initializer="zeros", kernel_regularizer=RowSparsity(0.1))
    model = keras.Sequential([keras.Input((every.shape[1],)), dense])
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    train(model, every, labels, 200)
    largest = np.abs(dense.kernel.numpy()).max(1)
    assert (largest < 0.02).mean() > 0.9 and largest[PLANTED] > 1.5 * np.delete(largest, PLANTED).max()
    layer = ReceptiveFieldPooling2D(3, "average", 1)
    layer.build(x.shape)
    layer.select_rows(dense.kernel)
    assert layer.selection.numpy().tolist() == [PLANTED]


def test_select_takes_an_eighth_at_a_time():
    x, labels = planted()
    chosen = []
    for step in ({}, {"step": 2}, {"step": 1}):
        layer = ReceptiveFieldPooling2D(3, "average", 9)
        layer.select(x, labels, **step)
        chosen.append(layer.selection.numpy().tolist())
    assert chosen[0] == chosen[1] != chosen[2]


def test_select_bears_a_blank_channel():
    x, labels = planted(60)
    x[..., 3] = 0
    layer = ReceptiveFieldPooling2D(1, "max", 4)
    layer.select(x, labels)
    assert layer.selection.numpy().tolist() == [0, 1, 2, 3]


def test_select_rows_takes_those_of_the_largest_weights():
    """Of either sign, not those of the largest sums, in ascending order."""
    kernel = np.full((400, 3), 0.5)
    kernel[[3, 40, 399]] = [[0, 0, 2], [0, -3, 0], [1, 0, 0]]
    layer = ReceptiveFieldPooling2D(4, features=3)
    layer.build((None, 8, 8, 4))
    layer.select_rows(kernel)
    assert layer.selection.numpy().tolist() == [3, 40, 399]


def test_select_looks_for_what_is_not_yet_classified():
    """A clear class, in many rectangles, and a faint one in another corner: one of each, in one round or two."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 600)
    x = rng.normal(size=(600, 6, 6, 2)).astype("float32")
    x[:, :4, 4:, 0] += 1.5 * (2 * (labels // 2) - 1)[:, None, None]
    x[:, 4:, :2, 1] += 0.6 * (2 * (labels % 2) - 1)[:, None, None]
    clear, faint = ops.rectangles(3).index((0, 1, 2, 2)) * 2, ops.rectangles(3).index((2, 2, 0, 0)) * 2 + 1
    for step in (None, 1, 2):
        layer = ReceptiveFieldPooling2D(3, "average", 2)
        layer.select(x, labels, step)
        assert layer.selection.numpy().tolist() == sorted([clear, faint]), step


def test_a_selection_is_restored_from_a_file(tmp_path):
    x, labels = planted(60)
    layer = ReceptiveFieldPooling2D(3, "max", 4)
    layer.select(x, labels)
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    model.save(tmp_path / "layer.keras")
    same(keras.models.load_model(tmp_path / "layer.keras")(x), model(x))


def test_selecting_refuses():
    x, labels = planted(20)
    with pytest.raises(ValueError, match="ReceptiveFieldPooling2D expects features, the number to select"):
        ReceptiveFieldPooling2D().select(x, labels)
    with pytest.raises(ValueError, match="expects one label for each image"):
        ReceptiveFieldPooling2D(features=3).select(x, labels[:9])
    with pytest.raises(ValueError, match="expects one label for each image"):
        ReceptiveFieldPooling2D(features=3).select(x, labels[:, None])
    with pytest.raises(ValueError, match="expects to be built, with features"):
        ReceptiveFieldPooling2D(features=3).select_rows(np.zeros((400, 2)))
    layer = ReceptiveFieldPooling2D(features=3)
    layer.build(x.shape)
    with pytest.raises(ValueError, match="expects a kernel with 400 rows, one for each pair"):
        layer.select_rows(np.zeros((399, 2)))


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"grid": 0}, (1, 5, 5, 2), ["grid, an integer above 0", "grid=0"]),
        ({"pooling": "sum"}, (1, 5, 5, 2), ["pooling, one of ('max', 'average', 'rms')", "pooling='sum'"]),
        ({"features": 0}, (1, 5, 5, 2), ["features, None or an integer above 0", "features=0"]),
        ({"features": 201}, (1, 5, 5, 2), ["features of at most 200", "features=201"]),
        ({}, (1, 5, 2), ["rank 4", "5, 2)"]),
        ({}, (1, 5, 5, None), ["a known number of channels"]),
        ({}, (1, 0, 5, 2), ["an input of at least 1 pixel on each axis"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(ReceptiveFieldPooling2D, kwargs, shape, *words)
