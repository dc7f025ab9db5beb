"""DeconvNet: segmentation by a decoder of unpooling and transposed convolutions, after a bottleneck of dense layers.

Source: Noh, Hong & Han 2015, "Learning deconvolution network for semantic segmentation", arXiv:1505.04366; the authors'
Caffe files.
"""

from collections.abc import Sequence

import keras
from keras import layers

from kzoo.models.blocks import (
    build_model,
    check_integer,
    check_top,
    gaussian,
    model_input,
    pool_features,
    scale_filters,
)
from kzoo.models.registry import register_family
from kzoo.models.segnet import DECODER, ENCODER, VGG16, check_stages, classify_pixels, conv, decode, encode
from kzoo.models.weights import share_layers
from kzoo.types import Activation, PathLike, Shape, Tensor

BOTTLENECK = 7  # pixels, the side of the maps that the bottleneck reads


def deconvnet(
    encoder: Sequence[Sequence[int]] = ENCODER,
    decoder: Sequence[Sequence[int]] = ((64, 64), *DECODER[1:]),
    kernel: int = 3,
    bottleneck: int = 4096,
    width: float = 1.0,
    input_shape: Shape = (224, 224, 3),
    input_tensor: Tensor | None = None,
    classes: int = 21,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "deconvnet",
) -> keras.Model:
    """Builds DeconvNet: SegNet's encoder, a bottleneck, and a decoder of transposed convolutions.

    Shapes: images (B, H, W, 3) -> probabilities of each pixel's classes (B, H, W, 21). Any size from 6 * 2^stages + 1,
    193 x 193 for five stages.
    Settings: encoder and decoder, the filters of the convolutions of each stage, both from the first stage to the last,
    although the decoder runs from last to first; their kernel; bottleneck, the units of the two layers between encoder
    and decoder, the first of which convolves 7 x 7 pixels; width, a factor of all filters.
    Kernels of the decoder, from unfc6 on, are initialized from N(0, 0.01^2) and shifts of batch norms with 0.001, as in
    the authors' files, which take all other kernels from a trained VGG-16 (section 4.2, start_train.sh); here He's rule
    initializes these. `load_weights(model, "imagenet", source_model="vgg16")` loads VGG-16's kernels and biases, those
    of its dense layers fc1 and fc2 as fc6 and fc7.
    Layers: stage1 ... stage5 (pooled), fc6, fc7, unfc6, decode5_conv1 ..., predictions.
    """
    check_stages(name, encoder, decoder)
    check_integer(name, bottleneck=bottleneck)
    smallest = (BOTTLENECK - 1) * 2 ** len(encoder) + 1
    x = inputs = model_input(name, input_shape, input_tensor, smallest=smallest)
    x, pools = encode(name, x, encoder, kernel, width)
    if not include_top:
        return build_model(name, inputs, pool_features(name, x, pooling), weights)
    check_top(name, classes, pooling)
    (units,), channels = scale_filters(name, [bottleneck], width), x.shape[-1]
    x = conv(x, units, "fc6", BOTTLENECK, padding="valid")
    x = conv(x, units, "fc7", 1)
    start = {"initializer": gaussian(0.01)["kernel_initializer"]}
    x = conv(x, channels, "unfc6", BOTTLENECK, layers.Conv2DTranspose, padding="valid", **start)
    x = decode(name, x, pools, decoder, kernel, width, layer=layers.Conv2DTranspose, **start)
    x = classify_pixels(x, classes, 1, classifier_activation, **start)
    return build_model(name, inputs, x, weights)


register_family(deconvnet, {"deconvnet": {}})
share_layers("deconvnet", "vgg16", {name: name for name in VGG16} | {"fc6": "fc1", "fc7": "fc2"})
