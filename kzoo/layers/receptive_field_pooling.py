"""Receptive field pooling: which rectangles to pool which features over is learned, once for all images.

Source: as `kzoo.ops.rectangle_pool`.
"""

import keras
import numpy as np
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import as_data_format, shape_to_last, to_last
from kzoo.ops.rectangle_pool import check_grid, rectangle_pool, rectangles


@keras.saving.register_keras_serializable("kzoo")
class ReceptiveFieldPooling2D(BaseLayer):
    """Pools over all rectangles of a grid, or over the pairs of rectangle and channel that were selected.

    Shapes: (B, H, W, C), or channels first, of any size -> (B, rectangles * C), rectangle after rectangle in the order
    of `kzoo.ops.rectangle_pool`, or (B, features). Weights, not trained: with `features`, selection (features,), the
    places of the selected pairs among all, at first the first ones.
    Two ways to learn it: `select` on images and labels, greedily; or train a dense layer with the regularizer
    `kzoo.losses.RowSparsity` on all pairs, standardized, and give its kernel to `select_rows`.
    Arguments: grid, cells an axis; pooling, "max", "average" or "rms"; features, None for all; data_format.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.rectangle_pool`.

    >>> tuple(ReceptiveFieldPooling2D(4)(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 300)
    """

    def __init__(self, grid=4, pooling="max", features=None, data_format=None, **kwargs):
        super().__init__(**kwargs)
        who = type(self).__name__
        check_grid(who, grid, pooling)
        good = features is None or is_integer(features, 1)
        require(good, who, "features, None or an integer above 0", features=features)
        self.grid, self.pooling, self.features = int(grid), pooling, features if features is None else int(features)
        self.data_format = as_data_format(who, data_format)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        channels = shape_to_last(type(self).__name__, input_shape, 2, self.data_format)[-1]
        self.pairs = len(rectangles(self.grid)) * channels
        self.selection = None
        if self.features is not None:
            first = np.arange(self.features)

            def start(shape, dtype=None):
                return ops.convert_to_tensor(first, dtype)

            self.selection = self.add_weight(
                name="selection", shape=(self.features,), dtype="int32", initializer=start, trainable=False
            )

    def candidates(self, inputs):
        """All pairs of rectangle and channel: (B, rectangles * C)."""
        y = rectangle_pool(to_last(inputs, self.data_format), self.grid, self.pooling)
        return ops.reshape(y, (-1, y.shape[1] * y.shape[2]))

    def call(self, inputs):
        y = self.candidates(inputs)
        return y if self.selection is None else ops.take(y, self.selection, -1)

    def select(self, images, labels, step=None, batch_size=128):
        """Choose greedily: the pairs along which a softmax classifier's loss falls fastest, the classifier being
        trained again on what is chosen so far after every `step` of them (default: an eighth of all).

        Shapes: images (N, H, W, C) in the layer's data format, labels (N,) whole numbers.
        Errors: ValueError without `features`, and if images and labels differ in number.
        """
        from sklearn.linear_model import LogisticRegression

        who, labels = type(self).__name__, np.asarray(labels)
        require(self.features is not None, who, "features, how many to select", features=None)
        alike = labels.ndim == 1 and len(images) == len(labels)
        require(alike, who, "one label for each image", images=len(images), labels=labels.shape)
        if not self.built:
            self.build((None, *images.shape[1:]))
            self.built = True
        batches = range(0, len(images), batch_size)
        pooled = np.concatenate([np.asarray(self.candidates(images[at : at + batch_size])) for at in batches])
        pooled = (pooled - pooled.mean(0)) / (pooled.std(0) + 1e-6)  # so that scores compare
        classes, truth = np.unique(labels, return_inverse=True)
        error = np.mean(np.eye(len(classes))[truth], 0) - np.eye(len(classes))[truth]
        chosen = []
        while len(chosen) < self.features:
            rest = pooled.copy()
            for _ in range(min(step or -(-self.features // 8), self.features - len(chosen))):
                scores = np.sum((rest.T @ error) ** 2, 1)
                scores[chosen] = -1
                chosen.append(int(np.argmax(scores)))
                best = rest[:, chosen[-1]] / (np.linalg.norm(rest[:, chosen[-1]]) + 1e-6)
                rest -= np.outer(best, best @ rest)  # what the others say beyond it: else its likes would come next
            known = LogisticRegression(max_iter=200).fit(pooled[:, chosen], truth).predict_proba(pooled[:, chosen])
            error = known - np.eye(len(classes))[truth]
        self.selection.assign(np.sort(chosen))

    def select_rows(self, kernel):
        """Choose the rows of a dense layer's kernel (rectangles * C, units) that hold the largest weights."""
        who, kernel = type(self).__name__, np.abs(np.asarray(kernel))
        ready = self.built and self.features is not None
        require(ready, who, "features, and to be built", features=self.features, built=self.built)
        fits = kernel.ndim == 2 and len(kernel) == self.pairs
        require(fits, who, f"a kernel with {self.pairs} rows, one for each pair", kernel=kernel.shape)
        self.selection.assign(np.sort(np.argsort(-kernel.max(1), kind="stable")[: self.features]))

    def compute_output_shape(self, input_shape):
        who = type(self).__name__
        shape = shape_to_last(who, input_shape, 2, self.data_format)
        require(shape[-1] is not None, who, "a known number of channels", shape=tuple(input_shape))
        require(0 not in shape[1:-1], who, "an input of at least 1 cell on each axis", shape=tuple(input_shape))
        pairs = len(rectangles(self.grid)) * shape[-1]
        enough = self.features is None or self.features <= pairs
        require(enough, who, f"features of at most {pairs}, the pairs of rectangle and channel", features=self.features)
        return shape[0], self.features or pairs

    def get_config(self):
        names = ("grid", "pooling", "features", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
