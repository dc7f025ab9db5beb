"""Tests of all public layers together: Keras's conformance test, and three that need their own process.

Op determinism and virtual devices hold for a whole process, and JAX is the backend of a process: these tests run this
file as a script, `python -m tests.layers.test_every_layer PART ...`, or tests/layers/on_jax.py.
"""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from kzoo import layers
from tests.collect import collect
from tests.layers.cases import noise, objective

ROOT = pathlib.Path(__file__).parents[2]
CASES = collect("LAYER_CASES")


def test_every_layer_has_a_case():
    assert set(CASES) == set(layers.__all__), "define LAYER_CASES in the layer's test file"


OTHER_RANKS = [name for name in CASES if name.endswith(("1D", "3D"))]  # which share the code of 2D
LARGE = pytest.param(OTHER_RANKS, marks=pytest.mark.large, id="1D and 3D")
IN_TWO = pytest.mark.parametrize("names", [pytest.param([n for n in CASES if n not in OTHER_RANKS], id="2D"), LARGE])


@pytest.mark.large
@pytest.mark.parametrize("name", CASES)
def test_keras_conformance(name):
    from tests.layer_checks import check_conformance

    check_conformance(getattr(layers, name), CASES[name].kwargs, CASES[name].inputs)


@pytest.mark.large
@IN_TWO
def test_deterministic_ops(names):
    """With op determinism every layer alone runs, has gradients, and gives the same bits twice."""
    run(__name__, "deterministic", *names)


@pytest.mark.large
def test_strategies():
    """A model with every layer family trains two steps with the same bits twice, and on two devices as on one."""
    run(__name__, "strategies")


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
@IN_TWO
def test_jax(tmp_path, names):
    """Built on JAX with the same weights, where TensorFlow is not installed, every layer gives the same numbers."""
    values, kwargs = {}, {}
    for name in names:
        layer, weights = prepared(name)
        outputs, gradients = on_tensorflow(layer, name)
        kwargs[name] = CASES[name].kwargs
        parts = {"input": CASES[name].arrays, "weight": weights, "output": outputs, "gradient": gradients}
        values |= {f"{name}/{part}/{i}": np.asarray(a) for part, arrays in parts.items() for i, a in enumerate(arrays)}
    np.savez(tmp_path / "values.npz", **values)
    (tmp_path / "kwargs.json").write_text(json.dumps(kwargs))
    run("tests.layers.on_jax", tmp_path, backend="jax")


def run(module, *arguments, backend="tensorflow"):
    """Runs a module in its own process; it prints "done" at its end."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    env |= {"JAX_DISABLE_MOST_OPTIMIZATIONS": "true"}  # compiles several times faster
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{module} {arguments} failed:\n{done.stderr[-3000:]}"
    assert "done" in done.stdout, "the process ended before its checks did"


def prepared(name):
    """Returns a built layer with random weights, except integers, and these weights."""
    layer = getattr(layers, name)(**CASES[name].kwargs)
    layer.build(keras.tree.map_structure(lambda x: x.shape, CASES[name].inputs))
    rng = np.random.default_rng(2)
    drawn = [rng.normal(size=w.shape).astype("float32") for w in layer.weights]
    drawn = [abs(new) if w.name.endswith("variance") else new for w, new in zip(layer.weights, drawn)]
    weights = [np.asarray(w) if "int" in w.dtype else new for w, new in zip(layer.weights, drawn)]
    layer.set_weights(weights)
    return layer, weights


def on_tensorflow(layer, name):
    """Returns the outputs, and the gradients with respect to the first input and the weights."""
    import tensorflow as tf

    first, *rest = map(tf.constant, CASES[name].arrays)
    with tf.GradientTape() as tape:
        tape.watch(first)
        outputs = layer([first, *rest] if rest else first)
        total = objective(outputs)
    gradients = tape.gradient(total, [first, *(w.value for w in layer.trainable_weights)])
    return keras.tree.flatten(outputs), gradients


def deterministic(*names):
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    for name in names:
        layer, _ = prepared(name)
        first, second = (keras.tree.flatten(on_tensorflow(layer, name)) for _ in range(2))
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


def strategies():
    """The weights after two steps on two devices equal those of one, up to the order of float32 sums."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    single, _ = (twice(*made) for made in (everything(), drawing()))
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert strategy.num_replicas_in_sync == 2
    with strategy.scope():
        both = train(*everything())
        assert np.isfinite(np.concatenate([np.ravel(w) for w in train(*drawing())])).all()
    for a, b in zip(both, single, strict=True):
        # a bias before a normalization has a gradient that is only rounding, here 1e-6
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * max(np.abs(b).max(), 0.1))


def twice(model, arrays):
    """Trains a model twice from the same start and asserts that its weights end with the same bits; returns them."""
    start = [variable.numpy() for variable in model.variables]  # the states of random generators too
    first = train(model, arrays)
    start += [np.zeros(variable.shape) for variable in model.optimizer.momentums]
    for variable, value in zip([*model.variables, *model.optimizer.momentums], start, strict=True):
        variable.assign(value)
    for a, b in zip(first, fit(model, arrays), strict=True):
        np.testing.assert_array_equal(a, b)
    return first


