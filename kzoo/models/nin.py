"""Network in network: each convolution followed by two of 1 x 1, and means of class maps instead of dense layers.

Source: Lin, Chen & Yan 2014, "Network in network", arXiv:1312.4400, and the author's configurations.
"""

from keras import layers
from keras.initializers import RandomNormal

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.models.blocks import average, ceil_pool, finish, scaled, start, whole_numbers
from kzoo.models.registry import register_family


def nin(
    filters=((192, 160, 96), (192, 192, 192), (192, 192)),
    kernels=(5, 5, 3),
    strides=1,
    dropout_everywhere=True,
    dropout=0.5,
    width=1.0,
    input_shape=(32, 32, 3),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="nin_cifar",
):
    """Images (B, 32, 32, 3), whitened -> probabilities (B, 10): small networks slid over the image, stage by stage.

    Settings: filters of each stage, those of its convolution and of the 1 x 1 ones behind, where the last stage's last
    has a map a class; kernels of the convolutions; strides of the first; dropout behind each pool, or
    without dropout_everywhere behind the last alone; width, a factor of all filters.
    Layers: stage1_conv1 ..., stage1 ... (the pooled maps), predictions. Any size that the pools leave something of.
    """
    whole_numbers(name, kernels=kernels)
    require(len(filters) == len(kernels) > 1, name, "as many stages of filters as kernels", filters=filters)
    require(0 <= dropout < 1, name, "dropout, at least 0 and below 1", dropout=dropout)

    def conv(label, units, kernel=1, **more):
        start = {"kernel_initializer": RandomNormal(stddev=0.05), "activation": "relu"}
        return Conv2D(units, kernel, name=label, **start, **more)

    x = inputs = start(name, input_shape, input_tensor, smallest=1)
    for stage, (counts, kernel) in enumerate(zip(filters, kernels), start=1):
        whole_numbers(name, filters=counts)
        last = stage == len(kernels)
        first, *others = scaled(name, counts, width)
        more = {"strides": strides, "padding": "valid"} if stage == 1 and strides > 1 else {"padding": "same"}
        x = conv(f"stage{stage}_conv1", first, kernel, **more)(x)
        for place, units in enumerate(others, start=2):
            x = conv(f"stage{stage}_conv{place}", units)(x)
        if not last:
            x = ceil_pool(x, f"stage{stage}")
            if dropout_everywhere or stage == len(kernels) - 1:
                x = layers.Dropout(dropout, name=f"stage{stage}_dropout")(x)
    head = f"stage{len(kernels)}_conv{len(filters[-1]) + 1}"
    x = average(name, x, include_top, classes, classifier_activation, pooling, lambda units: conv(head, units))
    return finish(name, inputs, x, weights)


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
            "input_shape": (224, 224, 3),
            "classes": 1000,
        },
    },
)
