"""Network in network: each convolution is followed by 1 x 1 ones, and class maps are averaged instead of dense layers.

Source: Lin, Chen & Yan 2014, "Network in network", arXiv:1312.4400, and the author's configurations: for CIFAR and
MNIST those of cuda-convnet, for ImageNet that of Caffe.
"""

from collections.abc import Sequence

import keras
from keras import layers

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.models.blocks import (
    add_convolutional_top,
    build_model,
    ceil_pool,
    check_integer_list,
    check_rate,
    gaussian,
    model_input,
    scale_filters,
)
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor


def nin(
    filters: Sequence[Sequence[int]] = ((192, 160, 96), (192, 192, 192), (192, 192)),
    kernels: Sequence[int] = (5, 5, 3),
    strides: int = 1,
    dropout_everywhere: bool = True,
    dropout: float = 0.5,
    small_start: Sequence[str] = (),
    width: float = 1.0,
    input_shape: Shape = (32, 32, 3),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "nin_cifar",
) -> keras.Model:
    """Builds a network-in-network model: stages of a convolution and two of 1 x 1, and global average pooling.

    Shapes: images (B, 32, 32, 3), whitened -> probabilities (B, 10). Any size of which the pools leave a position.
    Settings: filters of each stage: those of its convolution and of the 1 x 1 ones after it, in the last stage without
    the final 1 x 1 convolution, which has a map per class; kernels of the convolutions; strides of the first; dropout
    after each pool, or with dropout_everywhere=False after the last pool only; small_start, names of convolutions whose
    kernels are initialized from N(0, 0.01^2) instead of N(0, 0.05^2); width, a factor of all filters. Biases are 0.
    Layers: stage1_conv1 ..., stage1 ... (the pooled maps), predictions.
    """
    check_integer_list(name, kernels=kernels)
    require(len(filters) == len(kernels) > 1, name, "as many stages of filters as kernels", filters=filters)
    check_rate(name, dropout=dropout)

    head = f"stage{len(kernels)}_conv{len(filters[-1]) + 1}"
    labels = [f"stage{stage}_conv{i}" for stage, counts in enumerate(filters, 1) for i in range(1, len(counts) + 1)]
    known = isinstance(small_start, (tuple, list)) and set(small_start) <= {*labels, head}
    require(known, name, f"small_start, a list of convolutions of {labels[0]} ... {head}", small_start=small_start)

    def conv(label, units, kernel=1, **more):
        more |= gaussian(0.01 if label in small_start else 0.05)
        return Conv2D(units, kernel, activation="relu", name=label, **more)

    x = inputs = model_input(name, input_shape, input_tensor, smallest=1)
    for stage, (counts, kernel) in enumerate(zip(filters, kernels), start=1):
        check_integer_list(name, filters=counts)
        last = stage == len(kernels)
        first, *others = scale_filters(name, counts, width)
        more = {"strides": strides, "padding": "valid"} if stage == 1 and strides > 1 else {"padding": "same"}
        x = conv(f"stage{stage}_conv1", first, kernel, **more)(x)
        for number, units in enumerate(others, start=2):
            x = conv(f"stage{stage}_conv{number}", units)(x)
        if not last:
            x = ceil_pool(x, f"stage{stage}")
            if dropout_everywhere or stage == len(kernels) - 1:
                x = layers.Dropout(dropout, name=f"stage{stage}_dropout")(x)
    x = add_convolutional_top(
        name, x, include_top, classes, classifier_activation, pooling, lambda units: conv(head, units)
    )
    return build_model(name, inputs, x, weights)


register_family(
    nin,
    {
        "nin_cifar": {},
        "nin_mnist": {
            "filters": ((96, 64, 48), (128, 96, 48), (128, 96)),
            "kernels": (5, 5, 5),
            "input_shape": (28, 28, 1),
        },
        "nin_imagenet": {
            "filters": ((96, 96, 96), (256, 256, 256), (384, 384, 384), (1024, 1024)),
            "kernels": (11, 5, 3, 3),
            "strides": 4,
            "dropout_everywhere": False,
            "small_start": ("stage1_conv1", "stage3_conv1", "stage4_conv3"),
            "input_shape": (224, 224, 3),
            "classes": 1000,
        },
    },
)
