import hashlib

import numpy as np

from kzoo.data.builders.digits import digits
from kzoo.data.loader import load


def test_splits_are_a_permutation_of_the_dataset():
    from sklearn.datasets import load_digits

    made = digits()
    x = np.concatenate([made["train"][0], made["test"][0]])[..., 0]
    assert sorted(image.tobytes() for image in x) == sorted(i.tobytes() for i in load_digits().images.astype("uint8"))
    assert all(np.bincount(y, minlength=10).min() >= 25 for _, y in made.values())


def test_split_never_changes():
    labels = np.concatenate([y for _, y in digits().values()]).astype("uint8")
    assert hashlib.sha256(labels.tobytes()).hexdigest().startswith("0f9ffd79")


def test_the_builder_keeps_values_and_order():
    data, made = load("digits"), digits()
    for split, examples in {"train": data.train, "test": data.test}.items():
        x, y = examples.numpy()
        np.testing.assert_array_equal(x, made[split][0])
        np.testing.assert_array_equal(y, made[split][1])
    assert (data.train.size, data.test.size, data.classes, data.input_shape) == (1437, 360, 10, (8, 8, 1))
    assert x.dtype == np.uint8 and made["train"][0].max() == 16
