"""SparseSquaredHinge: a sum by hand, scikit-learn's LinearSVC reached by training, a file, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.losses import SparseSquaredHinge


def test_by_hand():
    labels, scores = np.array([2, 0]), np.float32([[0.5, -2, 3], [0.25, -1, 0]])
    assert float(SparseSquaredHinge()(labels, scores)) == (1.5**2 + (0.75**2 + 1)) / 2
    assert float(SparseSquaredHinge(reduction="sum")(labels[:, None], scores)) == 1.5**2 + 0.75**2 + 1


def test_is_level_at_the_support_vector_machine():
    """With L2(1 / (2 C)) on the kernel the minimum equals scikit-learn's at C / examples."""
    from sklearn.svm import LinearSVC

    draw = np.random.default_rng(0)
    labels = np.arange(60) % 3
    x = (draw.normal(size=(60, 4)) + np.eye(3, 4)[labels]).astype("float32")
    # its bias is regularized as the weight of a constant input: the larger the input, the less
    known = LinearSVC(C=10 / 60, intercept_scaling=100, tol=1e-8, max_iter=100_000).fit(x, labels)
    dense = keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(1 / (2 * 10)))
    dense.build((None, 4))

    def slopes(kernel):
        dense.set_weights([kernel, known.intercept_])
        with tf.GradientTape() as tape:
            loss = SparseSquaredHinge()(labels, dense(x)) + sum(dense.losses)
        return np.concatenate([np.ravel(slope) for slope in tape.gradient(loss, [w.value for w in dense.weights])])

    np.testing.assert_allclose(slopes(known.coef_.T), 0, atol=2e-3)
    assert np.abs(slopes(known.coef_.T + 0.1)).max() > 0.1


def test_is_restored_from_a_file(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile("sgd", SparseSquaredHinge(), metrics=["accuracy"])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.loss, SparseSquaredHinge)
    x = np.float32(np.eye(4))
    labels = model(x).numpy().argmax(1)
    assert model.evaluate(x, labels, verbose=0)[1] == 1  # the metric also takes integer labels


def test_refuses():
    with pytest.raises(ValueError, match="SparseSquaredHinge expects scores of two classes or more"):
        SparseSquaredHinge()([0], [[0.5]])
