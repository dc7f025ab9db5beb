"""Compares DynamicPooling2D with scikit-learn's nearest clusters, over which SciPy pools.

And the metrics and losses of a config, for whole-number labels, with scikit-learn's.
"""

import itertools

import keras
import numpy as np
import pytest
from scipy import ndimage
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin

from kzoo.layers import DynamicPooling2D
from kzoo.losses import WeightedCrossentropy
from kzoo.metrics import MaskedAccuracy
from kzoo.training.label_targets import give_one_hot
from tests.ops.cases import normal

pytestmark = pytest.mark.peers
PEER = "scikit-learn"

CLOSE = 1e-5  # float32 means in another order


def pooled(codes, labels, clusters, bins, pooling):
    """Returns ndimage's mean or maximum for each label in each bin of each level; 0 for a cluster without positions."""
    reduce, results = {"average": ndimage.mean, "max": ndimage.maximum}[pooling], []
    for x, label in zip(codes, labels):
        values = []
        for count in bins:
            axes = [[slice(i * n // count, -(-(i + 1) * n // count)) for i in range(count)] for n in label.shape]
            for part in itertools.product(*axes):
                value = np.zeros((clusters, x.shape[-1]))
                there = np.unique(label[part])
                for channel in range(x.shape[-1]):
                    value[there, channel] = reduce(x[(*part, channel)], label[part], there)
                values.append(value)
        results.append(np.ravel(values))
    return np.array(results, "float32")


def draw(rng):
    clusters, bins = int(rng.integers(1, 9)), tuple(int(n) for n in rng.integers(1, 4, rng.integers(1, 4)))
    spatial, depth = tuple(int(n) for n in rng.integers(3, 10, 2)), int(rng.integers(1, 7))
    return clusters, bins, (2, *spatial), depth


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("descriptors", [False, True])
def test_dynamic_pooling(compare, descriptors, pooling):
    """With random centroids and pairwise_distances_argmin, by the codes or by descriptors of another depth."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        clusters, bins, shape, depth = draw(rng)
        codes, by = normal(rng, *shape, 3), normal(rng, *shape, depth) + np.float32(rng.normal())
        by = by if descriptors else codes
        layer = DynamicPooling2D(clusters, bins, pooling)
        inputs = [codes, by] if descriptors else codes
        layer.build([codes.shape, by.shape] if descriptors else codes.shape)
        centroids = normal(rng, clusters, by.shape[-1])
        layer.set_weights([centroids])
        labels = pairwise_distances_argmin(by.reshape(-1, by.shape[-1]), centroids).reshape(shape)
        want = pooled(codes, labels, clusters, bins, pooling)
        compare(f"DynamicPooling2D, argmin, {pooling}", layer(inputs), want, CLOSE, setting=(clusters, bins, shape))


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_dynamic_pooling_by_k_means(compare, pooling):
    """With the centroids of a KMeans and its predictions."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        clusters, bins, shape, depth = draw(rng)
        codes = normal(rng, *shape, depth)
        rows = codes.reshape(-1, depth)
        means = KMeans(clusters, n_init=1, random_state=0).fit(rows)
        layer = DynamicPooling2D(clusters, bins, pooling)
        layer.build(codes.shape)
        layer.set_weights([means.cluster_centers_])
        want = pooled(codes, means.predict(rows).reshape(shape), clusters, bins, pooling)
        compare(f"DynamicPooling2D, KMeans, {pooling}", layer(codes), want, CLOSE, setting=(clusters, bins, shape))


def draw_labels(rng, least=2):
    """Returns labels of at least so many classes, the same in another dtype or of shape (B, 1), and probabilities."""
    classes, count = (int(n) for n in rng.integers((least, 20), (7, 60)))
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, count)])
    outputs = rng.dirichlet(np.ones(classes), len(labels)).astype("float32")
    given = labels.astype(rng.choice(["int32", "int64", "uint8", "float32"]))
    return labels, given[:, None] if rng.random() < 0.5 else given, outputs


def result(metric, labels, outputs):
    """Returns the result of a metric after two batches."""
    metric, half = give_one_hot(metric), len(labels) // 2
    for part in (slice(half), slice(half, None)):
        metric.update_state(labels[part], outputs[part])
    return np.asarray(metric.result())


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_f_score(compare, beta, average):
    rng = np.random.default_rng(0)
    for _ in range(30):
        labels, given, outputs = draw_labels(rng)
        metric = keras.metrics.FBetaScore(average, beta)
        if beta == 1:
            metric = keras.metrics.F1Score(average)
        want = metrics.fbeta_score(labels, outputs.argmax(-1), beta=beta, average=average, zero_division=0)
        compare("F1Score" if beta == 1 else "FBetaScore", result(metric, given, outputs), want, CLOSE, setting=average)


