"""Digits: 1,797 handwritten digits of 8x8 pixels from scikit-learn's files, with a fixed split.

Source: Alpaydin and Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI; sklearn.datasets.load_digits.
"""

import numpy as np
import tensorflow_datasets as tfds

TEST = 360  # examples, a fifth of the dataset, which has no published split


def digits():
    """Returns {"train": (x, y), "test": (x, y)}, split by a fixed permutation.

    Shapes: x (1437, 8, 8, 1) and (360, 8, 8, 1) uint8, y (1437,) and (360,) integers 0..9.
    Units: x is the number of dark pixels in a 4x4 block, 0..16.

    >>> digits()["test"][0].shape
    (360, 8, 8, 1)
    """
    from sklearn.datasets import load_digits

    loaded = load_digits()
    # RandomState, because NumPy guarantees that its numbers never change.
    order = np.random.RandomState(0).permutation(len(loaded.target))
    x, y = loaded.images.astype("uint8")[order, ..., None], loaded.target[order]
    return {"train": (x[:-TEST], y[:-TEST]), "test": (x[-TEST:], y[-TEST:])}


class Digits(tfds.core.GeneratorBasedBuilder):
    """The TFDS builder: `image` (8, 8, 1) uint8, values 0..16, and `label`."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description="scikit-learn's 8x8 digits with a fixed split into 1,437 and 360.",
            homepage="https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_digits.html",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(8, 8, 1), dtype=np.uint8),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            disable_shuffling=True,  # `digits` has shuffled them
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(*arrays) for split, arrays in digits().items()}

    def _generate_examples(self, x, y):
        for key, (image, label) in enumerate(zip(x, y)):
            yield key, {"image": image, "label": int(label)}
