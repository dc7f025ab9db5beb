"""LeNet-1 and LeNet-5: counts of weights and connections, tables, codes, training with their loss, refusals."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.analysis.receptive_field import receptive_fields
from kzoo.checks import Refusal
from kzoo.initializers import DigitCodes
from kzoo.losses import RBFLoss
from kzoo.models.registry import model
from tests.models.cards import MNIST, Fit, assert_drawn_apart, shapes

CARDS = {  # trained parameters, input, classes
    "lenet5": (60_000, (32, 32, 1), 10),
    "lenet5_modern": (61_706, (32, 32, 1), 10),
    "lenet1": (2_578, MNIST, 10),
}
FITS = {
    "lenet1": Fit({"input_shape": (16, 16, 1)}),
    "lenet5": Fit({}, loss=RBFLoss(), slow=True),
    "lenet5_modern": Fit({}),
}


def connections(built):
    """Counts connections as the papers do: one per weight and position, and one per unit for its bias."""
    total = 0
    for layer in built.layers:
        units, filters = math.prod(layer.output.shape[1:]), layer.output.shape[-1]
        for weight in layer.weights:
            if weight.name == "coefficient":
                total += 4 * units  # shared by the window's pixels
            else:
                total += units if weight.name == "bias" else math.prod(weight.shape) * units // filters
    return total


@pytest.mark.parametrize(
    "name, links, units",
    [("lenet5", 340_908, 9_118), ("lenet1", 98_442, 4_634), ("lecun1989", 64_660, 1_256)],
)
def test_counts_as_published(name, links, units):
    """60,000 and 340,908; 2,578, 98,442 and 4,635 units, one of them for the biases; 9,760, 64,660 and 1,256.

    The trained weights are the cards'; LeNet-5's units are added up here.
    """
    built = model(name)
    layers = [layer for layer in built.layers if not layer.name.endswith(("flatten", "border"))]
    assert connections(built) == links and sum(math.prod(layer.output.shape[1:]) for layer in layers) == units


def test_lenet5_layer_by_layer():
    built = model("lenet5")
    sizes = shapes(built, ["stage1_conv", "stage1", "stage2_conv", "stage2", "stage3", "fc1", "predictions"])
    assert list(sizes.values()) == [(28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (1, 1, 120), (84,), (10,)]
    weights = {name: built.get_layer(name).count_params() for name in sizes}
    assert list(weights.values()) == [156, 12, 1_516, 32, 48_120, 10_164, 840]
    assert built.get_layer("predictions").trainable_weights == []


def test_receptive_fields():
    """Size and stride of each stage; of the strided models, by hand."""
    fields = receptive_fields(model("lenet5"))
    got = {label: (fields[label][0].size, fields[label][0].stride) for label in fields}
    wanted = {"stage1_conv": (5, 1), "stage1": (6, 2), "stage2_conv": (14, 2), "stage2": (16, 4), "stage3": (32, 4)}
    assert {label: got[label] for label in wanted} == wanted
    for name, padding in {"lecun1989": (2, 6), "simard2003": (0, 0)}.items():
        fields = receptive_fields(model(name))
        first, second = (fields[f"stage{i}"][0] for i in (1, 2))
        assert (first.size, first.stride, first.padding) == (5, 2, padding[0])
        assert (second.size, second.stride, second.padding) == (13, 4, padding[1])


def test_tables():
    """Six maps of LeNet-5 read 3 adjacent maps, six 4, three 4 with gaps, one all. LeNet-1's table has two halves."""
    table = model("lenet5").get_layer("stage2_conv").table
    assert [len(maps) for maps in table] == [3] * 6 + [4] * 9 + [6] and len(set(table)) == 16
    assert np.bincount(np.concatenate(table)).tolist() == [10] * 6
    table = model("lenet1").get_layer("stage2_conv").table
    assert sum(map(len, table)) == 20 and all(set(maps) <= {0, 1} for maps in table[:6])
    assert all(set(maps) <= {2, 3} for maps in table[6:])