@pytest.mark.parametrize("name", ["Precision", "Recall"])
def test_precision_and_recall(compare, name):
    """Of the outputs above a threshold, of all classes together or of one; 0 where there are none."""
    rng = np.random.default_rng(0)
    for index in range(60):
        labels, given, outputs = draw_labels(rng)
        threshold, chosen = float(rng.choice([0.2, 0.5, 0.7])), int(rng.integers(outputs.shape[1]))
        there, found = np.eye(outputs.shape[1])[labels], outputs > threshold
        metric = getattr(keras.metrics, name)(threshold, class_id=chosen if index % 2 else None)
        where = slice(chosen, chosen + 1) if index % 2 else slice(None)
        score = getattr(metrics, f"{name.lower()}_score")
        want = score(there[:, where].ravel(), found[:, where].ravel(), zero_division=0)
        compare(name, result(metric, given, outputs), want, CLOSE, setting=(threshold, chosen, index % 2))


@pytest.mark.parametrize("multi_label", [False, True])
def test_area_under_the_curve(compare, multi_label):
    """Keras counts at 200 thresholds; no two different outputs lie between the same, so the area is exact."""
    rng = np.random.default_rng(0)
    for _ in range(30):
        labels, given, outputs = draw_labels(rng)
        outputs = ((np.floor(outputs * 198) + 0.5) / 199).astype("float32")
        there = np.eye(outputs.shape[1])[labels]
        metric = keras.metrics.AUC(multi_label=multi_label, num_labels=outputs.shape[1] if multi_label else None)
        want = metrics.roc_auc_score(there, outputs, average="macro" if multi_label else "micro")
        compare("AUC", result(metric, given, outputs), want, CLOSE, setting=multi_label)


def test_accuracies(compare):
    """Also of the first k classes, and without the labels that are ignored."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        labels, given, outputs = draw_labels(rng, 3)
        classes = outputs.shape[1]
        k, ignored = int(rng.integers(1, classes)), int(rng.integers(classes))
        kept, found = labels != ignored, outputs.argmax(-1)
        pairs = {
            keras.metrics.CategoricalAccuracy(): metrics.accuracy_score(labels, found),
            keras.metrics.TopKCategoricalAccuracy(k): metrics.top_k_accuracy_score(labels, outputs, k=k),
            MaskedAccuracy(ignored): metrics.accuracy_score(labels[kept], found[kept]),
        }
        for metric, want in pairs.items():
            compare(type(metric).__name__, result(metric, given, outputs), want, CLOSE, setting=(classes, k, ignored))


@pytest.mark.parametrize("name", ["Precision", "Recall", "AUC"])
def test_one_output(compare, name):
    """Labels 0 and 1 of an output (B, 1)."""
    rng = np.random.default_rng(0)
    for _ in range(30):
        labels, given, outputs = draw_labels(rng)
        labels, given = (np.minimum(a, 1) for a in (labels, given))
        outputs = ((np.floor(outputs[:, :1] * 198) + 0.5) / 199).astype("float32")
        score = {"Precision": metrics.precision_score, "Recall": metrics.recall_score}.get(name)
        if score:
            want = score(labels, outputs[:, 0] > 0.5, zero_division=0)
        else:
            want = metrics.roc_auc_score(labels, outputs[:, 0])
        compare(f"{name}, one output", result(getattr(keras.metrics, name)(), given, outputs), want, CLOSE)


def test_losses(compare):
    """Losses that take one-hot labels in Keras, and kzoo's cross-entropy with weights of classes."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        labels, given, outputs = draw_labels(rng)
        classes, weight = np.arange(outputs.shape[1]), rng.uniform(0.1, 2, outputs.shape[1])
        there = np.eye(len(classes))[labels]
        entropy = metrics.log_loss(labels, outputs, labels=classes)
        pairs = {
            keras.losses.CategoricalCrossentropy(): entropy,
            keras.losses.KLDivergence(): entropy,
            keras.losses.MeanSquaredError(): metrics.mean_squared_error(there, outputs),
            keras.losses.CategoricalHinge(): hinge(labels, outputs),
            WeightedCrossentropy(weight.tolist()): metrics.log_loss(
                labels, outputs, labels=classes, sample_weight=weight[labels]
            ),
        }
        for loss, want in pairs.items():
            compare(
                type(loss).__name__, give_one_hot(loss)(given, outputs), np.array(want), CLOSE, setting=outputs.shape
            )


def hinge(labels, outputs):
    """Returns scikit-learn's hinge of the margin; of two classes it takes the difference of their scores."""
    decision = outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs
    return metrics.hinge_loss(labels, decision, labels=np.arange(outputs.shape[1]))
