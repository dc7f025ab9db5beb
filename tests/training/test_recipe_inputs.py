"""What the configs of the zoo feed their models, against the preprocessing of their sources."""

import keras
import numpy as np
import pytest

from kzoo.config.config_files import read_config
from kzoo.data.examples import Examples
from kzoo.training.model_building import build_model, count_parameters

SMALL = "model={name: mnist1d_fc, units: [2]}"  # preprocessing does not depend on the model


def images(*shape):
    """Returns images of bytes whose pixels depend on each other."""
    return np.random.default_rng(0).integers(0, 256, shape).cumsum(1).astype("float32") % 256


def built(name, x, *sets):
    """Returns the model of a config, adapted to the examples x."""
    config = read_config(name, sets)
    return build_model(config, x.shape[1:], None, Examples.from_arrays(x, np.zeros(len(x), int)))


def fed(name, x):
    """Returns what a config makes of examples."""
    model = built(name, x, SMALL, "transfer=null")
    last = [layer for layer in model.layers if layer.name.startswith("preprocess")][-1]
    return keras.Model(model.input, last.output)(x, training=False).numpy()


@pytest.mark.parametrize("name", ["maxout_cifar", "nin_cifar", "all_cnn_c"])
def test_contrast_normalization_and_whitening(name):
    """pylearn2's make_cifar10_gcn_whitened.py: norm 55, then ZCA with 0.1 added to the variances."""
    x = images(60, 4, 3, 3)
    rows = x.reshape(60, 36).astype("float64")
    rows -= rows.mean(1, keepdims=True)
    rows *= 55 / np.linalg.norm(rows, axis=1, keepdims=True)
    variances, axes = np.linalg.eigh(np.cov(rows.T, ddof=0) + 0.1 * np.eye(36))
    wanted = (rows - rows.mean(0)) @ (axes / np.sqrt(variances)) @ axes.T
    np.testing.assert_allclose(fed(name, x).reshape(60, 36), wanted, atol=1e-3)


@pytest.mark.parametrize(
    "name, shape, mean",
    [
        ("resnet20_cifar", (30, 4, 3, 3), None),  # He et al. 2016, section 4.2: the mean of each pixel
        ("dilated_frontend", (1, 190, 190, 3), [116.52, 111.36, 102.93]),  # the authors' train.py, in the order RGB
        ("dilated_large", (1, 190, 190, 3), [116.52, 111.36, 102.93]),
        ("deconvnet", (2, 4, 4, 3), [122.675, 116.669, 104.008]),  # stage_1_train.prototxt, in the order RGB
        ("spp_zf5", (1, 224, 224, 3), 128),  # the authors' caffe_anysize_test.m
        ("two_stream_spatial", (1, 1, 256, 256, 3), [123.68, 116.779, 103.939]),
    ],
)
def test_bytes_less_their_mean(name, shape, mean):
    """In steps of a grey level, which is the unit of the constants of the response normalization."""
    x = images(*shape)
    wanted = (x - (x.mean(0, dtype="float64") if mean is None else mean)).reshape(len(x), *shape[-3:])
    if shape[-2] == 256:  # the central crop
        wanted = wanted[:, 16:240, 16:240]
    if name.startswith("d"):  # BGR, as VGG-16 of Caffe takes images
        wanted = wanted[..., ::-1]
    if name.startswith("dilated"):
        wanted = np.pad(wanted, ((0, 0), (186, 186), (186, 186), (0, 0)), mode="reflect")
    np.testing.assert_allclose(fed(name, x), wanted, atol=1e-4)


def test_segnet_basic_normalizes_bytes():
    """Caffe divides by (1 + alpha / 5 * sum of squares)^0.75: of grey 73 it leaves 0.81, of [0, 1] it leaves all."""
    x = np.full((1, 16, 16, 3), 73, "float32")
    model = built("segnet_basic", x, "model.width=0.05")
    norm = model.get_layer("norm")
    before, after = (y.numpy() for y in keras.Model(model.input, [norm.input, norm.output])(x))
    np.testing.assert_allclose(after / before, np.full(x.shape, (1 + 1e-4 / 5 * 3 * 73**2) ** -0.75), rtol=1e-5)
    assert round(float((after / before).mean()), 2) == 0.81


def test_statistics_are_no_parameters():
    """Of a whitened image they are more than the network's."""
    x = images(9, 4, 3, 3)
    whitened, plain = (built("nin_cifar", x, SMALL, *sets) for sets in ([], ["data.preprocess=[]"]))
    assert count_parameters(whitened) == count_parameters(plain) == plain.count_params()
