"""The base of augmentation layers that mix examples: each of a batch with another one, and their labels alike."""

from typing import Any

import keras
from keras import ops

from kzoo.checks import is_number, require
from kzoo.layers.base_layer import set_seed
from kzoo.types import Tensor


class BaseMixing(keras.layers.Layer):
    """Mixes each example of a batch with another one in training; the pairs are a random permutation of the batch.

    Shapes: {"images": (B, ...), "labels": (B, classes)} -> the same, images in their own dtype, integers rounded.
    Labels are class probabilities; they, and "sample_weights" (B,), are mixed in the proportion of the images.
    A subclass defines `draw`, the random numbers of a batch; `own_share`, how much of each result is the example
    itself; and `mix_images`, which also mixes label maps, "segmentation_masks", if `mixes_label_maps`.
    """

    mixes_label_maps = False

    def __init__(self, seed: int | None = None, **kwargs: Any):
        kwargs.setdefault("autocast", False)  # any dtype is kept
        super().__init__(**kwargs)
        set_seed(self, seed)

    def draw(self, shape):
        """Returns the random numbers for a batch of examples of this shape, whose sizes may be tensors."""
        raise NotImplementedError

    def own_share(self, drawn, shape):
        """Returns the share (B,) of each example in its result."""
        raise NotImplementedError

    def mix_images(self, images, others, drawn):
        """Returns images mixed with others of the same shape."""
        raise NotImplementedError

    def call(self, batch, training=None):
        labels = {"labels", "segmentation_masks"} if self.mixes_label_maps else {"labels"}
        names = {*batch} if isinstance(batch, dict) else set()
        fits = "images" in names and names & labels and names <= labels | {"images", "sample_weights"}
        expected = f"a batch of images with {' or '.join(sorted(labels))}, as in data.augment"
        require(fits, type(self).__name__, expected, parts=sorted(names))
        if training is False:
            return batch
        shape = ops.shape(batch["images"])
        partners = keras.random.shuffle(ops.arange(shape[0]), seed=self.seed_generator)
        drawn = self.draw(shape)
        own, mixed = self.own_share(drawn, shape), {}
        for name, part in batch.items():
            others = ops.take(part, partners, axis=0)
            if name in ("images", "segmentation_masks"):
                mixed[name] = self.mix_images(part, others, drawn)
            else:
                mixed[name] = blend(part, others, own)
        return mixed

    def compute_output_spec(self, batch, training=None):
        require(False, type(self).__name__, "to be in data.augment, not in a model", place="a model")

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


def blend(x: Tensor, others: Tensor, own: Tensor) -> Tensor:
    """Returns own * x + (1 - own) * others in x's dtype, rounded if it is an integer.

    Shapes: x and others (B, ...), own (B,).

    >>> blend(ops.array([[0.0, 4.0]]), ops.array([[8.0, 0.0]]), ops.array([0.75])).numpy()
    array([[2., 3.]], dtype=float32)
    """
    wide = keras.backend.result_type(x.dtype, "float32")
    own = ops.reshape(ops.cast(own, wide), (-1, *[1] * (len(x.shape) - 1)))
    mixed = own * ops.cast(x, wide) + (1 - own) * ops.cast(others, wide)
    return ops.cast(ops.round(mixed) if keras.backend.is_int_dtype(x.dtype) else mixed, x.dtype)


def draw_beta(alpha: float, count: Any, seed: Any) -> Tensor:
    """Returns `count` numbers from the beta distribution with both parameters `alpha`.

    They come from logarithms of gamma variables: those of a small alpha are below the least float, and `keras.random`
    would divide 0 by 0.
    Source: Marsaglia & Tsang 2000, "A simple method for generating gamma variables", section 6, for alpha below 1.
    """

    def log_gamma():
        above_1 = keras.random.gamma((count,), alpha + 1, "float32", seed=seed)
        return ops.log(above_1) + ops.log(keras.random.uniform((count,), 1e-30, 1.0, "float32", seed=seed)) / alpha

    return ops.sigmoid(log_gamma() - log_gamma())


def check_alpha(who: str, alpha: Any) -> float:
    """Returns the parameter of a beta distribution. Raises Refusal unless it is a number from 1e-3 to 1e3."""
    fits = is_number(alpha) and 1e-3 <= alpha <= 1e3
    require(fits, who, "alpha, a number from 0.001 to 1000", alpha=alpha)
    return float(alpha)
