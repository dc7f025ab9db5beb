"""FractionalMaxPooling1D, 2D, 3D: the contract, draws, the op with the layer's regions, sizes known or not, errors."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kzoo import ops
from kzoo.layers import FractionalMaxPooling1D, FractionalMaxPooling2D, FractionalMaxPooling3D
from kzoo.layers.fractional_max_pooling import region_count
from kzoo.ops.fractional_max_pool import fractional_edges
from tests.layer_checks import check_draws, check_layer, check_refusal, same
from tests.layers.cases import SHAPES, Case, noise

RATIOS = (1.5, 1.3, 1.9)
LAYER_CASES = {
    f"FractionalMaxPooling{rank}D": Case(
        {"pooling_ratio": RATIOS[:rank], "overlapping": True, "seed": 1}, noise(*SHAPES[rank])
    )
    for rank in SHAPES
}
RANKS = {1: FractionalMaxPooling1D, 2: FractionalMaxPooling2D, 3: FractionalMaxPooling3D}
BOTH = list(itertools.product([True, False], repeat=2))


@pytest.mark.parametrize("cls", [FractionalMaxPooling1D, FractionalMaxPooling2D, FractionalMaxPooling3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


def test_draws_only_in_training(tmp_path):
    kwargs = {"pooling_ratio": (1.5, 1.3), "pseudo_random": False}  # the contract trains the other kind
    check_draws(FractionalMaxPooling2D, kwargs, noise(2, 17, 19, 2), tmp_path)


@pytest.mark.parametrize("overlapping, pseudo_random", BOTH)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_passes_its_regions_to_the_op(overlapping, pseudo_random, data_format):
    """The row axis is drawn first; at inference the sequence of 0.5 is used, whatever the layer draws in training."""
    x, counts = noise(2, 17, 19, 3), (11, 14)
    layer = FractionalMaxPooling2D((1.5, 1.3), overlapping, pseudo_random, data_format, seed=3)
    turned, back = (np.moveaxis(x, -1, 1), (1, -1)) if data_format == "channels_first" else (x, (0, 0))
    seed = keras.random.SeedGenerator(3)
    with ops.no_islands():
        edges = [fractional_edges(n, count, 0.5) for n, count in zip((17, 19), counts)]
        same(np.moveaxis(layer(turned), *back), ops.fractional_max_pool(x, edges, overlapping))
        shapes = [() if pseudo_random else (count,) for count in counts]
        samples = [keras.random.uniform(shape, seed=seed) for shape in shapes]
        edges = [fractional_edges(*part, pseudo_random) for part in zip((17, 19), counts, samples)]
        same(np.moveaxis(layer(turned, training=True), *back), ops.fractional_max_pool(x, edges, overlapping))


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("training, pseudo_random", BOTH)
def test_other_ranks_are_the_2d_layer_on_each_axis(rank, training, pseudo_random):
    """A maximum over a box is one over each axis in turn; the axes draw in their order."""
    spatial, ratios = (17, 19, 12)[:rank], RATIOS[:rank]
    x = want = noise(2, *spatial, 3)
    layer = RANKS[rank](ratios, True, pseudo_random, seed=3)
    seed = keras.random.SeedGenerator(3)
    with ops.no_islands():
        for axis, (n, ratio) in enumerate(zip(spatial, ratios), start=1):
            count, random = int(n / ratio), training and not pseudo_random
            samples = keras.random.uniform((count,) if random else (), seed=seed) if training else 0.5
            edges = np.asarray(fractional_edges(n, count, samples, not random))
            parts = [want.take(range(a, min(b + 1, n)), axis).max(axis) for a, b in itertools.pairwise(edges)]
            want = np.stack(parts, axis)
        same(layer(x, training=training), want)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(*[st.integers(1, 40)] * 2, *[st.floats(1, 6)] * 2, st.booleans(), st.booleans(), st.booleans())
def test_any_ratio_and_size(height, width, tall, wide, overlapping, pseudo_random, training):
    """floor(size / ratio) outputs per axis; every pixel is covered, as the maximum is always found."""
    ratios = min(tall, height), min(wide, width)
    layer = FractionalMaxPooling2D(ratios, overlapping, pseudo_random)
    x = noise(2, height, width, 3)
    with ops.no_islands():
        y = np.asarray(layer(x, training=training))
    assert y.shape == (2, math.floor(height / ratios[0] + 1e-9), math.floor(width / ratios[1] + 1e-9), 3)
    assert y.shape == layer.compute_output_shape(x.shape)
    np.testing.assert_array_equal(y.max((1, 2)), x.max((1, 2)))
    assert np.isin(y, x).all()


@pytest.mark.parametrize("training, pseudo_random", BOTH)
def test_a_ratio_of_1_changes_nothing(training, pseudo_random):
    x = noise(2, 5, 6, 2)
    with ops.no_islands():
        same(FractionalMaxPooling2D(1, False, pseudo_random)(x, training=training), x)


@pytest.mark.parametrize("jit, training", BOTH)
@pytest.mark.parametrize("pseudo_random", [True, False])
def test_unknown_sizes(jit, training, pseudo_random):
    layer = FractionalMaxPooling2D((1.7, 2.9), True, pseudo_random, seed=1)
    spec = [tf.TensorSpec((None, None, None, 2))]
    graph = tf.function(lambda x: layer(x, training=training), spec, jit_compile=jit)
    twin = FractionalMaxPooling2D((1.7, 2.9), True, pseudo_random, seed=1)
    for size in [(9, 7)] if jit else [(9, 7), (2, 3), (12, 17)]:
        x = noise(1, *size, 2)
        y = graph(x)
        assert y.shape == (1, int(size[0] / 1.7), int(size[1] / 2.9), 2)
        np.testing.assert_array_equal(np.max(y, (1, 2)), x.max((1, 2)))
        if not (jit and training):  # XLA draws other numbers
            with ops.no_islands():
                same(y, twin(x, training=training))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(1, 100_000), st.floats(1, 100))
def test_regions_of_a_size_known_and_not(size, ratio):
    count = max(math.floor(size / ratio + 1e-9), 1)
    assert int(region_count(tf.constant(size), ratio)) == region_count(size, ratio) == count


def test_defaults():
    layer = FractionalMaxPooling2D()
    assert layer.pooling_ratio == (2**0.5, 2**0.5) and not layer.overlapping and layer.pseudo_random
    assert layer(keras.Input((36, 25, 3))).shape == (None, 25, 17, 3)
    assert layer(keras.Input((None, 25, 3))).shape == (None, None, 17, 3)


RATIO = "pooling_ratio, a number of at least 1 or 2 of them"


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"pooling_ratio": 0.99}, (1, 5, 5, 2), [RATIO, "pooling_ratio=0.99"]),
        ({"pooling_ratio": (2, 0)}, (1, 5, 5, 2), [RATIO, "pooling_ratio=(2, 0)"]),
        ({"pooling_ratio": (2, 2, 2)}, (1, 5, 5, 2), [RATIO, "pooling_ratio=(2, 2, 2)"]),
        ({"pooling_ratio": "2"}, (1, 5, 5, 2), [RATIO, "pooling_ratio='2'"]),
        ({"pooling_ratio": math.inf}, (1, 5, 5, 2), [RATIO, "pooling_ratio=inf"]),
        ({"pooling_ratio": math.nan}, (1, 5, 5, 2), [RATIO, "pooling_ratio=nan"]),
        ({"pooling_ratio": None}, (1, 5, 5, 2), [RATIO, "pooling_ratio=None"]),
        ({"pooling_ratio": 5.5}, (1, 9, 5, 2), ["an input of at least pooling_ratio", "size=5, pooling_ratio=5.5"]),
        ({}, (1, 0, 5, 2), ["an input of at least pooling_ratio pixels", "size=0"]),
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({"data_format": "NHWC"}, (1, 5, 5, 2), ["data_format, one of", "data_format='NHWC'"]),
    ],
)  # fmt: skip
def test_refuses(kwargs, shape, words):
    check_refusal(FractionalMaxPooling2D, kwargs, shape, *words)


@pytest.mark.parametrize("rank", [1, 3])
def test_refuses_in_other_ranks(rank):
    cls, shape = RANKS[rank], (1, *(5,) * rank, 2)
    ratios = (1.5,) * (rank + 1)
    check_refusal(cls, {"pooling_ratio": ratios}, shape, f"at least 1 or {rank} of them", f"pooling_ratio={ratios}")
    check_refusal(cls, {}, (1, 5, 5, 2), f"rank {rank + 2}", " 5, 5, 2)")
    check_refusal(cls, {"pooling_ratio": 5.5}, shape, "size=5, pooling_ratio=5.5")


def test_a_ratio_that_divides_is_not_lost_to_rounding():
    """33 / 1.1 is 29.999..."""
    assert FractionalMaxPooling2D(1.1)(noise(1, 33, 33, 1)).shape == (1, 30, 30, 1)
