"""Compares the locally connected layers with those of Keras 2 (tf-keras): random settings, forward and gradients.

Files that Keras 2 writes load with its outputs: models and weights, in each of its formats.

`tests/layers/test_locally_connected.py` does so for chosen settings, in both data formats.
"""

import numpy as np
import pytest
import tensorflow as tf

from kzoo import layers
from kzoo.layers.keras_2_weights import kernel_from_keras_2
from kzoo.models.keras_2_file import load_keras_2, load_keras_2_weights
from tests.ops.cases import normal

pytestmark = pytest.mark.peers
PEER = "tf-keras"
NEEDS = {"tf_keras": "tf_keras"}
tf_keras = None  # set by the conftest

CLOSE = 1e-5  # float32 sums in another order


def draw(rng, rank, form):
    """Returns spatial size, kernel size, strides, Keras 2's padding and kzoo's; form 1 supports only "valid".

    With "same" the first axis has more than 2 elements: for 2 elements, a window of 2 and two channels, a kernel of
    form 2 has the same shape as kzoo's, so its form cannot be recognised.
    """
    while True:
        size, strides = (tuple(int(n) for n in rng.integers(1, 4, rank)) for _ in "ks")
        spatial = tuple(int(k + n) for k, n in zip(size, rng.integers(0, 5, rank)))
        if form == 1 or rng.random() < 0.5:
            return spatial, size, strides, "valid", "valid"
        # Keras 2's "same" starts k // 2 elements before the sample, whatever the stride
        pairs = tuple((k // 2, (-(-n // s) - 1) * s + k - k // 2 - n) for n, k, s in zip(spatial, size, strides))
        if min(min(pair) for pair in pairs) >= 0 and spatial[0] > 2:
            return spatial, size, strides, "same", pairs


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("form", [1, 2, 3])
def test_locally_connected(compare, form, rank):
    """With copied weights. The gradient of a kernel of another form is converted like the kernel, by a linear map."""
    rng = np.random.default_rng([form, rank])
    for _ in range(25):
        spatial, size, strides, theirs, ours = draw(rng, rank, form)
        x = tf.constant(normal(rng, 2, *spatial, 2))
        old = getattr(tf_keras.layers, f"LocallyConnected{rank}D")(3, size, strides, theirs, implementation=form)
        old.build(x.shape)
        old.set_weights([normal(rng, *w.shape) for w in old.get_weights()])
        layer = getattr(layers, f"LocallyConnected{rank}D")(3, size, strides, ours)
        layer.build(x.shape)
        layer.set_weights(old.get_weights())

        sides = []
        for one in (layer, old):
            watched = [x, *(getattr(w, "value", w) if one is layer else w for w in one.trainable_weights)]
            with tf.GradientTape() as tape:
                tape.watch(watched)
                y = one(x)
            weights = np.random.default_rng(0).integers(-4, 5, y.shape).astype("float32")
            sides.append((y, [np.asarray(g) for g in tape.gradient(y, watched, tf.constant(weights))]))
        (y, grads), (wanted, (dx, kernel, bias)) = sides
        if kernel.shape != grads[1].shape:
            kernel = kernel_from_keras_2("test", kernel, spatial, grads[1].shape, layer.window, "channels_last")
        setting, op = (form, spatial, size, strides, theirs), f"LocallyConnected{rank}D, implementation {form}"
        compare(op, y, wanted, CLOSE, setting=setting)
        compare(op, grads, [dx, kernel, bias], CLOSE, "gradient", setting)


def random_model(rng, form):
    """Returns a model of Keras 2 with random weights: one locally connected layer or two, then a dense one."""
    rank, data_format = int(rng.integers(1, 3)), str(rng.choice(["channels_last", "channels_first"]))
    spatial, size, strides, padding, _ = draw(rng, rank, form)
    shape = (*spatial, 2) if data_format == "channels_last" else (2, *spatial)
    settings = {"data_format": data_format, "implementation": form, "use_bias": bool(rng.integers(2))}
    local = getattr(tf_keras.layers, f"LocallyConnected{rank}D")
    layers = [local(3, size, strides, padding, activation=str(rng.choice(["relu", "tanh", "linear"])), **settings)]
    if rng.random() < 0.5:
        layers.append(local(2, 1, **settings))
    model = tf_keras.Sequential(
        [tf_keras.layers.Input(shape), *layers, tf_keras.layers.Flatten(), tf_keras.layers.Dense(3)]
    )
    model.set_weights([normal(rng, *w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("form", [1, 2, 3])
@pytest.mark.parametrize("suffix", [".h5", ".keras", ".weights.h5", "_weights.h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file:UserWarning")
def test_files(compare, tmp_path, suffix, form):
    """The model of a whole file, in both data formats; and the weights of each format, put into that model."""
    rng = np.random.default_rng([form, len(suffix)])
    for number in range(15):
        theirs = random_model(rng, form)
        setting = [layer.get_config() for layer in theirs.layers]
        x = normal(rng, 3, *theirs.input_shape[1:])
        whole, file = (str(tmp_path / f"{number}{end}") for end in (".keras", suffix))
        theirs.save(whole)
        if suffix.endswith("weights.h5"):
            theirs.save_weights(file)
        else:
            theirs.save(file)
            compare(f"load_keras_2, {suffix}", load_keras_2(file)(x), theirs(x), CLOSE, setting=setting)
        model = load_keras_2(whole)
        model.set_weights([0 * weight for weight in model.get_weights()])
        load_keras_2_weights(model, file)
        compare(f"load_keras_2_weights, {suffix}", model(x), theirs(x), CLOSE, setting=setting)
