"""Islands: they compile, run as plain operations where they must, and change no result."""

import contextlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from kzoo import ops
from kzoo.ops import xla
from kzoo.ops.xla import compiling, forget_islands, island, no_islands
from tests.collect import collect
from tests.ops.harness import must_compile, traced

PLAIN = [
    *("pad", "conv", "max_pool", "table_conv", "bias_add", "gabor_conv", "gabor_energy", "scaled_tanh"),
    *("pixel_shuffle", "pixel_unshuffle", "standardize_kernel", "stochastic_depth", "unscaled_dropout"),
    "batch_norm",
]
SEVERAL = ["max_unpool", "max_unpool_scatter"]  # of which indices that are not known yet select one
CASES = collect("OP_CASES")
ISLANDS = [name for name in CASES if name not in PLAIN]
X = np.arange(24, dtype="float32").reshape(1, 6, 4, 1)


def graph_of(name, jit=False):
    """The graph of an op's first setting in 2D, and what it is called with."""
    inputs, kwargs = CASES[name].ten(2)[0]
    fn = tf.function(lambda *tensors: CASES[name].op(*tensors, **kwargs), autograph=False, jit_compile=jit)
    return fn.get_concrete_function(*map(tf.constant, inputs)).graph.as_graph_def()


@pytest.mark.parametrize("name", ISLANDS)
def test_an_op_is_compiled(name):
    compiled = len(must_compile(graph_of(name)))
    assert compiled == 1 or (name in SEVERAL and compiled > 1)


@pytest.mark.parametrize("name", ISLANDS)
def test_an_island_steps_aside(name):
    """A function that XLA compiles holds only itself, and within no_islands() there is no compiled function."""
    assert len(must_compile(graph_of(name, jit=True))) == 0
    with no_islands():
        assert len(must_compile(graph_of(name))) == 0
    assert must_compile(graph_of(name))


@pytest.mark.parametrize("name", PLAIN)
def test_plain_operations_are_left_to_tensorflow(name):
    assert len(must_compile(graph_of(name))) == 0


def test_contexts_nest_and_end_with_an_error():
    with no_islands():
        with no_islands():
            pass
        assert not must_compile(graph_of("max_unpool"))
    with pytest.raises(KeyError), no_islands():
        raise KeyError
    assert must_compile(graph_of("max_unpool"))


def test_settings_are_separate_functions_and_keep_their_answers():
    @island
    def power(x, *, n):
        return x**n

    x = tf.constant([2.0, 3.0])
    assert [np.asarray(power(x, n=n)).tolist() for n in (1, 2, 1, 3)] == [[2, 3], [4, 9], [2, 3], [8, 27]]
    assert power.__name__ == "power"


def test_forgotten_islands_compile_again():
    traces = []

    def scaled(x, factor):
        traces.append(factor)
        return x * factor

    fn = island(scaled)
    one = tf.constant([1.0, 2.0])
    first = fn(one, factor=3.0).numpy()
    fn(one, factor=3.0)
    assert traces == [3.0]
    forget_islands()
    np.testing.assert_array_equal(fn(one, factor=3.0), first)
    assert traces == [3.0, 3.0]


@pytest.mark.parametrize("bound", ["MOST_MAPS", "MOST_PROGRAMS", "MOST_SIZES"])
def test_programs_do_not_fill_the_memory(monkeypatch, bound):
    """Of forty sizes only the first are compiled; the others have the same outputs, as plain operations."""
    traces = []

    @island
    def doubled(x):
        traces.append(not tf.executing_eagerly())
        return x * 2

    monkeypatch.setattr(xla, "_room", 1)
    monkeypatch.setattr(xla, bound, xla.memory_maps() + 6 if bound == "MOST_MAPS" else 5)
    for size in (*range(1, 41), 1):
        np.testing.assert_array_equal(doubled(tf.ones((1, size, 2))), np.full((1, size, 2), 2.0))
    assert 0 < sum(traces) < 40
    assert xla.memory_maps() < xla.MOST_MAPS + 40  # the last program may exceed the limit


