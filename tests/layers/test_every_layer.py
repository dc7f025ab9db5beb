"""Tests of all public layers together: Keras's conformance test, and four that need their own process.

Op determinism and virtual devices hold for a whole process, and JAX is the backend of a process: these tests run this
file as a script, `python -m tests.layers.test_every_layer PART ...`.
"""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from kzoo import layers
from tests.collect import collect
from tests.layers.cases import noise

ROOT = pathlib.Path(__file__).parents[2]
CASES = collect("LAYER_CASES")


def test_every_layer_has_a_case():
    assert set(CASES) == set(layers.__all__), "define LAYER_CASES in the layer's test file"


@pytest.mark.parametrize("name", CASES)
def test_keras_conformance(name):
    from tests.layer_checks import check_conformance

    check_conformance(getattr(layers, name), CASES[name].kwargs, CASES[name].inputs)


def test_deterministic_ops():
    """With op determinism every layer runs, trains, and gives the same bits twice."""
    run("deterministic")


def test_mirrored_strategy():
    """A model with every layer family trains two steps on two devices as on one."""
    run("mirrored")


def test_jax(tmp_path):
    """Built on JAX with the same weights, every layer gives TensorFlow's outputs and gradients."""
    expected = {}
    for name in CASES:
        layer, weights = prepared(name)
        outputs, gradients = on_tensorflow(layer, name)
        for part, values in (("weight", weights), ("output", outputs), ("gradient", gradients)):
            expected |= {f"{name}/{part}/{i}": np.asarray(value) for i, value in enumerate(values)}
    np.savez(tmp_path / "expected.npz", **expected)
    run("on_jax", tmp_path / "expected.npz", backend="jax")


def run(part, *arguments, backend="tensorflow"):
    """Runs one function of this file in its own process."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    # speed does not matter here, and without optimizations programs compile several times faster
    env |= {"JAX_DISABLE_MOST_OPTIMIZATIONS": "true", "XLA_FLAGS": "--xla_backend_optimization_level=0"}
    command = [sys.executable, "-m", "tests.layers.test_every_layer", part, *map(str, arguments)]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{part} failed:\n{done.stderr[-3000:]}"
    assert f"{part} done" in done.stdout, "the process ended before its checks did"


def prepared(name):
    """Returns a built layer with random weights, except integers, and these weights."""
    layer = getattr(layers, name)(**CASES[name].kwargs)
    layer.build(keras.tree.map_structure(lambda x: x.shape, CASES[name].inputs))
    rng = np.random.default_rng(2)
    drawn = [rng.normal(size=w.shape).astype("float32") for w in layer.weights]
    weights = [np.asarray(w) if "int" in w.dtype else new for w, new in zip(layer.weights, drawn)]
    layer.set_weights(weights)
    return layer, weights


def objective(outputs):
    """Returns a scalar that depends on every entry of the floating-point outputs, each with its own factor."""
    parts = [y for y in keras.tree.flatten(outputs) if "float" in keras.backend.standardize_dtype(y.dtype)]
    return sum(keras.ops.sum(y * noise(*y.shape, seed=3)) for y in parts)


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


def on_jax(path):
    import jax

    assert keras.backend.backend() == "jax"
    expected = dict(np.load(path))
    for name in CASES:
        layer, weights = prepared(name)
        first, *rest = CASES[name].arrays
        trained = [w.value for w in layer.trainable_weights]

        def loss(first, trained, layer=layer, rest=rest):
            others = [v.value for v in layer.non_trainable_variables]
            outputs, _ = layer.stateless_call(trained, others, [first, *rest] if rest else first)
            return objective(outputs), outputs

        compiled = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))  # op by op it takes 60 s longer
        (input_gradient, weight_gradients), outputs = compiled(first, trained)
        got = {
            "weight": weights,
            "output": keras.tree.flatten(outputs),
            "gradient": [input_gradient, *weight_gradients],
        }
        for part, values in got.items():
            for i, value in enumerate(map(np.asarray, values)):
                wanted = expected.pop(f"{name}/{part}/{i}")
                assert value.dtype == wanted.dtype, (name, part, i, value.dtype, wanted.dtype)
                # terms are of order 1, and a smaller gradient is a difference of them
                scale = max(np.abs(wanted).max(), 1) if "float" in wanted.dtype.name else 0
                np.testing.assert_allclose(value, wanted, rtol=0, atol=1e-5 * scale, err_msg=f"{name} {part} {i}")
    assert not expected, f"not compared: {list(expected)}"


def deterministic():
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    for name in CASES:
        layer, _ = prepared(name)
        first, second = (keras.tree.flatten(on_tensorflow(layer, name)) for _ in range(2))
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)
    first, second = (train(*everything()) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def mirrored():
    """The weights after two steps equal those of one device, up to the order of float32 sums."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    single = train(*everything(random=False))
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert strategy.num_replicas_in_sync == 2
    with strategy.scope():
        both = train(*everything(random=False))
        assert np.isfinite(np.concatenate([np.ravel(w) for w in train(*everything())])).all()
    for a, b in zip(both, single, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * max(np.abs(b).max(), 1e-3))


def everything(random=True):
    """Returns a model of every layer family, in 2D where there is a choice, each on inputs of its own; and the inputs.

    A dense layer in front of each has a gradient only if the layer passes one on. Without `random`, layers that draw in
    training are left out, as two devices draw different numbers from one.
    """
    keras.utils.set_random_seed(1)
    inputs, arrays, parts = [], [], []
    for name in {name.rstrip("123D"): name for name in sorted(CASES, key=lambda name: name.endswith("2D"))}.values():
        symbols = [keras.Input(x.shape[1:], dtype=x.dtype) for x in CASES[name].arrays]
        first, *rest = symbols
        first = keras.layers.Dense(first.shape[-1])(first)
        layer = getattr(layers, name)(**CASES[name].kwargs)
        outputs = keras.tree.flatten(layer([first, *rest] if rest else first))
        if not random and any("seed_generator" in v.path for v in layer.non_trainable_variables):
            continue
        inputs += symbols
        arrays += [x[:2] for x in CASES[name].arrays]
        floats = [keras.layers.Flatten()(y) for y in outputs if "float" in y.dtype]
        parts += [keras.layers.Dense(1)(keras.layers.LayerNormalization()(y)) for y in floats]
    return keras.Model(inputs, keras.layers.Average()(parts)), arrays


def train(model, arrays):
    """Trains two steps; returns the trained weights, after asserting that all of them have changed."""
    before = [w.numpy() for w in model.trainable_weights]
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse")
    x = [np.concatenate([a / n if a.dtype.kind == "f" else a for n in (1, 2, 3, 4)]).astype(a.dtype) for a in arrays]
    model.fit(x, noise(8, 1, seed=4), batch_size=4, epochs=1, shuffle=False, verbose=0)
    after = [w.numpy() for w in model.trainable_weights]
    same = [w.path for w, a, b in zip(model.trainable_weights, after, before, strict=True) if (a == b).all()]
    assert not same, f"weights that did not change: {same}"
    return after


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
    print(sys.argv[1], "done")
