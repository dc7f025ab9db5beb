"""SegNet, SegNet-Basic and DeconvNet: a class a pixel; the decoder puts values back where the pools had found them.

Source: Badrinarayanan, Kendall & Cipolla 2017, "SegNet: a deep convolutional encoder-decoder architecture for image
segmentation", arXiv:1511.00561; Noh, Hong & Han 2015, "Learning deconvolution network for semantic segmentation",
arXiv:1505.04366; the Caffe files of both.
"""

from keras import layers

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.layers.max_pooling_with_argmax import MaxPoolingWithArgmax2D
from kzoo.layers.max_unpooling import MaxUnpooling2D
from kzoo.models.blocks import check_top, finish, scaled, start, without_top
from kzoo.models.registry import register_family

BOTTLENECK = 7  # cells, the side of DeconvNet's last pooled map
ENCODER = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
DECODER = ((64,), (128, 64), (256, 256, 128), (512, 512, 256), (512, 512, 512))  # first to last stage; run backwards


def segnet(
    encoder=ENCODER,
    decoder=DECODER,
    kernel=3,
    last_kernel=3,
    bottleneck=None,
    normalize=False,
    linear_decoder=False,
    width=1.0,
    input_shape=(360, 480, 3),
    input_tensor=None,
    classes=11,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="segnet",
):
    """Images (B, H, W, 3) -> probabilities of each pixel's classes (B, H, W, 11), odd sizes too.

    Settings: filters of the convolutions of each stage, of the encoder and, in the same order, of the decoder, which
    runs backwards; their kernel, and last_kernel of the one that gives the classes; bottleneck, DeconvNet's units
    between the two, by a convolution over 7 x 7 cells and one that spreads them again, whence a decoder of transposed
    convolutions; normalize, response normalisation of the input; linear_decoder, no ReLU in it; width, a factor of all
    filters. Layers: stage1 ... stage5 (pooled), fc6, fc7, unfc6 of a bottleneck, decode5_conv1 ..., predictions.
    Any size; with a bottleneck from 6 * 2^stages + 1 on, 193 x 193 for DeconvNet's five.
    """
    require(len(encoder) == len(decoder) > 0, name, "as many stages of decoder as encoder", decoder=decoder)

    def conv(x, units, label, size=kernel, kind=Conv2D, padding="same", relu=True):
        x = kind(units, size, padding=padding, kernel_initializer="he_normal", name=label)(x)
        x = layers.BatchNormalization(name=f"{label}_norm")(x)
        return layers.ReLU(name=f"{label}_relu")(x) if relu else x

    def stage(x, counts, label, **more):
        for place, units in enumerate(scaled(name, counts, width), start=1):
            x = conv(x, units, f"{label}_conv{place}", **more)
        return x

    smallest = (BOTTLENECK - 1) * 2 ** len(encoder) + 1 if bottleneck else 1
    x = inputs = start(name, input_shape, input_tensor, smallest=smallest)
    x = LocalResponseNormalization(bias=1.0, divide_by_size=True, name="norm")(x) if normalize else x
    pooled = []
    for place, counts in enumerate(encoder, start=1):
        before = stage(x, counts, f"stage{place}")
        x, indices = MaxPoolingWithArgmax2D(2, padding="same", name=f"stage{place}")(before)
        pooled.append((indices, before))
    if not include_top:
        return finish(name, inputs, without_top(name, x, pooling), weights)
    check_top(name, classes, pooling)
    if bottleneck:
        (units,), back = scaled(name, [bottleneck], width), x.shape[-1]
        x = conv(conv(x, units, "fc6", BOTTLENECK, padding="valid"), units, "fc7", 1)
        x = conv(x, back, "unfc6", BOTTLENECK, layers.Conv2DTranspose, "valid")
    kind = layers.Conv2DTranspose if bottleneck else Conv2D
    for place in range(len(decoder), 0, -1):
        x = MaxUnpooling2D(2, padding="same", name=f"decode{place}_unpool")([x, *pooled[place - 1]])
        x = stage(x, decoder[place - 1], f"decode{place}", kind=kind, relu=not linear_decoder)
    x = Conv2D(classes, last_kernel, padding="same", name="logits")(x)
    x = layers.Activation(classifier_activation, dtype="float32", name="predictions")(x)
    return finish(name, inputs, x, weights)


SAME = ((64,),) * 4
BASIC = {"encoder": SAME, "decoder": SAME, "kernel": 7, "last_kernel": 1, "normalize": True, "linear_decoder": True}
register_family(
    segnet,
    {
        "segnet": {},
        "segnet_basic": BASIC,
        "deconvnet": {
            "decoder": ((64, 64), *DECODER[1:]),
            "last_kernel": 1,
            "bottleneck": 4096,
            "input_shape": (224, 224, 3),
            "classes": 21,
        },
    },
)
