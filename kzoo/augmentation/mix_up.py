"""Mixup: training on convex combinations of pairs of examples and of their labels.

Source: Zhang, Cisse, Dauphin & Lopez-Paz 2018, "mixup: Beyond empirical risk minimization", arXiv:1710.09412, section
2.
"""

from typing import Any

import keras

from kzoo.augmentation.base_mixing import BaseMixing, blend, check_alpha, draw_beta


@keras.saving.register_keras_serializable("kzoo")
class MixUp(BaseMixing):
    """Blends each example with another of its batch, and their labels in the same proportion; for `data.augment`.

    Shapes: {"images": (B, ...), "labels": (B, classes)} -> the same; inputs of any rank, in their own dtype, integers
    rounded. Label maps are not mixed.
    The proportion is drawn for each example from Beta(alpha, alpha).
    Arguments: alpha, 0.2 on ImageNet and 1 on CIFAR-10 in the paper; seed.

    >>> pair = {"images": keras.ops.array([[0.0], [1.0]]), "labels": keras.ops.eye(2)}
    >>> mixed = MixUp(alpha=1.0, seed=1)(pair)
    >>> bool(keras.ops.all(mixed["images"] == mixed["labels"][:, 1:]))
    True
    """

    def __init__(self, alpha: float = 0.2, seed: int | None = None, **kwargs: Any):
        super().__init__(seed, **kwargs)
        self.alpha = check_alpha("MixUp", alpha)

    def draw(self, shape):
        return draw_beta(self.alpha, shape[0], self.seed_generator)

    def own_share(self, drawn, shape):
        return drawn

    def mix_images(self, images, others, drawn):
        return blend(images, others, drawn)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}
