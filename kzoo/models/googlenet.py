"""GoogLeNet: inception blocks of several kernel sizes, with or without the auxiliary classifiers of its training.

Source: Szegedy et al. 2015, "Going deeper with convolutions", arXiv:1409.4842, table 1; the BVLC Caffe model for the
initial values and the numbers of filters, which the paper's own column of parameters does not fit in some rows.
"""

import keras
from keras import layers

from kzoo.checks import require
from kzoo.layers.batch_normalization import BatchNormalization
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.models.blocks import add_top, build_model, ceil_pool, check_rate, gaussian, model_input, scale_filters
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor

BLOCKS = {  # 1x1; before 3x3, 3x3; before 5x5, 5x5; after the pool
    "stage3_block1": (64, 96, 128, 16, 32, 32),
    "stage3": (128, 128, 192, 32, 96, 64),
    "stage4_block1": (192, 96, 208, 16, 48, 64),
    "stage4_block2": (160, 112, 224, 24, 64, 64),
    "stage4_block3": (128, 128, 256, 24, 64, 64),
    "stage4_block4": (112, 144, 288, 32, 64, 64),
    "stage4": (256, 160, 320, 32, 128, 128),
    "stage5_block1": (256, 160, 320, 32, 128, 128),
    "stage5": (384, 192, 384, 48, 128, 128),
}
AUXILIARY = {"stage4_block1": "auxiliary1", "stage4_block4": "auxiliary2"}
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of torchvision's images; here (x - 0.5) / 0.5
TRANSFORM_SCALE = [deviation / 0.5 for deviation in DEVIATION]
TRANSFORM_OFFSET = [(mean - 0.5) / 0.5 for mean in MEAN]
POOLED = ("stage3", "stage4")  # followed by a pool


def googlenet(
    auxiliary: bool = False,
    batch_norm: bool = False,
    momentum: float = 0.9,
    transform_input: bool = False,
    large_kernel: int = 5,
    last_pool: int = 3,
    dropout: float = 0.4,
    width: float = 1.0,
    input_shape: Shape = (224, 224, 3),
    input_tensor: Tensor | None = None,
    classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "googlenet",
) -> keras.Model:
    """Builds GoogLeNet: a convolutional stem and nine inception blocks.

    Shapes: images (B, 224, 224, 3), the mean subtracted -> probabilities (B, 1000). Any size from 31 x 31; with
    auxiliary classifiers a known one from 79 x 79.
    Settings: auxiliary, two further outputs that are trained with weight 0.3 each (`compile(loss_weights=[1, 0.3,
    0.3])`) and dropped afterwards; batch_norm, in place of biases and of response normalization, epsilon 0.001 and
    momentum 0.9, as in torchvision; transform_input, from torchvision's means and deviations of each channel to 0.5, as
    its ImageNet weights need; large_kernel of the widest branch, 5, or torchvision's 3; last_pool, the size of the last
    pool, 3, or torchvision's 2; dropout before the main classifier; width, a factor of all filters.
    Kernels are initialized as in the Caffe model, uniformly between -sqrt(3 / n) and sqrt(3 / n) for n weights per
    filter, biases with 0.2, those of classifiers with 0. With batch_norm kernels are initialized from N(0, 0.01^2), as
    in torchvision, and biases with 0, where torchvision draws them.
    Layers: stage1, stage2 (the pooled stem), stage3_block1 ... stage5, predictions, auxiliary1, auxiliary2.
    """
    check_rate(name, dropout=dropout)
    require(include_top or not auxiliary, name, "auxiliary heads with include_top=True", include_top=include_top)

    start = classifier = gaussian(0.01)
    if not batch_norm:
        classifier = {"kernel_initializer": "lecun_uniform"}  # Caffe's "xavier"
        start = {**classifier, "bias_initializer": {"class_name": "Constant", "config": {"value": 0.2}}}

    def conv(x, label, units, kernel=1, strides=1):
        more = {"use_bias": False} if batch_norm else {"activation": "relu"}
        more |= {"strides": strides, "padding": kernel // 2, "name": label}
        x = Conv2D(*scale_filters(name, [units], width), kernel, **more, **start)(x)
        if not batch_norm:
            return x
        x = BatchNormalization(momentum=momentum, epsilon=1e-3, name=f"{label}_norm")(x)
        return layers.ReLU(name=f"{label}_relu")(x)

    def norm(x, label):
        return x if batch_norm else LocalResponseNormalization(bias=1.0, divide_by_size=True, name=label)(x)

    def block(x, label, one, before3, three, before5, five, pooled):
        return layers.Concatenate(name=label)(
            [
                conv(x, f"{label}_1x1", one),
                conv(conv(x, f"{label}_3x3_reduce", before3), f"{label}_3x3", three, 3),
                conv(conv(x, f"{label}_5x5_reduce", before5), f"{label}_5x5", five, large_kernel),
                conv(MaxPooling2D(3, 1, "same", name=f"{label}_pool")(x), f"{label}_pool_project", pooled),
            ]
        )

    def head(x, label):
        x = conv(layers.AveragePooling2D(5, 3, name=f"{label}_pool")(x), f"{label}_conv", 128)
        (units,) = scale_filters(name, [1024], width)
        x = layers.Dense(units, "relu", name=f"{label}_fc", **start)(layers.Flatten()(x))
        x = layers.Dropout(0.7, name=f"{label}_dropout")(x)
        return layers.Dense(classes, classifier_activation, dtype="float32", name=label, **classifier)(x)

    x = inputs = model_input(name, input_shape, input_tensor, smallest=79 if auxiliary else 31)
    if transform_input:
        require(x.shape[-1] == 3, name, "input_shape of 3 channels with transform_input", channels=x.shape[-1])
        x = layers.Rescaling(TRANSFORM_SCALE, TRANSFORM_OFFSET, name="transform_input")(x)
    x = norm(ceil_pool(conv(x, "stage1_conv", 64, 7, 2), "stage1"), "stage1_norm")
    x = norm(conv(conv(x, "stage2_conv1", 64), "stage2_conv2", 192, 3), "stage2_norm")
    x, heads = ceil_pool(x, "stage2"), []
    for label, sizes in BLOCKS.items():
        x = block(x, label, *sizes)
        if auxiliary and label in AUXILIARY:
            heads.append(head(x, AUXILIARY[label]))
        if label in POOLED:
            x = ceil_pool(x, f"{label}_pooled", last_pool if label == "stage4" else 3)
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dropout(dropout, name="dropout")(x)
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, **classifier)
    return build_model(name, inputs, [x, *heads] if heads else x, weights)


register_family(
    googlenet,
    {
        "googlenet": {},
        "googlenet_auxiliary": {"auxiliary": True},
        "googlenet_torchvision": {"batch_norm": True, "large_kernel": 3, "last_pool": 2, "dropout": 0.2},
    },
)