def test_memory_maps_are_rarely_counted(monkeypatch):
    """As it takes as long as compiling a small program once a process has many."""
    counted, count = [], xla.memory_maps
    monkeypatch.setattr(xla, "memory_maps", lambda: counted.append(count()) or counted[-1])
    monkeypatch.setattr(xla, "_room", 1)
    monkeypatch.setattr(xla, "MOST_MAPS", count() + 30 * xla.MAPS_OF_PROGRAM)
    for size in range(1, 41):
        ops.average_pool(tf.ones((1, size, 3)), 1)
    assert 2 <= len(counted) <= 4


def test_other_channels_and_settings_have_sizes_of_their_own(monkeypatch):
    """As the layers of a model have, which share the op."""
    traces = []

    @island
    def scaled(x, factor=1.0):
        traces.append(x.shape)
        return x * factor

    monkeypatch.setattr(xla, "MOST_SIZES", 1)
    for channels, factor in ((2, 1.0), (3, 1.0), (2, 2.0)):
        scaled(tf.ones((1, 4, channels)), factor=factor)
        scaled(tf.ones((1, 4, channels)), factor=factor)
        scaled(tf.ones((1, 5, channels)), factor=factor)  # traced at each call, as it is not compiled
    assert [shape[1] for shape in traces] == [4, 5] * 3


@pytest.mark.large
def test_two_thousand_sizes():
    """Memory and memory maps stop growing, in a process whose programs are as large as a user's."""
    code = """
        import resource, numpy as np
        from kzoo.layers import TiledConv2D
        from kzoo.ops import xla
        layer = TiledConv2D(4, 3)
        for index in range(2000):
            layer(np.ones((1, 20 + index // 40, 20 + index % 40, 2), "float32"))
            if index == 2 * xla.MOST_SIZES:
                full = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(xla.memory_maps(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - full)
    """
    maps, growth = map(int, in_a_process(code, XLA_FLAGS="").split())
    assert maps < 20_000 and growth < 100_000  # kB; of compiled sizes it would be millions


def test_sizes_unknown_when_a_graph_is_traced_are_not_compiled():
    """As each size would need a program of its own."""
    graph = traced(lambda x: ops.lp_pool(x, 2), (None, None, None, 1))
    assert not must_compile(graph.graph.as_graph_def())
    np.testing.assert_array_equal(graph(tf.constant(X)), ops.lp_pool(X, 2))
    assert must_compile(traced(lambda x: ops.lp_pool(x, 2), (None, 6, 4, 1)).graph.as_graph_def())


def test_compiling_is_seen():
    seen = []
    for jit in (False, True):
        tf.function(lambda x: seen.append(compiling()) or x, jit_compile=jit, autograph=False)(1.0)
    assert seen == [False, True] and not compiling()


@keras.saving.register_keras_serializable("tests")
class AllOps(keras.layers.Layer):
    """Every island in one layer, on images of one channel."""

    def call(self, x):
        y, indices = ops.max_pool_with_argmax(x, 2, 1, "circular")
        z = ops.max_unpool(y, indices, ksize=2, strides=1, padding="same")
        z = ops.tiled_conv(z, tf.ones((2, 2, 3, 3, 1, 2)), padding="same")
        z = ops.locally_connected(ops.adaptive_max_pool(z, 5), tf.ones((3, 3, 3, 3, 2, 2)))
        return ops.adaptive_average_pool(z, 2)

    def compute_output_spec(self, x):
        return keras.KerasTensor((x.shape[0], 2, 2, 2), x.dtype)


@keras.saving.register_keras_serializable("tests")
class PoolAndBack(keras.layers.Layer):
    """Two islands, cheap to compile."""

    def call(self, x):
        return ops.max_unpool(*ops.max_pool_with_argmax(x, 2), ksize=2)


def functions_of(folder):
    """Returns the functions of a SavedModel's file that only XLA can run."""
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((Path(folder) / "saved_model.pb").read_bytes())
    return [name for meta in model.meta_graphs for name in must_compile(meta.graph_def)]


