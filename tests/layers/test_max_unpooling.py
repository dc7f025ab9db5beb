"""MaxUnpooling1D, 2D, 3D: the contract, the op with the layer's geometry, references, errors."""

import keras
import numpy as np
import pytest

from kzoo.layers import (
    MaxPoolingWithArgmax1D,
    MaxPoolingWithArgmax2D,
    MaxPoolingWithArgmax3D,
    MaxUnpooling1D,
    MaxUnpooling2D,
    MaxUnpooling3D,
)
from kzoo.ops.max_unpool import max_unpool
from tests.layer_checks import check_layer, check_refusal, dtype, same
from tests.layers.cases import POOL, SHAPES, Case, noise, pool_inputs

LAYER_CASES = {
    f"MaxUnpooling{rank}D": Case({**POOL, "output_size": SHAPES[rank][1:-1]}, list(pool_inputs(noise(*SHAPES[rank]))))
    for rank in SHAPES
}
RANKS = {1: MaxUnpooling1D, 2: MaxUnpooling2D, 3: MaxUnpooling3D}


@pytest.mark.parametrize("cls", [MaxUnpooling1D, MaxUnpooling2D, MaxUnpooling3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
def test_contract_without_a_size(rank, tmp_path):
    """Sizes follow from the pooled ones, unknown ones at run time: multiples of the stride."""
    inputs = list(pool_inputs(noise(*(n + n % 2 for n in SHAPES[rank]))))
    check_layer(RANKS[rank], POOL, inputs, True, tmp_path, full=False)


def test_contract_with_a_reference(tmp_path):
    """Three inputs; only the reference's size is used, so that it has no gradient."""
    x = noise(*SHAPES[2])
    layer = MaxUnpooling2D(**POOL)
    same(layer([*pool_inputs(x), x[..., :1]]), MaxUnpooling2D(**POOL, output_size=x.shape[1:-1])(list(pool_inputs(x))))
    a, b, c = keras.Input((None, None, 2)), keras.Input((None, None, 2), dtype="int32"), keras.Input((None, None, 1))
    model = keras.Model([a, b, c], layer([a, b, c]))
    model.save(tmp_path / "layer.keras")
    for each in (model, keras.models.load_model(tmp_path / "layer.keras")):
        for part in (x, x[:, :5, :6]):
            same(
                each.predict([*pool_inputs(part), part[..., :1]], verbose=0), model([*pool_inputs(part), part[..., :1]])
            )
            assert each([*pool_inputs(part), part[..., :1]]).shape == part.shape


@pytest.mark.parametrize("rank", RANKS)
def test_passes_its_geometry_to_the_op(rank):
    x = noise(*SHAPES[rank])
    values, indices = pool_inputs(x)
    size = x.shape[1:-1]
    got = RANKS[rank](**POOL, output_size=size)([values, indices])
    same(got, max_unpool(values, indices, size, 3, 2, "same"))
    total = np.zeros_like(x)  # by a loop: overlapping windows that share a maximum add up
    for sample, v, i in zip(total.reshape(len(x), -1), values, indices):
        np.add.at(sample, i.ravel(), v.ravel())
    same(got, total)


@pytest.mark.parametrize("rank", RANKS)
def test_keeps_one_of_the_duplicates(rank, tmp_path):
    """The last value of those with one index, in NumPy's order of assignment."""
    x = np.maximum(noise(*SHAPES[rank]) - 1, 0) + np.linspace(0, 0.1, np.prod(SHAPES[rank])).reshape(SHAPES[rank])
    _, indices = pool_inputs(x.astype("float32"))
    values = noise(*indices.shape, seed=1)
    want = np.zeros((len(x), x[0].size), "float32")
    for sample, v, i in zip(want, values, indices):
        sample[i.ravel()] = v.ravel()
    layer = RANKS[rank](**POOL, output_size=x.shape[1:-1], duplicates="one")
    assert any(len(set(i.ravel())) < i.size for i in indices)
    same(layer([values, indices]), want.reshape(x.shape))
    same(type(layer).from_config(layer.get_config())([values, indices]), want.reshape(x.shape))


def test_without_duplicates_a_config_of_before_sums():
    config = MaxUnpooling1D(3, 1).get_config()
    assert config.pop("duplicates") == "sum"
    got = MaxUnpooling1D.from_config(config)([np.ones((1, 2, 1), "float32"), np.full((1, 2, 1), 2, "int32")])
    assert np.ravel(got).tolist() == [0, 0, 2, 0]


def test_takes_indices_of_any_origin():
    """As MaxUnpooling2DV2 of TensorFlow Addons, whose rule is here: row and column from the index, channel as it is."""
    rng = np.random.default_rng(0)
    values = noise(2, 3, 3, 2)
    position, want = rng.integers(0, 36, values.shape), np.zeros((2, 6, 6, 2), "float32")
    for b, i, j, c in np.ndindex(values.shape):
        want[b, position[b, i, j, c] // 6, position[b, i, j, c] % 6, c] += values[b, i, j, c]
    layer, x = MaxUnpooling2D(2, output_size=(6, 6)), [values, (position * 2 + np.arange(2)).astype("int32")]
    same(layer(x), want)
    inputs = [keras.Input((3, 3, 2)), keras.Input((3, 3, 2), dtype="int32")]
    for jit in (False, True):
        model = keras.Model(inputs, layer(inputs))
        model.compile(jit_compile=jit)
        same(model.predict(x, verbose=0), want)


def test_undoes_its_pool():
    """Disjoint windows: each maximum is back at its position, the rest is zero."""
    x = noise(2, 6, 4, 3)
    back = MaxUnpooling2D()(MaxPoolingWithArgmax2D()(x))
    top = np.repeat(np.repeat(x.reshape(2, 3, 2, 2, 2, 3).max((2, 4)), 2, 1), 2, 2)
    np.testing.assert_array_equal(back, np.where(x == top, x, 0))


@pytest.mark.parametrize("rank", RANKS)
def test_undoes_a_pool_in_ceil_mode(rank):
    """Windows of 2 over odd sizes: the last of each axis is cut off."""
    x = noise(2, *(5, 7, 3)[:rank], 2)
    pool = {1: MaxPoolingWithArgmax1D, 2: MaxPoolingWithArgmax2D, 3: MaxPoolingWithArgmax3D}[rank]
    values, indices = pool(2, ceil_mode=True)(x)
    want = np.zeros_like(x)
    for at in np.ndindex(tuple(-(-n // 2) for n in x.shape[1:-1])):
        box = tuple(slice(2 * i, 2 * i + 2) for i in at)
        part = x[(slice(None), *box)]
        top = part.max(tuple(range(1, rank + 1)), keepdims=True)
        want[(slice(None), *box)] = np.where(part == top, part, 0)
    same(RANKS[rank](2, ceil_mode=True)([values, indices, x]), want)
    same(RANKS[rank](2, ceil_mode=True, output_size=x.shape[1:-1])([values, indices]), want)
    filled = RANKS[rank](2, ceil_mode=True).compute_output_shape([values.shape, indices.shape])
    assert filled == (2, *(2 * -(-n // 2) for n in x.shape[1:-1]), 2)


def test_integers_stay_integers():
    values, indices = np.array([[[7], [9]]], "int32"), np.array([[[1], [2]]], "int32")
    symbols = [keras.Input((2, 1), dtype="int32")] * 2
    for policy in ("float32", "mixed_float16"):
        layer = MaxUnpooling1D(dtype=policy)
        assert dtype(layer([values, indices])) == dtype(layer(symbols)) == "int32"
    np.testing.assert_array_equal(layer([values, indices])[0, :, 0], [0, 7, 9, 0])


PAIR = [(1, 3, 3, 2), (1, 3, 3, 2)]


@pytest.mark.parametrize(
    "kwargs, shapes, words",
    [
        ({}, PAIR[:1], ["[values, indices] or [values, indices, reference]", "inputs=1"]),
        ({}, PAIR * 2, ["[values, indices, reference]", "inputs=4"]),
        ({}, PAIR[0], ["[values, indices, reference]", "inputs=1"]),
        ({}, [(1, 3, 2), (1, 3, 2)], ["rank 4", " 3, 2)"]),
        ({}, [*PAIR, (1, 6, 2)], ["rank 4", " 6, 2)"]),
        ({}, [(1, 3, 3, 2), (1, 3, 2, 2)], ["indices of the values' shape", "3, 2, 2)"]),
        ({"duplicates": "first"}, PAIR, ["duplicates, one of ('sum', 'one')", "duplicates='first'"]),
        ({"pool_size": 0}, PAIR, ["pool_size", "pool_size=0"]),
        ({"pool_size": 2.5}, PAIR, ["pool_size", "pool_size=2.5"]),
        ({"padding": "half"}, PAIR, ["padding, one of", "padding='half'"]),
        ({"output_size": 0}, PAIR, ["output_size, an integer of at least 1", "output_size=0"]),
        ({"output_size": (6, 6.5)}, PAIR, ["output_size", "output_size=(6, 6.5)"]),
        ({"output_size": (6, 8)}, PAIR, ["an output_size that pools to the values' size", "(6, 8), values=(3, 3)"]),
        ({"output_size": (6, 1)}, PAIR, ["a window that fits", "pool_size=2", "input=1"]),
        ({"ceil_mode": True, "output_size": (5, 7)}, PAIR, ["an output_size that pools to the values' size", "(5, 7)"]),
        ({}, [*PAIR, (1, 6, 9, 2)], ["an output_size that pools to the values' size", "(6, 9), values=(3, 3)"]),
    ],
)
def test_refuses(kwargs, shapes, words):
    check_refusal(MaxUnpooling2D, kwargs, shapes, *words)


@pytest.mark.parametrize("rank", [1, 3])
def test_refuses_in_other_ranks(rank):
    check_refusal(RANKS[rank], {}, PAIR, f"rank {rank + 2}", " 3, 3, 2)")
    check_refusal(RANKS[rank], {}, SHAPES[rank], "[values, indices]", "inputs=1")


def test_refuses_indices_that_are_no_integers():
    with pytest.raises(ValueError, match="MaxUnpooling2D expects integer indices.*dtype='float32'"):
        MaxUnpooling2D()([keras.Input((3, 3, 2)), keras.Input((3, 3, 2))])
    with pytest.raises(ValueError, match="integer indices.*float32"):
        MaxUnpooling2D()([np.zeros(PAIR[0], "float32")] * 2)
