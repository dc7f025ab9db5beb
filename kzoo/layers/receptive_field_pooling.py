"""Receptive field pooling: which rectangles to pool, for which channels, is learned from data.

Source: as `kzoo.ops.rectangle_pool`.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import as_data_format, shape_to_channels_last, to_channels_last
from kzoo.layers.field import EXACT, UPPER_BOUND, Fields, whole
from kzoo.ops.rectangle_pool import check_grid, rectangle_pool, rectangles
from kzoo.types import DataFormat, KnownShape, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class ReceptiveFieldPooling2D(BaseLayer):
    """Pools over all rectangles of a grid, or over selected pairs of rectangle and channel.

    Shapes: (B, H, W, C), or channels first, of any size -> (B, rectangles * C), ordered by rectangle as in
    `kzoo.ops.rectangle_pool`, or with `features` (B, features).
    Weights: with `features`, selection (features,), not trained: the indices of the selected pairs, at first 0, 1, 2,
    ...
    Arguments: grid, the number of cells along each axis; pooling, "max", "average" or "rms"; features, the number of
    pairs to select, or None for all; data_format.
    There are two ways to learn the selection. `select` chooses greedily by images and labels. Or train a dense layer
    with the regularizer `kzoo.regularizers.RowSparsity` on all pairs, standardized, and pass its kernel to
    `select_rows`.

    >>> tuple(ReceptiveFieldPooling2D(4)(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 300)
    """

    def __init__(
        self,
        grid: int = 4,
        pooling: str = "max",
        features: int | None = None,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        check_grid(who, grid, pooling)
        good = features is None or is_integer(features, 1)
        require(good, who, "features, None or an integer above 0", features=features)
        self.grid, self.pooling, self.features = int(grid), pooling, features if features is None else int(features)
        self.data_format = as_data_format(who, data_format)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        channels = shape_to_channels_last(type(self).__name__, input_shape, 2, self.data_format)[-1]
        self.pairs = len(rectangles(self.grid)) * channels
        self.selection = None
        if self.features is not None:

            def initializer(shape, dtype=None):
                return ops.convert_to_tensor(np.arange(shape[0]), dtype)

            self.selection = self.add_weight(
                name="selection", shape=(self.features,), dtype="int32", initializer=initializer, trainable=False
            )

    def candidates(self, inputs: Tensor) -> Tensor:
        """Returns the pooled values of all pairs of rectangle and channel, (B, rectangles * C)."""
        y = rectangle_pool(to_channels_last(inputs, self.data_format), self.grid, self.pooling)
        return ops.reshape(y, (-1, y.shape[1] * y.shape[2]))

    def call(self, inputs: Tensor) -> Tensor:
        y = self.candidates(inputs)
        return y if self.selection is None else ops.take(y, self.selection, -1)

    def select(self, images: Tensor, labels: Tensor, step: int | None = None, batch_size: int = 128) -> None:
        """Selects pairs greedily: those along which the loss of a softmax classifier has the steepest gradient.

        The classifier is trained again on the pairs selected so far after every `step` of them (default: an eighth).

        Shapes: images (N, H, W, C) in the layer's data format, labels (N,) integers.
        ValueError without `features`, or if images and labels differ in number.
        """
        from sklearn.linear_model import LogisticRegression

        who, labels = type(self).__name__, np.asarray(labels)
        count = self.features or 0
        require(count > 0, who, "features, the number to select", features=self.features)
        paired = labels.ndim == 1 and len(images) == len(labels)
        require(paired, who, "one label for each image", images=len(images), labels=labels.shape)
        if not self.built:
            self.build((None, *images.shape[1:]))
        batches = range(0, len(images), batch_size)
        pooled = np.concatenate([np.asarray(self.candidates(images[at : at + batch_size])) for at in batches])
        pooled = (pooled - pooled.mean(0)) / (pooled.std(0) + 1e-6)  # so that scores are comparable
        classes, truth = np.unique(labels, return_inverse=True)
        one_hot = np.eye(len(classes))[truth]
        error = one_hot.mean(0) - one_hot
        chosen: list[int] = []
        while len(chosen) < count:
            residual = pooled.copy()
            for _ in range(min(step or -(-count // 8), count - len(chosen))):
                scores = np.sum((residual.T @ error) ** 2, 1)
                scores[chosen] = -1
                chosen.append(int(np.argmax(scores)))
                best = residual[:, chosen[-1]] / (np.linalg.norm(residual[:, chosen[-1]]) + 1e-6)
                residual -= np.outer(best, best @ residual)  # otherwise similar pairs would be chosen next
            classifier = LogisticRegression(max_iter=200).fit(pooled[:, chosen], truth)
            error = classifier.predict_proba(pooled[:, chosen]) - one_hot
        self.selection.assign(np.sort(chosen))

    def select_rows(self, kernel: Tensor) -> None:
        """Selects the rows of a dense layer's kernel (rectangles * C, units) that hold the largest magnitudes."""
        who, kernel = type(self).__name__, np.abs(np.asarray(kernel))
        ready = self.built and self.features is not None
        require(ready, who, "to be built, with features", features=self.features, built=self.built)
        fits = kernel.ndim == 2 and len(kernel) == self.pairs
        require(fits, who, f"a kernel with {self.pairs} rows, one for each pair", kernel=kernel.shape)
        self.selection.assign(np.sort(np.argsort(-kernel.max(1), kind="stable")[: self.features]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who = type(self).__name__
        shape = shape_to_channels_last(who, input_shape, 2, self.data_format)
        require(shape[-1] is not None, who, "a known number of channels", shape=tuple(input_shape))
        require(0 not in shape[1:-1], who, "an input of at least 1 pixel on each axis", shape=tuple(input_shape))
        pairs = len(rectangles(self.grid)) * shape[-1]
        enough = self.features is None or self.features <= pairs
        require(enough, who, f"features of at most {pairs}, the pairs of rectangle and channel", features=self.features)
        return shape[0], self.features or pairs

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return whole(input_shapes[0], EXACT if self.features is None else UPPER_BOUND)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        """Returns one for each value of the input, then one for each pair of rectangle and channel."""
        return math.prod(input_shapes[0][1:]) + self.pairs

    def get_config(self):
        names = ("grid", "pooling", "features", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