@pytest.mark.large
def test_an_exported_model_holds_no_island(tmp_path):
    """Not even after a prediction, which has compiled the model's islands before."""
    inputs = keras.Input((6, 4, 1))
    net = keras.Model(inputs, AllOps()(inputs))
    net.compile("sgd", "mse", jit_compile=False)
    want = net.predict(X, verbose=0)
    net.export(tmp_path / "plain", verbose=False)
    assert functions_of(tmp_path / "plain") == []
    served = tf.saved_model.load(tmp_path / "plain").serve(X)
    np.testing.assert_allclose(served, want, rtol=1e-6)  # one order of sums against another
    assert must_compile(traced(AllOps(), X.shape).graph.as_graph_def())  # islands are on again

    module = tf.Module()
    module.call = tf.function(AllOps().call, input_signature=[tf.TensorSpec((None, 6, 4, 1))], autograph=False)
    tf.saved_model.save(module, tmp_path / "islands")
    assert functions_of(tmp_path / "islands")  # so that this test can fail
    module.call = tf.function(AllOps().call, input_signature=[tf.TensorSpec((None, 6, 4, 1))], autograph=False)
    with no_islands():
        tf.saved_model.save(module, tmp_path / "off")
    assert functions_of(tmp_path / "off") == []


def test_keras_trains_through_islands():
    """The same loss with islands, without them, and with the step compiled whole."""
    losses = []
    for jit, off in ((False, False), (False, True), (True, False)):
        keras.utils.set_random_seed(0)
        net = keras.Sequential([keras.Input((6, 4, 1)), keras.layers.Conv2D(1, 1), PoolAndBack()])
        net.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit)
        with no_islands() if off else contextlib.nullcontext():
            losses.append(net.fit(X / 24, X / 24, epochs=3, verbose=0).history["loss"])
    assert losses[1][2] < losses[1][0]
    np.testing.assert_allclose(losses, [losses[1]] * 3, rtol=1e-5)


@pytest.mark.large
def test_islands_work_in_deterministic_mode():
    """In a separate process, as the mode cannot be switched off: outputs and gradients, the same bits twice.

    Without -m large `tests/layers/test_every_layer.py` does so for the layers made of them.
    """
    code = """
        import numpy as np, tensorflow as tf
        tf.config.experimental.enable_op_determinism()
        from tests.collect import collect
        from tests.ops.harness import flat, outputs_and_gradients
        for name, case in collect("OP_CASES").items():
            setting = case.ten(case.ranks[0])[3]
            runs = [[np.asarray(a) for part in outputs_and_gradients(case, setting) for a in flat(part)] for _ in "ab"]
            for a, b in zip(*runs):
                np.testing.assert_array_equal(a, b, name)
        print("same")
    """
    assert in_a_process(code).endswith("same\n")


def in_a_process(code, **env):
    """Returns what Python code prints in a process of its own."""
    root = Path(__file__).parents[2]
    env = os.environ | {"PYTHONPATH": str(root)} | env
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=env, cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.large
def test_gradients_in_a_session_of_tensorflow_1():
    """In its graphs `==` of tensors compares identities; the gradients were zero."""
    x = np.random.default_rng(0).permutation(36).reshape(1, 6, 6, 1).astype("float32")

    def run(x):
        values, indices = ops.max_pool_with_argmax(x, 2)
        large, _ = ops.max_pool_with_argmax(x[:, :, :2], (6, 2))
        maxima = [
            *(
                values,
                large,
                ops.adaptive_max_pool(x, 4),
                ops.maxout(x, 2, 1),
                ops.fractional_max_pool(x, ([0, 2, 4, 6],) * 2),
            ),
            *(ops.max_unpool(values, indices, 6, 2), ops.max_unpool(values, indices, ksize=2)),
            *(ops.max_unpool(values, indices, 6, duplicates="one"), ops.stochastic_pool(x, 3), ops.lp_pool(x, 2)),
            *(ops.dilation(x, tf.zeros((2, 2, 1))), ops.fft_conv(x[:, 1:], tf.ones((2, 2, 1, 1)))),
        ]
        return [(y, tf.gradients(tf.reduce_sum(tf.cast(y, "float32") ** 2), x)[0]) for y in maxima]

    want = tf.function(run, autograph=False)(x)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        got = session.run(run(tf.constant(x)))
    for one, other in zip(got, want, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4)
        assert np.any(one[1] != 0)


def test_unknown_sizes_in_a_session_of_tensorflow_1():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder("float32", (None, None, None, 1))
        y = ops.max_unpool(*ops.max_pool_with_argmax(x, 2), [tf.shape(x)[1], tf.shape(x)[2]], 2)
        got = session.run(y, {x: X[:, ::-1]})
    np.testing.assert_array_equal(got, ops.max_unpool(*ops.max_pool_with_argmax(X[:, ::-1], 2), (6, 4), 2))
