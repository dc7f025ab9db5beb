import hashlib
import random

import numpy as np
import pytest

from kzoo.data.builders.mnist1d import mnist1d
from kzoo.data.loader import load


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def test_arrays_are_the_published_ones():
    made = mnist1d()
    assert made["train"][0].dtype == np.float64
    for split, hashes in {"train": ["71149469", "d97dc7ae"], "test": ["88b6660b", "8de99be3"]}.items():
        series, labels = made[split]
        # in millionths: the last bits depend on the processor
        got = [sha256(np.rint(1e6 * series).astype("int32")), sha256(labels)]
        assert [each[:8] for each in got] == hashes


def test_leaves_the_global_generators_unchanged():
    random.seed(5)
    np.random.seed(5)
    expected = random.Random(5).random(), np.random.RandomState(5).rand()
    mnist1d()
    assert (random.random(), np.random.rand()) == expected


@pytest.mark.large
def test_the_builder_keeps_values_and_order():
    data, made = load("mnist1d"), mnist1d()
    for split, examples in {"train": data.train, "test": data.test}.items():
        x, y = examples.numpy()
        np.testing.assert_array_equal(x, made[split][0].astype("float32")[..., None])
        np.testing.assert_array_equal(y, made[split][1])
    assert (data.train.size, data.test.size, data.classes, data.input_shape) == (4000, 1000, 10, (40, 1))
