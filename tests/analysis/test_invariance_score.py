"""Invariance scores against a NumPy loop and extreme units, in all data formats, nested or not."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis.invariance_score import invariance
from kzoo.checks import Refusal
from kzoo.layers import Conv2D
from kzoo.models.registry import model as zoo_model


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def chain(shape, *parts):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input(shape), *parts])


def score_by_a_loop(model, x, moves, count, sign):
    """One unit at a time, one input at a time."""
    y = sign * np.asarray(model(x), "float64").reshape(len(x), -1)
    scores = []
    for unit in range(y.shape[1]):
        ordered = sorted(y[:, unit], reverse=True)
        threshold = (ordered[count - 1] + ordered[count]) / 2
        firing = [i for i in range(len(x)) if y[i, unit] >= threshold]
        kept = [
            sign * float(np.asarray(model(move(x[i : i + 1]))).reshape(-1)[unit]) >= threshold
            for i in firing
            for move in moves
        ]
        scores.append(np.mean(kept) / (len(firing) / len(x)))
    return np.array(scores)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_against_a_loop(activation):
    x = noise(40, 6, 2)
    model = chain((6, 2), layers.Conv1D(2, 3, activation=activation, name="conv"))
    moves = [lambda a, n=n: np.roll(a, n, 1) for n in (-1, 0, 2)]
    low, high = (score_by_a_loop(model, x, moves, 4, sign) for sign in (-1, 1))
    found = invariance(model, "conv", "shift", x, [-1, 0, 2], rate=0.1, batch_size=16)
    assert found.scores.shape == (4, 2)
    np.testing.assert_allclose(found.scores.ravel(), np.maximum(low, high), rtol=1e-6)
    np.testing.assert_array_equal(found.sign.ravel(), np.where(low > high, -1, 1))
    np.testing.assert_allclose(found.score, np.mean(sorted(np.maximum(low, high))[4:]), rtol=1e-6)
    single = invariance(model, "conv", "shift", x, [-1, 0, 2], rate=0.1, signs=[1], best=1)
    np.testing.assert_allclose(single, high.reshape(4, 2), rtol=1e-6)
    np.testing.assert_allclose(single.score, high.mean(), rtol=1e-6)


def test_global_max_pooling_is_fully_invariant():
    x = noise(200, 8, 8, 1)
    model = chain((8, 8, 1), Conv2D(5, 3, padding="circular"), layers.GlobalMaxPooling2D(name="pool"))
    found = invariance(model, "pool", "shift", x)
    assert (found.local_rate == 1).all() and (found.global_rate == 0.01).all()
    np.testing.assert_allclose(found.scores, 100)
    assert found.amounts == tuple(range(-3, 4)) and found.score == pytest.approx(100)


def test_position_selective_units_are_not_invariant():
    """One bright pixel on each image: the unit that sees it fires, and no longer when the image is shifted."""
    places = np.arange(80) % 8
    x = np.zeros((80, 8, 1), "float32")
    x[np.arange(80), places, 0] = 1 + np.arange(80) / 80
    model = chain((8, 1), layers.Activation("linear", name="pixels"))
    found = invariance(model, "pixels", "shift", x, [1, 2], rate=0.05, signs=(1,))
    assert (found.local_rate == 0).all() and (found.scores == 0).all() and (found.global_rate == 0.05).all()
    np.testing.assert_allclose(invariance(model, "pixels", "shift", x, [0], rate=0.05), 20)


def test_units_that_never_change_score_1():
    found = invariance(chain((8, 1), layers.Rescaling(0.0, name="zero")), "zero", "shift", noise(50, 8, 1))
    assert (found.scores == 1).all() and (found.global_rate == 1).all() and found.score == 1


def test_the_score_is_that_of_the_best_units():
    """A quarter of the units is a map's maximum, the others are single pixels."""
    x = keras.Input((3, 1))
    y = layers.Concatenate(name="both")([layers.GlobalMaxPooling1D()(x), layers.Flatten()(x)])
    found = invariance(keras.Model(x, y), "both", "shift", noise(300, 3, 1), [1], signs=[1], best=0.25)
    assert found.score == pytest.approx(100) == found.scores[0] and (found.scores[1:] < 50).all()


def small(data_format="channels_last"):
    x = keras.Input((8, 8, 2) if data_format == "channels_last" else (2, 8, 8))
    y = Conv2D(4, 3, padding="same", data_format=data_format, name="conv")(x)
    return keras.Model(x, layers.GlobalAveragePooling2D(data_format=data_format, name="pool")(y), name="small")


@pytest.mark.parametrize("transform", ["shift", "rotation", "scale", "flip"])
def test_structures_and_data_formats(transform):
    flat, first = small(), small("channels_first")
    sequence = keras.Sequential([keras.Input((8, 8, 2)), *flat.layers[1:]])
    nested = keras.Sequential([keras.Input((8, 8, 2)), flat])
    first.set_weights(flat.get_weights())
    x = noise(30, 8, 8, 2)
    wanted = invariance(flat, "conv", transform, x, rate=0.1)
    assert wanted.scores.shape == (8, 8, 4) and 1 < wanted.score < 10
    for model, inputs in ((sequence, x), (nested, x), (first, np.moveaxis(x, -1, 1))):
        np.testing.assert_allclose(invariance(model, "conv", transform, inputs, rate=0.1), wanted, rtol=1e-6)


def test_a_model_of_the_zoo(tmp_path):
    found = invariance(zoo_model("mnist1d_cnn"), "stage1", "shift", noise(100, 40, 1))
    assert found.scores.shape == (19, 15) and found.plot(tmp_path / "a.png").axes


def test_refusals():
    model, x = small(), noise(4, 8, 8, 2)
    for arguments, message in (
        ({"layer": "cnv"}, "did you mean 'conv'"),
        ({"transform": "turn"}, "^invariance expects transform, one of"),
        ({"inputs": x[0]}, "^invariance expects inputs, an array of numbers"),
        ({"amounts": []}, "^invariance expects amounts"),
        ({"border": "crop"}, "^invariance expects border, one of"),
        ({"rate": 0}, "^invariance expects rate, a share above 0 and up to 1; received rate=0"),
        ({"best": 1.5}, "^invariance expects best, a share above 0"),
        ({"signs": (2,)}, "^invariance expects signs"),
        ({"batch_size": -1}, "^invariance expects batch_size"),
        ({"inputs": x * np.nan}, "^invariance expects inputs that are finite"),
    ):
        with pytest.raises(Refusal, match=message):
            invariance(**{"model": model, "layer": "conv", "transform": "shift", "inputs": x} | arguments)
    endless = chain((8, 1), layers.Rescaling(float("inf"), name="endless"))
    with pytest.raises(
        Refusal, match="^invariance expects layer, one whose outputs are finite; received layer='endless'"
    ):
        invariance(endless, "endless", "shift", noise(4, 8, 1))
