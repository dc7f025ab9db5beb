"""SavedModels: equal in a bare process, plain TensorFlow operations within, and refused where they are not right."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.export import saved_model
from kzoo.export.saved_model import export_saved_model, max_difference, run_bare

X = np.random.default_rng(0).normal(size=(600, 12, 12, 2)).astype("float32")  # more than one batch of 500


@pytest.fixture(scope="module")
def net():
    """A net of every family of layers, those with XLA islands too."""
    inputs = keras.Input((12, 12, 2))
    x = layers.Conv2D(4, 3, strides=2, dilation_rate=1, padding="reflect", groups=2, activation="relu")(inputs)
    y, indices = layers.MaxPoolingWithArgmax2D(2)(x)
    x = x + layers.MaxUnpooling2D(2)([y, indices])
    x = layers.TiledConv2D(3, 3, tile=2, activation="relu")(x)
    x = layers.LocallyConnected2D(3, 2)(x)
    x = keras.layers.Concatenate()([layers.AdaptiveAveragePooling2D(2)(x), layers.AdaptiveMaxPooling2D(2)(x)])
    return keras.Model(inputs, keras.layers.Dense(5, "softmax")(keras.layers.Flatten()(x)))


def bare_here(path, examples):
    """`run_bare` in this process, where a new one would show nothing more."""
    loaded = tf.saved_model.load(str(path))
    return loaded.serve(tf.constant(examples)).numpy()


@pytest.fixture(scope="module")
def exported(net, tmp_path_factory):
    """Path of the net's SavedModel, and the difference that was found."""
    path = tmp_path_factory.mktemp("export") / "saved_model"
    return path, export_saved_model(net, path, X)


def test_equal_in_a_bare_process(net, exported):
    path, difference = exported
    assert 0 <= difference <= 1e-5
    np.testing.assert_allclose(bare_here(path, X[:7]), net(X[:7]), atol=1e-5)
    assert bare_here(path, X[:1]).shape == (1, 5)  # any batch


def test_holds_plain_operations_only(exported):
    graph = (
        saved_model_pb2.SavedModel.FromString((exported[0] / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def
    )
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    known = {name.lower() for name in dir(tf.raw_ops)}
    odd = {node.op for node in nodes if node.op.lower().replace("_", "") not in known}
    own = {function.signature.name for function in graph.library.function}
    assert odd - own == set()
    assert not [node.op for node in nodes if node.op.startswith("Xla")]
    marks = [mark for thing in (*nodes, *graph.library.function) for mark in thing.attr if thing.attr[mark].b]
    assert "_XlaMustCompile" not in marks and "_XlaCompile" not in marks


def test_a_wrong_model_is_refused(net, exported, tmp_path, monkeypatch):
    """One weight changed between export and check, by a little more than rounding."""
    monkeypatch.setattr(saved_model, "run_bare", bare_here)
    real, kernel = net.export, net.layers[-1].kernel

    def export(path, **settings):
        real(path, **settings)
        kernel.assign_add(np.full(kernel.shape, 0.0) + 1e-3 * np.eye(*kernel.shape))

    monkeypatch.setattr(net, "export", export)
    before = kernel.numpy()
    try:
        with pytest.raises(
            Refusal, match=r"^export: the SavedModel at .*wrong differs from the model by \d.\de-0\d of"
        ):
            export_saved_model(net, tmp_path / "wrong", X[:20])
    finally:
        kernel.assign(before)


def test_nan_is_refused(net, tmp_path, monkeypatch):
    monkeypatch.setattr(saved_model, "run_bare", lambda path, x: np.full((len(x), 5), np.nan))
    with pytest.raises(Refusal, match="differs from the model by nan"):
        export_saved_model(net, tmp_path / "nan", X[:20])


def test_one_that_does_not_run_is_refused(tmp_path):
    with pytest.raises(Refusal, match="does not run in a bare process: .*nowhere") as caught:
        run_bare(tmp_path / "nowhere", X[:1])
    assert "\n" not in str(caught.value)


def test_max_difference():
    assert max_difference(np.array([0.0, 4.0]), np.array([1.0, 4.0])) == 0.25
    assert max_difference(np.zeros(3), np.zeros(3)) == 0 and np.isnan(max_difference([1.0], [np.nan]))
    assert max_difference(np.array([-8.0]), np.array([-6.0])) == 0.25
