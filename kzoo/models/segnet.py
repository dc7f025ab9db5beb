"""SegNet and SegNet-Basic: segmentation by a decoder that unpools with the argmax indices of the encoder's pools.

Source: Badrinarayanan, Kendall & Cipolla 2017, "SegNet: a deep convolutional encoder-decoder architecture for image
segmentation", arXiv:1511.00561; the authors' Caffe files.
"""

from collections.abc import Sequence

import keras
from keras import layers

from kzoo.checks import require
from kzoo.layers.batch_normalization import BatchNormalization
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.layers.max_pooling_with_argmax import MaxPoolingWithArgmax2D
from kzoo.layers.max_unpooling import MaxUnpooling2D
from kzoo.models.blocks import build_model, check_rate, check_top, model_input, pool_features, scale_filters
from kzoo.models.registry import register_family
from kzoo.models.weights import share_layers
from kzoo.types import Activation, PathLike, Shape, Tensor

ENCODER = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
VGG16 = [  # the encoder's convolutions, which VGG-16 has under the same names
    f"stage{stage}_conv{number}" for stage, filters in enumerate(ENCODER, 1) for number in range(1, len(filters) + 1)
]
SHIFT = {"class_name": "Constant", "config": {"value": 0.001}}  # of the batch norms in the authors' files
DECODER = ((64,), (128, 64), (256, 256, 128), (512, 512, 256), (512, 512, 512))  # in the encoder's order
DEEP = 3  # the first stage with dropout


def segnet(
    encoder: Sequence[Sequence[int]] = ENCODER,
    decoder: Sequence[Sequence[int]] = DECODER,
    kernel: int = 3,
    last_kernel: int = 3,
    normalize: bool = False,
    linear_decoder: bool = False,
    dropout: float = 0.0,
    width: float = 1.0,
    input_shape: Shape = (360, 480, 3),
    input_tensor: Tensor | None = None,
    classes: int = 11,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "segnet",
) -> keras.Model:
    """Builds SegNet: an encoder of convolutions and pools, and a decoder that unpools by the pools' indices.

    Shapes: images (B, H, W, 3) -> probabilities of each pixel's classes (B, H, W, 11). Any size, also odd ones.
    Settings: encoder and decoder, the filters of the convolutions of each stage, both from the first stage to the last,
    although the decoder runs from last to first; their kernel, and last_kernel of the classifier; normalize, response
    normalization of the input, which is made for bytes; linear_decoder, a decoder without ReLUs; dropout after the
    stages of encoder and decoder from the third on, where the authors' files with dropout have it; width, a factor of
    all filters.
    Kernels are initialized by He's rule, biases with 0 and shifts of batch norms with 0.001, as in the authors' files.
    `load_weights(model, "imagenet", source_model="vgg16")` loads the kernels and biases of VGG-16's convolutions, with
    which the authors start (section 3); batch norms and the decoder keep their initial values.
    Layers: stage1 ... stage5 (pooled), decode5_conv1 ..., predictions.
    """
    check_stages(name, encoder, decoder)
    check_rate(name, dropout=dropout)
    x = inputs = model_input(name, input_shape, input_tensor)
    x = LocalResponseNormalization(bias=1.0, divide_by_size=True, name="norm")(x) if normalize else x
    x, pools = encode(name, x, encoder, kernel, width, dropout)
    if not include_top:
        return build_model(name, inputs, pool_features(name, x, pooling), weights)
    check_top(name, classes, pooling)
    x = decode(name, x, pools, decoder, kernel, width, dropout, relu=not linear_decoder)
    x = classify_pixels(x, classes, last_kernel, classifier_activation)
    return build_model(name, inputs, x, weights)


def check_stages(who, encoder, decoder):
    """Refuses stages of encoder and decoder whose numbers differ, or whose maps the unpooling does not take."""
    require(len(encoder) == len(decoder) > 0, who, "as many stages of decoder as encoder", decoder=decoder)
    for stage, (before, filters) in enumerate(zip(encoder, decoder[1:]), start=2):
        expected = f"stage {stage} of decoder to end with the filters that stage {stage - 1} of encoder ends with"
        fits = not before or not filters or before[-1] == filters[-1]
        require(fits, who, expected, decoder=decoder, encoder=encoder)


def conv(x, filters, name, kernel, layer=Conv2D, padding="same", relu=True, initializer="he_normal"):
    """Applies a convolution, a batch norm and, unless `relu` is False, a ReLU."""
    x = layer(filters, kernel, padding=padding, kernel_initializer=initializer, name=name)(x)
    x = BatchNormalization(beta_initializer=SHIFT, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def drop(x, dropout, stage, name):
    """Applies dropout to the maps of a deep stage."""
    return layers.Dropout(dropout, name=name)(x) if dropout and stage >= DEEP else x


def encode(who, x, stages, kernel, width, dropout=0.0):
    """Applies the encoder; returns the last pooled maps and, for each pool, its argmax indices and its input."""
    pools = []
    for stage, filters in enumerate(stages, start=1):
        for number, units in enumerate(scale_filters(who, filters, width), start=1):
            x = conv(x, units, f"stage{stage}_conv{number}", kernel)
        reference = x
        x, indices = MaxPoolingWithArgmax2D(2, padding="same", name=f"stage{stage}")(x)
        pools.append((indices, reference))
        x = drop(x, dropout, stage, f"stage{stage}_dropout")
    return x, pools


def decode(who, x, pools, stages, kernel, width, dropout=0.0, **settings):
    """Applies the decoder: from the last stage to the first, unpools by `pools` of `encode`, then convolves.

    `settings` go to `conv`.
    """
    for stage in range(len(stages), 0, -1):
        x = MaxUnpooling2D(2, padding="same", name=f"decode{stage}_unpool")([x, *pools[stage - 1]])
        for number, units in enumerate(scale_filters(who, stages[stage - 1], width), start=1):
            x = conv(x, units, f"decode{stage}_conv{number}", kernel, **settings)
        x = drop(x, dropout, stage, f"decode{stage}_dropout")
    return x


def classify_pixels(x, classes, kernel, activation, initializer="he_normal"):
    """Applies a convolution with one map per class, and the activation in float32."""
    x = Conv2D(classes, kernel, padding="same", kernel_initializer=initializer, name="logits")(x)
    return layers.Activation(activation, dtype="float32", name="predictions")(x)


register_family(
    segnet,
    {
        "segnet": {},
        "segnet_basic": {
            "encoder": ((64,),) * 4,
            "decoder": ((64,),) * 4,
            "kernel": 7,
            "last_kernel": 1,
            "normalize": True,
            "linear_decoder": True,
        },
    },
)
share_layers("segnet", "vgg16", {name: name for name in VGG16})
