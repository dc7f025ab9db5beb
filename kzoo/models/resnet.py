"""Residual networks for ImageNet and for CIFAR, and plain counterparts without shortcuts.

Source: He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition", arXiv:1512.03385, table 1 and section
4.2; the authors' Caffe files for the position of the strides.
"""

from collections.abc import Sequence

import keras
from keras import layers, ops

from kzoo.checks import require
from kzoo.layers.batch_normalization import BatchNormalization
from kzoo.layers.conv import Conv2D
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.models.blocks import add_top, build_model, check_integer_list, model_input, scale_filters
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor


def resnet(
    blocks: Sequence[int] = (3, 4, 6, 3),
    bottleneck: bool = True,
    shortcut: str = "B",
    stride_on: str = "1x1",
    epsilon: float = 1e-5,
    momentum: float = 0.99,
    width: float = 1.0,
    input_shape: Shape = (224, 224, 3),
    input_tensor: Tensor | None = None,
    classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "resnet50",
) -> keras.Model:
    """Builds a ResNet for ImageNet: residual blocks in four stages.

    Shapes: images (B, 224, 224, 3), the mean subtracted -> probabilities (B, 1000). Any size from 33 x 33, also
    unknown.
    Settings: blocks of each stage; bottleneck, 1x1-3x3-1x1 instead of 3x3-3x3; shortcut where shapes change, "B" a
    projection, or "A" every other position and zeros for the new channels; stride_on, which convolution of a bottleneck
    strides, "1x1" as the authors' or "3x3" as torchvision's; epsilon and momentum of the batch norms, torchvision's
    0.9; width, a factor of all filters.
    Kernels are initialized by He's rule, as in the paper, those of the classifier by Glorot's, chosen here.
    Layers: stage1 (the pooled stem), stage2_block1 ..., stage2 ... stage5 (the last block's sum, rectified),
    predictions.
    """
    require(stride_on in ("1x1", "3x3"), name, "stride_on, '1x1' or '3x3'", stride_on=stride_on)
    build = _Blocks(name, shortcut, epsilon, residual=True, momentum=momentum)
    check_integer_list(name, blocks=blocks)
    stem, *filters = scale_filters(name, (64, 64, 128, 256, 512), width)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=33)
    x = build.norm(build.conv(x, stem, 7, 2, 3, "stage1_conv"), "stage1_norm", "stage1_relu")
    x = MaxPooling2D(3, 2, name="stage1")(layers.ZeroPadding2D(1, name="stage1_pad")(x))
    for stage, (count, units) in enumerate(zip(blocks, filters), start=2):
        for number in range(1, count + 1):
            strides = 2 if stage > 2 and number == 1 else 1
            label = f"stage{stage}" if number == count else f"stage{stage}_block{number}"
            inner = f"stage{stage}_block{number}"
            if bottleneck:
                first, second = (strides, 1) if stride_on == "1x1" else (1, strides)
                parts = [(units, 1, first), (units, 3, second), (4 * units, 1, 1)]
            else:
                parts = [(units, 3, strides), (units, 3, 1)]
            x = build.block(x, parts, inner, label)
    return _add_top(name, inputs, x, include_top, classes, classifier_activation, pooling, weights)


def resnet_cifar(
    blocks: int = 3,
    residual: bool = True,
    shortcut: str = "A",
    width: float = 1.0,
    input_shape: Shape = (32, 32, 3),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "resnet20_cifar",
) -> keras.Model:
    """Builds a ResNet for CIFAR: residual blocks in three stages.

    Shapes: images (B, 32, 32, 3), the mean subtracted -> probabilities (B, 10). Any input size.
    Settings: blocks of each stage; residual, False for the plain counterpart; shortcut and width as `resnet`.
    Initial values: as `resnet`.
    Layers: stem, stage1_block1 ..., stage1 ... stage3, predictions.
    """
    build = _Blocks(name, shortcut, 1e-5, residual)
    check_integer_list(name, blocks=(blocks,))
    filters = scale_filters(name, (16, 32, 64), width)
    x = inputs = model_input(name, input_shape, input_tensor)
    x = build.norm(build.conv(x, filters[0], 3, 1, 1, "stem_conv"), "stem_norm", "stem")
    for stage, units in enumerate(filters, start=1):
        for number in range(1, blocks + 1):
            strides = 2 if stage > 1 and number == 1 else 1
            inner = f"stage{stage}_block{number}"
            label = f"stage{stage}" if number == blocks else inner
            x = build.block(x, [(units, 3, strides), (units, 3, 1)], inner, label)
    return _add_top(name, inputs, x, include_top, classes, classifier_activation, pooling, weights)


class _Blocks:
    """Convolutions without bias, each with its batch norm, and the blocks that they make."""

    def __init__(self, who, shortcut, epsilon, residual, momentum=0.99):
        require(shortcut in ("A", "B"), who, "shortcut, 'A' or 'B'", shortcut=shortcut)
        self.shortcut, self.residual = shortcut, residual
        self.norms = {"epsilon": epsilon, "momentum": momentum}

    def conv(self, x, filters, kernel, strides, padding, label):
        more = {"use_bias": False, "kernel_initializer": "he_normal", "name": label}
        return Conv2D(filters, kernel, strides=strides, padding=padding, **more)(x)

    def norm(self, x, label, relu=None):
        x = BatchNormalization(**self.norms, name=label)(x)
        return layers.ReLU(name=relu)(x) if relu else x

    def block(self, x, parts, inner, label):
        """Convolutions `parts`, each (filters, kernel, strides), whose sum with x is rectified as layer `label`."""
        kept, total = x, 1
        for number, (filters, kernel, strides) in enumerate(parts, start=1):
            total *= strides
            x = self.conv(x, filters, kernel, strides, kernel // 2, f"{inner}_conv{number}")
            x = self.norm(x, f"{inner}_norm{number}", f"{inner}_relu{number}" if number < len(parts) else None)
        if self.residual:
            x = layers.Add(name=f"{inner}_add")([self.carry(kept, parts[-1][0], total, inner), x])
        return layers.ReLU(name=label)(x)

    def carry(self, x, filters, strides, inner):
        """The shortcut: x itself where its shape stays."""
        channels = x.shape[-1]
        if channels == filters and strides == 1:
            return x
        if self.shortcut == "B":
            return self.norm(self.conv(x, filters, 1, strides, 0, f"{inner}_conv0"), f"{inner}_norm0")
        x = MaxPooling2D(1, strides, name=f"{inner}_subsample")(x)  # every other position
        return ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, filters - channels)))


def _add_top(name, inputs, x, include_top, classes, classifier_activation, pooling, weights):
    """Applies global average pooling and the classifier, and returns the model."""
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = add_top(name, x, include_top, classes, classifier_activation, pooling)
    return build_model(name, inputs, x, weights)


BASIC = {"bottleneck": False}
register_family(
    resnet,
    {
        "resnet18": {**BASIC, "blocks": (2, 2, 2, 2)},
        "resnet34": BASIC,
        "resnet50": {},
        "resnet101": {"blocks": (3, 4, 23, 3)},
        "resnet152": {"blocks": (3, 8, 36, 3)},
    },
)
DEPTHS = {20: 3, 32: 5, 44: 7, 56: 9, 110: 18}
register_family(
    resnet_cifar,
    {
        **{f"resnet{depth}_cifar": {"blocks": blocks} for depth, blocks in DEPTHS.items()},
        **{f"plain{depth}_cifar": {"blocks": DEPTHS[depth], "residual": False} for depth in (20, 56)},
    },
)