def test_the_output_is_minus_the_distance_from_the_digits():
    built, x = model("lenet5"), np.random.default_rng(0).normal(size=(3, 32, 32, 1)).astype("float32")
    f6 = model("lenet5", features="fc1")
    f6.set_weights([w for w in built.get_weights() if w.shape != (84, 10)])
    f6, codes = f6(x).numpy(), np.asarray(DigitCodes()((84, 10)))
    wanted = [[-sum((f6[b] - codes[:, i]) ** 2) for i in range(10)] for b in range(3)]
    np.testing.assert_allclose(built(x), wanted, rtol=1e-5)


def test_starts_with_the_papers_ranges():
    built = model("lenet5")
    for name, fan in {"stage1_conv": 25, "stage3": 400, "fc1": 120}.items():
        assert 0.95 * 2.4 / fan < np.abs(built.get_layer(name).kernel).max() <= 2.4 / fan
    kernel, table = np.array(built.get_layer("stage2_conv").kernel), built.get_layer("stage2_conv").table
    filters = np.split(kernel, np.cumsum([len(maps) for maps in table])[:-1], axis=-1)
    for maps, weights in zip(table, filters):
        assert 0.85 * 2.4 / (25 * len(maps)) < np.abs(weights).max() <= 2.4 / (25 * len(maps))
    for name in ("stage1", "stage2"):  # four inputs
        pool = built.get_layer(name)
        drawn = np.array(pool.coefficient_initializer((1000,)))
        assert 0.99 * 0.6 < np.abs(drawn).max() <= 0.6 and abs(drawn.mean()) < 0.1
        assert np.abs(pool.coefficient).max() <= 0.6 and len(np.unique(pool.coefficient)) > 1


def test_layers_draw_different_numbers():
    built = model("lenet5")
    assert_drawn_apart(*[built.get_layer(name) for name in ("stage1_conv", "stage2_conv", "stage3", "fc1")])
    built = model("lecun1989")
    assert_drawn_apart(*[built.get_layer(name) for name in ("stage1", "stage2", "fc1", "predictions")])


def test_fits_32_examples_by_its_loss():
    keras.utils.set_random_seed(1)
    built = model("lenet5")
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(32, 32, 32, 1)).astype("float32"), draw.integers(0, 10, 32)
    built.compile(keras.optimizers.Adam(0.002), RBFLoss(), metrics=["accuracy"])
    for _ in range(8):
        built.fit(tf.data.Dataset.from_tensors((x, y)).repeat(40), verbose=0)
        reached = built.evaluate(x, y, verbose=0)[1]
        if reached == 1.0:
            break
    assert reached == 1.0


def test_modern():
    """Images of 28 x 28 padded to 32 x 32 need as many weights; average pools too."""
    built = model("lenet5_modern", pool="average", activation="tanh")
    assert built.count_params() == 61_706 and type(built.get_layer("stage1")).__name__ == "AveragePooling2D"
    assert built.get_layer("predictions").activation is keras.activations.softmax


@pytest.mark.parametrize(
    "name, settings, message",
    [
        ("lenet5", {"input_shape": (31, 31, 1)}, "sides of at least 32"),
        ("lenet1", {"input_shape": (15, 28, 1)}, "sides of at least 16"),
        ("lenet5", {"filters": (6,)}, "at least two convolutions"),
        ("lenet5", {"filters": (4, 16, 120)}, "numbers of input maps below 4"),
        ("lenet5", {"pool": "sum"}, "pool, known: average, max, trained"),
        ("lenet5", {"output": "softmax"}, "output, known: dense, rbf"),
        ("lecun1989", {"border": -1}, "border, an integer of at least 0"),
        ("lecun1989", {"filters": (12,)}, "filters of two convolutions"),
        ("simard2003", {"input_shape": (12, 29, 1)}, "sides of at least 13"),
    ],
    ids=str,
)
def test_refused(name, settings, message):
    with pytest.raises(Refusal, match=message):
        model(name, **settings)


def test_smallest_inputs():
    for name, side in {"lenet5": 32, "lenet1": 16, "lecun1989": 1, "simard2003": 13}.items():
        assert model(name, input_shape=(side, side, 1)).output_shape == (None, 10)
        if name != "lecun1989":  # which has one bias per position
            assert model(name, input_shape=(None, None, 1), include_top=False).output_shape[:3] == (None,) * 3
