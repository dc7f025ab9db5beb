"""The randomization check: its correlations, by a loop; order of layers; weights are restored whatever happens."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis import project, randomization, randomization_check
from kzoo.analysis.randomization import shuffle, weights_restored
from kzoo.checks import Refusal
from tests.analysis.attribution_models import copies, noise

SHAPE = (9, 8, 1)


def stack():
    return [
        layers.Conv2D(3, 3, padding="same", name="a"),
        layers.ReLU(name="relu"),
        layers.Conv2D(4, 3, activation="relu", padding="same", name="b"),
        layers.Conv2D(2, 3, activation="relu", padding="same", name="c"),
        layers.Conv2D(2, 3, name="after"),
    ]


def ranks(x):
    """Returns the mean rank of each number: how many are smaller, and half of the others that are equal."""
    return np.array([(x < each).sum() + ((x == each).sum() - 1) / 2 for each in x])


@pytest.mark.parametrize("kind", ["functional", "sequential", "nested"])
def test_equals_a_loop(kind):
    built, x = copies(stack(), SHAPE)[kind], noise(2, *SHAPE)
    before = [np.array(w) for w in built.get_weights()]
    found = randomization_check(built, "c", 1, x, "deconvnet", seed=3)
    assert [path.rpartition("/")[2] for path in found.layers] == ["c", "b", "a"]
    for old, new in zip(before, built.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    original = project(built, "c", 1, x, "deconvnet")
    random = np.random.default_rng(3)
    for number, index in enumerate((2, 1, 0)):
        values = [random.permutation(w.ravel()).reshape(w.shape) for w in before[2 * index : 2 * index + 2]]
        built.set_weights([*built.get_weights()[: 2 * index], *values, *built.get_weights()[2 * index + 2 :]])
        for example in range(2):
            place = (*original.places[example], 1)
            changed = project(built, "c", tuple(map(int, place)), x[example : example + 1], "deconvnet")
            a, b = (ranks(y.ravel()) for y in (original.array[example], changed.array[0]))
            np.testing.assert_allclose(found.array[number, example], np.corrcoef(a, b)[0, 1], atol=1e-4)


def test_shared_layers_become_random_once():
    x = inputs = keras.Input((6, 1))
    shared = layers.Conv1D(1, 3, padding="same", activation="relu", name="shared")
    last = layers.Conv1D(2, 3, name="last")
    built = keras.Model(inputs, last(shared(shared(x))))
    assert randomization_check(built, "last", 0, noise(2, 6, 1)).layers == ("last", "shared")


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_weights_are_restored_after_errors(monkeypatch, error):
    built = copies(stack(), SHAPE)["functional"]
    before, calls = [np.array(w) for w in built.get_weights()], []
    real = randomization.project_at

    def fail(*args):
        calls.append([np.array(w) for w in built.get_weights()])
        if len(calls) == 3:
            raise error
        return real(*args)

    monkeypatch.setattr(randomization, "project_at", fail)
    with pytest.raises(error):
        randomization_check(built, "c", 1, noise(1, *SHAPE))
    assert not all(map(np.array_equal, before, calls[2]))
    assert all(map(np.array_equal, before, built.get_weights()))


def test_shuffled_weights_keep_their_values():
    layer = layers.BatchNormalization()
    layer.build((None, 50))
    for weight in layer.weights:
        weight.assign(np.abs(noise(50)))
    before = layer.get_weights()
    with weights_restored([layer.weights]):
        shuffle(layer, np.random.default_rng(0))
        for old, new in zip(before, layer.get_weights()):
            np.testing.assert_array_equal(np.sort(old), np.sort(new))
            assert np.any(old != new)
    assert all(map(np.array_equal, before, layer.get_weights()))


def test_constant_projections_have_no_correlation():
    built = copies(stack(), SHAPE)["functional"]
    built.get_layer("c").bias.assign([-100, -100])
    found = randomization_check(built, "c", 1, noise(1, *SHAPE))
    assert np.isnan(found.array).all() and found.plot()


def test_pictures_and_refusals():
    built = copies(stack(), SHAPE)["functional"]
    axes = randomization_check(built, "c", 1, noise(2, *SHAPE)).plot().axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["none", "c", "b", "a"]
    with pytest.raises(Refusal, match="^randomization_check expects seed, an integer from 0; received seed=-1"):
        randomization_check(built, "c", 1, noise(2, *SHAPE), seed=-1)
    with pytest.raises(Refusal, match="^randomization_check expects rule, one of"):
        randomization_check(built, "c", 1, noise(2, *SHAPE), "lrp")
    plain = keras.Sequential([keras.Input((6, 1)), layers.ReLU(name="relu")])
    with pytest.raises(Refusal, match="a layer that depends on weights; received layer='relu'"):
        randomization_check(plain, "relu", 0, noise(2, 6, 1))
