"""Losses and metrics given labels, outputs and weights of many shapes and dtypes: NumPy's number, or one line."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import kzoo.losses
import kzoo.metrics
from kzoo.checks import Refusal
from kzoo.losses.capsule_margin_loss import CapsuleMarginLoss
from kzoo.losses.label_loss import LabelLoss

CLASSES, VOID = 3, 7


def of_capsules(target, scores):
    present = np.eye(CLASSES)[target]
    short, long = np.maximum(0, 0.9 - scores), np.maximum(0, scores - 0.1)
    return (present * short**2 + 0.5 * (1 - present) * long**2).sum()


def of_rbf(target, scores):
    return -scores[target] + np.log(np.exp(-1) + np.exp(scores).sum())


def of_hinge(target, scores):
    return sum(max(0, 1 - (1 if k == target else -1) * s) ** 2 for k, s in enumerate(scores))


def of_entropy(target, scores):
    return -np.log(scores[target] / scores.sum())


def of_accuracy(target, scores):
    return float(scores.argmax() == target)


CASES = {  # name: (a new object, its value at one position, whether outputs may have more axes than (batch, classes))
    "CapsuleMarginLoss": (CapsuleMarginLoss, of_capsules, False),
    "MaskedAccuracy": (lambda: kzoo.metrics.MaskedAccuracy(VOID), of_accuracy, True),
    "RBFLoss": (kzoo.losses.RBFLoss, of_rbf, False),
    "SparseSquaredHinge": (kzoo.losses.SparseSquaredHinge, of_hinge, True),
    "WeightedCrossentropy": (lambda: kzoo.losses.WeightedCrossentropy(ignore_class=VOID), of_entropy, True),
}
LOSSES = [name for name in CASES if name != "MaskedAccuracy"]
LABELS, SCORES = np.array([0, 2, 1, 1]), np.random.default_rng(0).dirichlet(np.ones(CLASSES), 4).astype("float32")


def value(name, y_true, y_pred, sample_weight=None):
    """Returns what the loss or the metric of this name gives."""
    made = CASES[name][0]()
    if isinstance(made, keras.losses.Loss):
        return float(made(y_true, y_pred, sample_weight))
    made.update_state(y_true, y_pred, sample_weight)
    return float(made.result())


def mean(name, y_true, y_pred):
    return np.mean([CASES[name][1](y_true[at], y_pred[at]) for at in np.ndindex(y_true.shape)])


def test_every_public_class_is_here():
    public = [cls for module in (kzoo.losses, kzoo.metrics) for cls in vars(module).values() if inspect.isclass(cls)]
    public = {cls.__name__ for cls in public if issubclass(cls, (keras.losses.Loss, keras.metrics.Metric))}
    assert public - {"R2Score"} == CASES.keys()  # which is of numbers
    assert all(issubclass(getattr(kzoo.losses, name), LabelLoss) for name in LOSSES)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64", "float16"])
def test_labels_of_every_dtype_and_accepted_shape(name, dtype):
    want = mean(name, LABELS, SCORES)
    for labels in (LABELS.astype(dtype), LABELS.astype(dtype)[:, None], LABELS.tolist()):
        assert value(name, labels, SCORES) == pytest.approx(want, rel=1e-5)
    if CASES[name][2]:
        labels, scores = LABELS.reshape(2, 2), SCORES.reshape(2, 2, CLASSES)
        assert value(name, labels.astype(dtype), scores) == pytest.approx(want, rel=1e-5)
        assert value(name, labels.astype(dtype)[..., None], scores) == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    "y_true, y_pred, weight, words",
    [
        (np.eye(3)[LABELS][:, :2], SCORES, None, r"y_true \(batch, ...\).* received y_true=\(4, 2\)"),
        (LABELS[:1], SCORES, None, r"y_true.* received y_true=\(1,\), y_pred=\(4, 3\)"),
        (LABELS[None], SCORES, None, r"y_true.* received y_true=\(1, 4\)"),
        (0, SCORES, None, r"y_true.* received y_true=\(\)"),
        (LABELS, SCORES[:, 0], None, r"y_pred \(batch, ..., classes\); received y_pred=\(4,\)"),
        (LABELS, SCORES[:, :0], None, r"y_pred \(batch, ..., classes\); received y_pred=\(4, 0\)"),
        (np.array(["cat"] * 4), SCORES, None, "y_true, a tensor of real numbers; received"),
        (None, SCORES, None, "y_true, a tensor of real numbers; received NoneType"),
        ([[0], [1, 2], 2, 1], SCORES, None, "y_true, a tensor of real numbers; received list"),
        (LABELS, SCORES + 1j, None, "y_pred, a tensor of real numbers; received dtype='complex"),
        (LABELS, SCORES, np.ones(3), r"sample_weight of the first axes of \(4,\); received sample_weight=\(3,\)"),
        (LABELS, SCORES, np.ones((4, 3)), "sample_weight of the first axes"),
        (LABELS, SCORES, ["heavy"] * 4, "sample_weight, a tensor of real numbers"),
    ],
    ids=range(13),
)
def test_refuses(name, y_true, y_pred, weight, words):
    with pytest.raises(Refusal, match=f"{name} expects .*{words}"):
        value(name, y_true, y_pred, weight)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("label", [3, -1, 0.5, 2**40, np.nan], ids=["classes", "negative", "half", "large", "nan"])
def test_an_invalid_label_is_refused_or_makes_the_loss_nan(name, label):
    labels = np.where(np.arange(4) == 2, label, LABELS)
    with pytest.raises(Refusal, match=f"{name} expects y_true, whole numbers from 0 to 2"):
        value(name, labels, SCORES)
    loss = CASES[name][0]()
    for jit in (False, True):
        assert np.isnan(tf.function(lambda y: loss(y, SCORES), jit_compile=jit)(tf.constant(labels, "float32")))


@pytest.mark.parametrize("name", CASES)
def test_unknown_batch_sizes_that_differ_fail(name):
    """Without the check one label would be taken for all examples."""
    made = CASES[name][0]()
    call = made if isinstance(made, keras.losses.Loss) else made.update_state
    signature = [tf.TensorSpec([None], "int64"), tf.TensorSpec([None, CLASSES])]
    graph, compiled = (tf.function(call, input_signature=signature, jit_compile=jit) for jit in (False, True))
    graph(LABELS, SCORES)
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"{name} expects y_true .* received y_true=\(1,\)"):
        graph(LABELS[:1], SCORES)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name}_refuses_this_size"):
        compiled(LABELS[:1], SCORES)


@pytest.mark.parametrize("name", ["SparseSquaredHinge", "MaskedAccuracy"])
@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 2), (2, 2, 1), ()], ids=str)
def test_weights_of_examples_and_of_positions(name, shape):
    """Weights (2,) are those of the examples, also where there are as many columns."""
    labels, scores = LABELS.reshape(2, 2), SCORES.reshape(2, 2, CLASSES)
    weight = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    values = np.array([[CASES[name][1](labels[i, j], scores[i, j]) for j in range(2)] for i in range(2)])
    full = np.broadcast_to(weight.reshape(shape[:2] + (1,) * (2 - len(shape[:2]))), (2, 2))
    want = (values * full).mean() if name in LOSSES else (values * full).sum() / full.sum()
    assert value(name, labels, scores, weight) == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("dtype, most", [("float16", 2048), ("bfloat16", 256)])
def test_as_many_classes_as_the_dtype_holds(dtype, most):
    loss, scores = kzoo.losses.SparseSquaredHinge(dtype=dtype), np.zeros((1, most + 1))
    with pytest.raises(Refusal, match=f"at most {most} classes in {dtype}"):
        loss([most], scores)
    assert float(loss([most - 1], scores[:, 1:])) == most


def multi_hot_loop(present, lengths):
    total = 0.0
    for row, long in zip(present, lengths):
        for t, v in zip(row, long):
            total += max(0, 0.9 - v) ** 2 if t else 0.5 * max(0, v - 0.1) ** 2
    return total / len(lengths)


@pytest.mark.parametrize("dtype", ["uint8", "bool", "float32"])
def test_capsules_of_several_classes(dtype):
    present = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1], [0, 0, 1]])
    want = multi_hot_loop(present, SCORES)
    loss = CapsuleMarginLoss()
    assert float(loss(present.astype(dtype), SCORES)) == pytest.approx(want, rel=1e-6)
    jitted = tf.function(loss, jit_compile=True)
    assert float(jitted(present.astype(dtype), SCORES)) == pytest.approx(want, rel=1e-6)
    one_hot = np.eye(3)[LABELS].astype(dtype)
    assert float(loss(one_hot, SCORES)) == pytest.approx(float(loss(LABELS, SCORES)), rel=1e-6)


def test_capsules_refuse_other_numbers():
    with pytest.raises(Refusal, match="CapsuleMarginLoss expects y_true of 0 and 1; received y_true=2"):
        CapsuleMarginLoss()([[0, 2, 1]], SCORES[:1])
    with pytest.raises(Refusal, match=r"CapsuleMarginLoss expects y_pred \(batch, capsules\); received"):
        CapsuleMarginLoss()(LABELS.reshape(2, 2), SCORES.reshape(2, 2, 3))


def test_one_right_class_only():
    for name in ("RBFLoss", "SparseSquaredHinge", "WeightedCrossentropy", "MaskedAccuracy"):
        with pytest.raises(Refusal, match=rf"{name} expects y_true .* received y_true=\(4, 3\)"):
            value(name, np.eye(3)[LABELS], SCORES)
