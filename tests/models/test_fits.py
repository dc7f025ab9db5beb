"""Every family learns: nets so small that they give 32 examples their classes in seconds, all of them.

Images are noise and so are their classes; where each pixel has a class, the image is that map in four colours, with
noise on it. Source: none.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.losses.rbf_loss import RBFLoss
from kzoo.models.registry import find, list_models, model

WHOLE = {"fc_units": (32, 32), "dropout": 0.0}
SMALL = {
    "mnist1d_cnn": {"filters": 12},
    "mnist1d_local": {"filters": 6},
    "mnist1d_tiled": {"filters": 12},
    "mnist1d_fc": {"units": (40, 20)},
    "nielsen_3": {"filters": (4, 8), "fc_units": (30,), "input_shape": (16, 16, 1)},
    "lecun1989": {},
    "lenet1": {"input_shape": (16, 16, 1)},
    "lenet5": {},
    "lenet5_modern": {},
    "simard2003": {"input_shape": (13, 13, 1)},
    "alexnet": {"width": 0.3, "fc_units": (64, 64), "dropout": 0.0, "input_shape": (39, 39, 3)},
    "vgg11": {"width": 0.1, **WHOLE, "input_shape": (32, 32, 3)},
    "googlenet": {"width": 0.1, "dropout": 0.0, "input_shape": (33, 33, 3)},
    "nin_cifar": {"width": 0.3, "dropout": 0.0, "input_shape": (8, 8, 3)},
    "all_cnn_c": {"width": 0.3, "dropout": 0.0, "input_dropout": 0.0, "input_shape": (8, 8, 3)},
    "maxout_mnist": {"width": 0.2, "dropout": 0.0, "input_dropout": 0.0},
    "resnet18": {"width": 0.1, "input_shape": (33, 33, 3)},
    "resnet20_cifar": {"width": 0.5, "blocks": 1, "input_shape": (16, 16, 3)},
    "deepface": {"width": 0.25, "fc_units": 32, "dropout": 0.0, "input_shape": (72, 72, 3)},
    "spp_zf5": {"width": 0.1, **WHOLE, "input_shape": (39, 39, 3)},
    "deep_fried_1024": {"width": 0.5, "fc_units": 64, "dropout": 0.0, "input_shape": (16, 16, 1)},
    "lenet_caffe": {"width": 0.5, "fc_units": 50, "input_shape": (16, 16, 1)},
    "two_stream_spatial": {"width": 0.1, **WHOLE, "input_shape": (47, 47, 3)},
    "two_stream": {"width": 0.1, **WHOLE, "dropout": (0.0, 0.0), "frames": 2, "input_shape": (47, 47, 3)},
    "segnet_basic": {"width": 0.25, "input_shape": (16, 16, 3)},
    "deconvnet": {
        **{"encoder": ((16,), (32,)), "decoder": ((16,), (32, 16)), "bottleneck": 64},
        "input_shape": (25, 25, 3),
    },
    "dilated_frontend": {
        **{"width": 1 / 8, "fc_units": 32, "dropout": 0.0},
        **{"padding": "same", "input_shape": (32, 32, 3)},
    },
    "context_basic": {"input_shape": (8, 8, None), "classifier_activation": "softmax"},
    "capsnet": {"filters": 8, "capsules": 2, "kernel_size": 3, "decoder": False, "input_shape": (8, 8, 1)},
    "capsnet_baseline": {"width": 0.1, "dropout": 0.0, "input_shape": (8, 8, 1)},
    "tica_cnn": {"filters": (16,), "kernel_sizes": (3,), "input_shape": (8, 8, 1)},
    "m5": {"width": 0.1, "input_shape": (800, 1)},
    "c3d": {"width": 0.1, **WHOLE, "input_shape": (4, 16, 16, 1)},
    "jarrett": {"width": 0.25, "kernel": 5, "pools": ((4, 2), (3, 2)), "normalization": 5, "input_shape": (28, 28, 1)},
    "kmeans_features": {"filters": 30, "classifier_activation": "softmax", "epsilon": 0.1, "input_shape": (16, 16, 3)},
    "saxe": {"width": 0.5, "input_shape": (20, 20, 1)},
    "gabor_net": {"filters": 16, "input_shape": (16, 16, 1)},
}
RATES = {  # of Adam, where 0.003 is too bold or too slow
    "alexnet": 0.001,
    "all_cnn_c": 0.001,
    "deepface": 0.001,
    "two_stream_spatial": 0.001,
    "two_stream": 0.001,
    "spp_zf5": 0.001,
    "segnet_basic": 0.02,
    "dilated_frontend": 0.002,
}
BLOCKS = {"segnet_basic": 4, "context_basic": 4, "dilated_frontend": 4, "deconvnet": 4}  # of one class, a side of a map
LOUD = {
    "alexnet": 100,
    "nin_cifar": 100,
    "deepface": 3,
}  # nets that start almost at 0 hear nothing else: the noise's deviation
LOSSES = {"lenet5": RBFLoss()}  # of outputs that are no probabilities


def test_every_family_is_here():
    assert {find(name)[0] for name in SMALL} == {find(name)[0] for name in list_models()}


def noise(draw, net, scale):
    """Images, or pairs of what two streams see, and classes that have nothing to do with them."""
    seen = net.input_shape if isinstance(net.input_shape, list) else [net.input_shape]
    x = tuple(scale * draw.normal(size=(32, *shape[1:])).astype("float32") for shape in seen)
    return x if len(x) > 1 else x[0], draw.integers(0, 4, (32, *net.output_shape[1:-1]))


def painted(draw, net, blocks):
    """Images in the colours of their pixels' classes, and these: so many blocks a side, a class each."""
    side, channels = net.input_shape[2:]
    cells = np.arange(side) * blocks // side
    y = draw.integers(0, 4, (32, blocks, blocks))[:, cells][:, :, cells]
    x = 2 * np.eye(4, channels)[y] + 0.3 * draw.normal(size=(*y.shape, channels))
    step = side // net.output_shape[1]
    return x.astype("float32"), y[:, ::step, ::step]


@pytest.mark.parametrize("name", SMALL)
def test_fits_32_examples(name):
    keras.utils.set_random_seed(1)
    net, draw = model(name, **SMALL[name], classes=4), np.random.default_rng(0)
    x, y = painted(draw, net, BLOCKS[name]) if name in BLOCKS else noise(draw, net, LOUD.get(name, 1))
    for layer in net.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9  # so that its statistics keep up with so few steps
    rate = RATES.get(name, 0.003)
    loss = LOSSES.get(name, "sparse_categorical_crossentropy")
    net.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"], jit_compile=False)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(32).cache()
    for _ in range(12):
        net.fit(data.repeat().take(50), verbose=0)
        reached = net.evaluate(data, verbose=0)[1]
        if reached == 1:
            break
    assert reached == 1
