"""Models that are run call by call equal the models themselves, nested or not; their logits; and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.analysis.patches import top_patches
from kzoo.analysis.walk import activation_replaced, before_softmax, channels_first, compute, outputs_at, run
from kzoo.checks import Refusal
from kzoo.models.registry import model


def nested(inner):
    return keras.Sequential([keras.Input(inner.input_shape[1:]), keras.layers.Rescaling(2.0, name="double"), inner])


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


LARGE = [pytest.param(name, marks=pytest.mark.large) for name in ("segnet_basic", "two_stream")]


@pytest.mark.parametrize("name", ["mnist1d_tiled", "lenet5", "googlenet", "capsnet", *LARGE])
def test_runs_as_the_model_itself(name):
    built = model(name)
    inputs = [noise(2, *(n or 32 for n in symbol.shape[1:])) for symbol in built.inputs]
    wanted = keras.tree.flatten(built(inputs if len(inputs) > 1 else inputs[0], training=False))
    for y, expected in zip(run(built, inputs), wanted, strict=True):
        np.testing.assert_array_equal(y, expected)


def test_layers_of_nested_models():
    inner = model("mnist1d_cnn")
    outer, x = nested(inner), noise(2, 40, 1)
    (a,), (b,) = outputs_at(outer, x, ["stage2"]), outputs_at(inner, 2 * x, ["stage2"])
    np.testing.assert_array_equal(a, b)
    (whole,) = outputs_at(outer, x, [inner.name])
    np.testing.assert_array_equal(whole, outer(x))


def test_a_tape_knows_the_way_from_a_layer_to_the_output():
    built, x = model("mnist1d_cnn"), noise(1, 40, 1)
    with tf.GradientTape() as tape:
        found = {}

        def watch(path, *call):
            y = compute(path, *call)
            if path == "stage1":
                tape.watch(y)
                found["y"] = y
            return y

        y = run(built, x, watch)[0][0, 0]
    assert tape.gradient(y, found["y"]).shape == found["y"].shape


@pytest.mark.parametrize("softmax", ["layer", "activation", "dense", "op"])
def test_logits(softmax):
    x = inputs = keras.Input((4,))
    x = keras.layers.Dense(3, "softmax" if softmax == "dense" else None, name="fc")(x)
    after = {"layer": keras.layers.Softmax(), "activation": keras.layers.Activation("softmax"), "op": keras.ops.softmax}
    flat = keras.Model(inputs, after[softmax](x) if softmax in after else x)
    a = noise(2, 4)
    wanted = a @ np.asarray(flat.get_layer("fc").kernel)
    for built in (flat, keras.Sequential([keras.Input((4,)), flat])):
        (found,) = run(built, a, before_softmax(built))
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(built(a), keras.ops.softmax(wanted), rtol=1e-5)  # as before


def test_logits_of_several_outputs():
    """A coarse class, and a fine one that is computed from its probabilities: each layer's logits change no other."""
    x = keras.Input((4,))
    coarse = keras.layers.Dense(2, "softmax", name="coarse")(x)
    fine = keras.layers.Dense(3, "softmax", name="fine")(keras.layers.Concatenate()([x, coarse]))
    built, a = keras.Model(x, [coarse, fine]), noise(2, 4)
    probabilities = keras.ops.concatenate([a, built(a)[0]], -1)
    wanted = {"coarse": a @ built.get_layer("coarse").kernel, "fine": probabilities @ built.get_layer("fine").kernel}
    for layer, logits in wanted.items():
        (found,) = outputs_at(built, a, [layer], before_softmax(built, layer=layer))
        np.testing.assert_allclose(found, logits, rtol=1e-5, atol=1e-6)
        for output, own in zip(run(built, a, before_softmax(built, layer="concatenate")), built(a)):
            np.testing.assert_allclose(output, own, rtol=1e-6)
    values = top_patches(built, "fine", 1, a, count=1).values
    np.testing.assert_allclose(values, [wanted["fine"].numpy()[:, 1].max()], rtol=1e-5)


def test_models_without_a_softmax_have_their_outputs_as_logits():
    built = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "relu")])
    x = noise(2, 4)
    np.testing.assert_array_equal(run(built, x, before_softmax(built))[0], built(x))


def test_activations_are_restored_after_an_error():
    layer = keras.layers.Dense(2, "relu")
    with pytest.raises(ZeroDivisionError), activation_replaced(layer, keras.activations.linear):
        raise ZeroDivisionError
    assert layer.activation is keras.activations.relu


def test_data_formats():
    first = keras.Sequential([keras.Input((3, 8, 8)), keras.layers.Conv2D(2, 3, data_format="channels_first")])
    assert channels_first(first) and channels_first(keras.Sequential([keras.Input((3, 8, 8)), first]))
    assert not channels_first(model("lenet5"))


def test_layers_that_keep_a_state_between_calls():
    x, layer = keras.Input((8, 2), batch_size=3), keras.layers.LSTM(4, stateful=True, name="lstm")
    outer = keras.Model(x, keras.Sequential([x, layer], name="body")(x))
    with pytest.raises(Refusal, match="^analysis expects layers without a state .*; received layer='body/lstm'"):
        run(outer, noise(3, 8, 2))


def test_refusals():
    shared = keras.layers.Dense(4, name="shared")
    x = keras.Input((4,))
    twice = keras.Model(x, shared(shared(x)), name="twice")
    with pytest.raises(Refusal, match="^twice expects layer, one that is called once; shared is called 2 times"):
        outputs_at(twice, noise(1, 4), ["shared"])
    with pytest.raises(Refusal, match="did you mean 'shared'"):
        outputs_at(twice, noise(1, 4), ["shard"])
    with pytest.raises(Refusal, match="as many arrays as twice has inputs, 1; received inputs=2"):
        run(twice, [noise(1, 4), noise(1, 4)])