def everything():
    """Returns a model with every layer family in 2D, which unpools by the indices of the pooling layer; and its inputs.

    A family that is not in the chain takes the inputs of its case. Those that draw in training are in `drawing`, as two
    devices draw different numbers from one.
    """
    keras.utils.set_random_seed(1)
    x = images = keras.Input((9, 8, 2))
    x = layers.Conv2D(4, 3, padding="circular", untied_bias=True, groups=2, activation="tanh")(x)
    x = layers.TiledConv2D(4, 3, tile=2, padding="same", activation="tanh")(x)
    x = layers.TableConv2D(4, 3, padding="same", connections=2, activation="tanh", seed=1)(x)
    size = x.shape[1:-1]
    x, indices = layers.MaxPoolingWithArgmax2D(3, 2, "same")(x)
    x = layers.MaxUnpooling2D(3, 2, "same", output_size=size)([x, indices])
    x = layers.Padding2D(1, "reflect")(x)
    x = keras.layers.Concatenate()([x, layers.GaborConv2D(4, 3, padding="same", energy=True)(x)])
    x = layers.LocalResponseNormalization()(layers.LocalContrastNormalization(3)(x))
    x = layers.SpatiallySeparableConv2D(4, 3, padding="same", terms=2)(layers.FFTConv2D(4, 3, padding="same")(x))
    x = layers.PolynomialTanh(2)(layers.DeformableConv2D(4, 2, padding="same")(x))
    x = keras.layers.Concatenate()([layers.Dilation2D(2, padding="same")(x), layers.Erosion2D(2, padding="same")(x)])
    x = layers.ChannelLPPooling(2)(x)
    x = keras.layers.Add()([pool(2, 1, "same")(x) for pool in (layers.LPPooling2D, layers.GaussianPooling2D)])
    x = layers.ScaledTanh()(layers.BlurPooling2D(3, 1)(x))
    x = layers.Subsampling2D(2, 1, activation="tanh")(x)
    x = layers.LocallyConnected2D(4, 3, 2, activation="tanh")(x)
    tops, _ = layers.AdaptiveMaxPooling2D(2, return_indices=True)(x)
    x = layers.Maxout(4)(keras.layers.Concatenate()([tops, layers.AdaptiveAveragePooling2D(2)(x)]))
    tops = [layers.SpatialPyramidPooling2D((2, 1))(x)]
    tops += [keras.layers.Flatten()(layers.MaskCapsules()(layers.Capsules(2, 3)(layers.PrimaryCapsules2D(2, 4, 2)(x))))]
    tops += [layers.Fastfood(5, activation="tanh")(keras.layers.Flatten()(x))]
    tops += [layers.RBF(3, activation="exponential")(keras.layers.Flatten()(x))]
    tops += [keras.layers.Flatten()(layers.KMaxPooling1D(3)(keras.layers.Reshape((-1, x.shape[-1]))(x)))]
    tops += [keras.layers.Flatten()(layers.FoveatedGlimpse2D(2)(x))]
    even = keras.layers.Resizing(4, 4)(x)
    tops += [keras.layers.Flatten()(layers.ProbabilisticMaxPooling2D(2)(even))]
    tops += [keras.layers.Flatten()(layers.KMeansFeatures2D(3, 2, epsilon=1.0)(x))]
    tops += [layers.DynamicPooling2D(3)(x), layers.ReceptiveFieldPooling2D(2, features=20)(x)]
    model = keras.Model(images, tops)
    present = {type(layer).__name__.rstrip("123D") for layer in model.layers}
    rest = {name.rstrip("123D"): name for name in CASES if name.rstrip("123D") not in present and not draws(name)}
    return branches(rest.values(), [images], [noise(8, 9, 8, 2)], tops)


def drawing():
    """Returns a model with every layer family that draws in training, on the inputs of their cases; and its inputs."""
    return branches({name.rstrip("123D"): name for name in CASES if draws(name)}.values())


def draws(name):
    return any("seed_generator" in v.path for v in prepared(name)[0].non_trainable_variables)


def branches(names, inputs=(), arrays=(), tops=()):
    """Returns a model of these outputs and those of the named layers on the inputs of their cases; and its inputs."""
    inputs, arrays, tops = list(inputs), list(arrays), list(tops)
    for name in names:
        layer, symbols = prepared(name)[0], [keras.Input(x.shape[1:], dtype=x.dtype) for x in CASES[name].arrays]
        inputs += symbols
        arrays += [np.concatenate([x[:2]] * 4) for x in CASES[name].arrays]
        outputs = keras.tree.flatten(layer(symbols if len(symbols) > 1 else symbols[0]))
        tops += [keras.layers.Flatten()(y) for y in outputs if "float" in y.dtype]
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Concatenate()(tops))), arrays


def train(model, arrays):
    """Trains two steps; returns the trained weights, after asserting that all of them have changed."""
    before = [w.numpy() for w in model.trainable_weights]
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse")
    after = fit(model, arrays)
    same = [w.path for w, a, b in zip(model.trainable_weights, after, before, strict=True) if (a == b).all()]
    assert not same, f"weights that did not change: {same}"
    return after


def fit(model, arrays):
    """Trains a compiled model two steps; returns the trained weights."""
    model.fit(arrays, noise(8, 1, seed=4), batch_size=4, epochs=1, shuffle=False, verbose=0)
    return [w.numpy() for w in model.trainable_weights]


if __name__ == "__main__":
    if keras.backend.backend() == "tensorflow":
        from tests.conftest import skip_tracebacks

        skip_tracebacks()
    globals()[sys.argv[1]](*sys.argv[2:])
    print("done")
