"""An output layer that compares its input with learned or stored examples of each class.

Source: as `kzoo.ops.prototype_logits`.
"""

import math
from typing import Any

import keras
import numpy as np

from kzoo.checks import is_integer, is_number, require
from kzoo.layers.base_conv import weight_config
from kzoo.layers.base_layer import BaseLayer, Pointwise
from kzoo.layers.identifiers import set_identified
from kzoo.ops.prototype_logits import prototype_logits
from kzoo.types import Activation, Constraint, Initializer, KnownShape, Regularizer, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class Prototypes(Pointwise, BaseLayer):
    """An output for each class that grows as the input nears the prototypes of the class, as in nearest neighbours.

    Shapes: (B, ..., C) -> (B, ..., classes).
    Weights: kernel (C, classes, per_class), the prototypes; trained, or stored by `store` and kept with
    `trainable=False`.
    Arguments: classes; per_class, the prototypes of each class; temperature, of squared distances: the smaller, the
    more the nearest prototype counts; activation, "softmax" for probabilities; kernel_initializer, by default normal
    with a standard deviation of 1; kernel_regularizer; kernel_constraint.

    >>> layer = Prototypes(2, activation="softmax")
    >>> layer.store(np.float32([[0, 0], [0, 2], [5, 5]]), [0, 0, 1])
    >>> layer.kernel.numpy()[:, :, 0].T.tolist(), layer(np.float32([[0, 1]])).numpy().round(3).tolist()
    ([[0.0, 1.0], [5.0, 5.0]], [[1.0, 0.0]])
    """

    def __init__(
        self,
        classes: int,
        per_class: int = 1,
        temperature: float = 1.0,
        activation: Activation = None,
        kernel_initializer: Initializer = None,
        kernel_regularizer: Regularizer = None,
        kernel_constraint: Constraint = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        require(is_integer(classes, least=1), who, "classes, an integer above 0", classes=classes)
        require(is_integer(per_class, least=1), who, "per_class, an integer above 0", per_class=per_class)
        positive = is_number(temperature) and 0 < temperature < math.inf
        require(positive, who, "temperature, a number above 0", temperature=temperature)
        self.classes, self.per_class, self.temperature = int(classes), int(per_class), float(temperature)
        default = keras.initializers.RandomNormal(stddev=1.0)
        set_identified(
            self,
            activation=activation,
            kernel_initializer=default if kernel_initializer is None else kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
        )

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        channels = input_shape[-1]
        known = "a known number of channels"
        require(channels is not None, type(self).__name__, known, input_shape=tuple(input_shape))
        self.kernel = self.add_weight(
            name="kernel",
            shape=(channels, self.classes, self.per_class),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.input_spec = keras.layers.InputSpec(min_ndim=2, axes={-1: channels})

    def store(self, x: Tensor, y: Tensor, seed: int = 0) -> None:
        """Makes the examples of each class, or the centroids that k-means finds among them, its prototypes.

        Shapes: x (N, C), the layer's inputs; y (N,), labels from 0 to classes - 1. With one prototype a class it is the
        mean. ValueError if a class has fewer examples than prototypes.
        """
        from sklearn.cluster import KMeans

        who = type(self).__name__
        x, y = np.asarray(x, "float32"), np.asarray(y)
        fits = x.ndim == 2 and y.shape == x.shape[:1] and y.dtype.kind in "iu"
        require(fits, who, "x (N, C) and integer labels y (N,)", x=x.shape, y=y.shape, dtype=y.dtype.name)
        inside = not len(y) or (y.min() >= 0 and y.max() < self.classes)
        require(inside, who, f"labels from 0 to {self.classes - 1}", largest=int(y.max(initial=0)))
        counts = np.bincount(y, minlength=self.classes)
        enough = bool((counts >= self.per_class).all())
        expected = f"at least {self.per_class} examples of each class"
        require(enough, who, expected, **{f"class_{counts.argmin()}": int(counts.min())})
        if not self.built:
            self.build((None, x.shape[1]))
        found = []
        for label in range(self.classes):
            examples = x[y == label]
            if len(examples) > self.per_class:
                means = KMeans(self.per_class, n_init=1, random_state=seed).fit(examples.astype("float64"))
                examples = means.cluster_centers_
            found.append(examples)
        self.kernel.assign(np.transpose(np.stack(found), (2, 0, 1)))

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(prototype_logits(inputs, self.kernel, self.temperature))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        good = len(input_shape) > 1
        require(good, type(self).__name__, "an input (batch, ..., channels)", shape=tuple(input_shape))
        return (*input_shape[:-1], self.classes)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return 2 * math.prod(input_shapes[0][1:]) * self.classes * self.per_class

    def get_config(self):
        config = {"classes": self.classes, "per_class": self.per_class, "temperature": self.temperature}
        config["activation"] = keras.activations.serialize(self.activation)
        return {**super().get_config(), **config, **weight_config(self, "kernel")}
