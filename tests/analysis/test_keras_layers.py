"""Every layer's declared receptive field, kzoo's and Keras's, against gradients; and its operation count."""

import keras
import numpy as np
import pytest
from keras import layers as keras_layers

from kzoo import layers
from kzoo.analysis.keras_layers import flops, layer_field, layer_flops, receptive_field
from kzoo.layers.field import DATA, EXACT, UPPER_BOUND, Field
from kzoo.ops.xla import no_islands
from tests.analysis.field_checks import SAMPLES, check_field, samples
from tests.collect import collect

SIZES = {1: (11,), 2: (11, 9), 3: (7, 6, 5)}
PADDED = [{}, {"padding": "same"}, {"padding": "full", "strides": 2}, {"padding": ("reflect", 1), "dilation_rate": 2}]
CONV = [{"filters": 2, "kernel_size": 3, **more} for more in PADDED]
UNDILATED = CONV[:3]  # TensorFlow has no gradient of dilated convolutions on CPU without XLA
POOL = [{"pool_size": 3, "strides": 2, **more} for more in ({}, {"padding": "same"}, {"padding": 1, "strides": 1})]

# Settings of each of kzoo's layers by its name without dimensions, and the status that its field then has; those of a
# new layer stand in its test file, as FIELD_CASES.
KZOO = {
    "AdaptiveAveragePooling": [(EXACT, {"output_size": 3})],
    "AdaptiveMaxPooling": [(EXACT, {"output_size": 3})],
    "BlurPooling": [(EXACT, {}), (EXACT, {"pool_size": 4, "strides": 1})],
    "ChannelLPPooling": [(EXACT, {"pool_size": 2})],
    "Conv": [(EXACT, kwargs) for kwargs in UNDILATED],
    "DeformableConv": [(DATA, kwargs) for kwargs in CONV[:1]],
    "Dilation": [(EXACT, {"kernel_size": 3}), (EXACT, {"kernel_size": 2, "strides": 2, "padding": "same"})],
    "DynamicPooling": [(EXACT, {"clusters": 2})],
    "Erosion": [(EXACT, {"kernel_size": 3, "dilation_rate": 2})],
    "FFTConv": [(EXACT, kwargs) for kwargs in CONV],
    "Fastfood": [(EXACT, {"units": 3})],
    "FoveatedGlimpse": [(DATA, {"size": 2})],
    "FractionalMaxPooling": [
        (UPPER_BOUND, {"pooling_ratio": 1.5}),
        (UPPER_BOUND, {"pooling_ratio": 1.5, "overlapping": True}),
        (UPPER_BOUND, {"pooling_ratio": 1.8, "pseudo_random": False}),
        (EXACT, {"pooling_ratio": (11 / 5.5, 3.0)}),
    ],
    "GaborConv": [(EXACT, {"filters": 4, "kernel_size": 3, "strides": 2})],
    "GaussianPooling": [(EXACT, kwargs) for kwargs in POOL],
    "KMaxPooling": [(DATA, {"k": 3})],
    "KMeansFeatures": [(EXACT, {"filters": 4, "kernel_size": 3, "strides": 2})],
    "LPPooling": [(EXACT, kwargs) for kwargs in [*POOL, {"pool_size": 2, "ceil_mode": True}]],
    "LocalContrastNormalization": [(DATA, {"kernel_size": 3})],
    "LocalResponseNormalization": [(EXACT, {})],
    "LocallyConnected": [(EXACT, kwargs) for kwargs in CONV],
    "MaskCapsules": [(DATA, {})],
    "MaxPoolingWithArgmax": [(EXACT, kwargs) for kwargs in POOL],
    "MaxUnpooling": [(DATA, {}), (DATA, {"pool_size": 3, "strides": 2, "padding": "same"})],
    "Maxout": [(EXACT, {"num_units": 2})],
    "Padding": [(EXACT, {"padding": 2}), (EXACT, {"padding": 1, "mode": "replicate"})],
    "PolynomialTanh": [(EXACT, {})],
    "ProbabilisticMaxPooling": [(EXACT, {"pool_size": 3}), (UPPER_BOUND, {"pool_size": 3, "return_hidden": True})],
    "RBF": [(EXACT, {"units": 3})],
    "ReceptiveFieldPooling": [(EXACT, {"grid": 2}), (UPPER_BOUND, {"grid": 2, "features": 2})],
    "ScaledTanh": [(EXACT, {})],
    "SpatialPyramidPooling": [(EXACT, {"bins": (2, 1)})],
    "SpatiallySeparableConv": [(EXACT, kwargs) for kwargs in UNDILATED],
    "StochasticPooling": [(EXACT, kwargs) for kwargs in POOL],
    "Subsampling": [(EXACT, kwargs) for kwargs in POOL],
    "TableConv": [(EXACT, {"connections": 2, **kwargs}) for kwargs in UNDILATED],
    "TiledConv": [(EXACT, kwargs) for kwargs in CONV],
} | collect("FIELD_CASES")
SHUFFLES = [f"Pixel{kind}{rank}D" for kind in ("Shuffle", "Unshuffle") for rank in (1, 2, 3)]
CAPSULES = ("Capsules", "ConvCapsules2D", "MaskCapsules", "PrimaryCapsules2D")
OTHER_INPUTS = {*CAPSULES, "RGBToBGR", "ZCAWhitening", *SHUFFLES}  # tested below
FORMATS = {"Conv2D", "MaxUnpooling2D", "AdaptiveMaxPooling2D", "LPPooling1D", "Padding3D"}


def kzoo_cases():
    for name in layers.__all__:
        base, rank = (name[:-2], int(name[-2])) if name[-1] == "D" and name[-2:-1].isdigit() else (name, 2)
        for number, (status, kwargs) in enumerate(KZOO.get(base, ())):
            fewer = rank == 3 and number > 1  # volumes take long, and differ in nothing
            if name not in OTHER_INPUTS and not fewer:
                marks = [pytest.mark.large] if rank != 2 and number else []  # the code of 2D
                yield pytest.param(name, rank, status, kwargs, id=f"{name}-{number}", marks=marks)


@pytest.mark.parametrize("name", layers.__all__)
def test_every_layer_declares_both(name):
    cls = getattr(layers, name)
    for method in ("receptive_field", "flops"):
        assert callable(getattr(cls, method, None)), (
            f"{name} has no method {method}: without it every model that contains the layer has unknown receptive "
            "fields or operation counts. See kzoo/layers/field.py and BaseWindow or Pointwise for what may be inherited"
        )
    base = name[:-2] if name[-1] == "D" and name[-2:-1].isdigit() else name
    assert base in KZOO or name in OTHER_INPUTS, (
        f"define FIELD_CASES in the test file of {base}: its field, by gradients"
    )


@pytest.mark.parametrize("name, rank, status, kwargs", list(kzoo_cases()))
def test_fields_of_kzoos_layers(name, rank, status, kwargs):
    x = samples(*SIZES[rank], 4)
    if name.startswith("Fractional") and status == EXACT:
        x, kwargs = x[:, :10], {"pooling_ratio": kwargs["pooling_ratio"][:rank]}
    if name.startswith("Probabilistic"):
        x = x[:, :9]
    kwargs = {"dtype": "float64", **kwargs}
    layer = getattr(layers, name)(**kwargs)
    for training in (False, True) if name.startswith("Fractional") else (None,):
        if name.startswith("MaxUnpooling"):
            values, indices = pooled(name, x, kwargs)
            fields = check_field(layer, values, (indices, x))
        else:
            fields = check_field(layer, x, training=training)
    assert {field.status for field in fields} == {status}


@pytest.mark.parametrize("name", SHUFFLES)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_fields_of_pixel_shuffles(name, data_format):
    """Of sizes and channels that are multiples of the factors."""
    rank = int(name[-2])
    factor, spatial = (2, 3, 1)[:rank], (4, 6, 3)[:rank]
    x = samples(*spatial, 6) if data_format == "channels_last" else samples(6, *spatial)
    layer = getattr(layers, name)(factor, data_format=data_format, dtype="float64")
    assert {field.status for field in check_field(layer, x)} == {EXACT}


def test_fields_of_preprocessing():
    """Of three channels, and of a matrix that is not the identity."""
    assert check_field(layers.RGBToBGR(dtype="float64"), samples(5, 4, 3)) == (Field(1), Field(1))
    x, layer = samples(4, 3, 2), layers.ZCAWhitening(dtype="float64")
    layer.adapt(x)
    assert check_field(layer, x) == (Field(None), Field(None))
    assert flops(layer, [x.shape], [x.shape]) == 2 * 24**2


def pooled(name, x, kwargs):
    with no_islands():
        pool = getattr(layers, name.replace("MaxUnpooling", "MaxPoolingWithArgmax"))(**kwargs)
        return (part.numpy() for part in pool(x))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_both_data_formats(name):
    rank = int(name[-2])
    _, kwargs = KZOO[name[:-2]][-1]
    x, kwargs = samples(4, *SIZES[rank]), {"dtype": "float64", "data_format": "channels_first", **kwargs}
    layer = getattr(layers, name)(**kwargs)
    if name.startswith("MaxUnpooling"):
        values, indices = pooled(name, x, kwargs)
        check_field(layer, values, (indices, x))
    else:
        check_field(layer, x)


def test_fields_of_capsules():
    with no_islands():
        layer = layers.PrimaryCapsules2D(2, 3, 3, dtype="float64")
        assert [field.status for field in check_field_of_list(layer, samples(5, 6, 2))] == [UPPER_BOUND] * 2
        assert check_field(layers.Capsules(3, 2, dtype="float64"), samples(5, 3)) == (Field(None),)
        layer = layers.ConvCapsules2D(2, 3, (3, 2), 2, dtype="float64")
        assert check_field(layer, samples(7, 6, 2, 3)) == (Field(3, 2), Field(2, 2), Field(None))
    fields = check_field(layers.MaskCapsules(dtype="float64"), samples(5, 3))
    assert fields == (Field(1, status=DATA),)


def check_field_of_list(layer, x):
    """The output has other axes than the input, so its field is all of the input at most."""
    layer(x)
    fields = receptive_field(layer, [x.shape])
    assert all(field.size is None for field in fields)
    return fields


K = keras_layers
KERAS = [
    (K.Conv1D(2, 3, padding="causal", dilation_rate=2), 1, EXACT),
    (K.Conv2D(2, 3, 2, "same"), 2, EXACT),
    (K.Conv3D(2, 3), 3, EXACT),
    (K.DepthwiseConv1D(3, 2), 1, EXACT),
    (K.DepthwiseConv2D(3, padding="same"), 2, EXACT),
    (K.SeparableConv1D(2, 3, dilation_rate=2), 1, EXACT),
    (K.SeparableConv2D(2, 3, 2, "same"), 2, EXACT),
    *((K.Conv1DTranspose(2, k, s, p), 1, EXACT) for k in (1, 3, 4) for s in (1, 2, 3) for p in ("same", "valid")),
    (K.Conv1DTranspose(2, 4, 2, "same", output_padding=1), 1, EXACT),
    (K.Conv2DTranspose(2, (3, 4), (2, 3)), 2, EXACT),
    (K.Conv3DTranspose(2, 2, 2), 3, EXACT),
    (K.MaxPooling1D(3, 2), 1, EXACT),
    (K.MaxPooling2D(3, 2, "same"), 2, EXACT),
    (K.MaxPooling3D(2), 3, EXACT),
    (K.AveragePooling1D(2, padding="same"), 1, EXACT),
    (K.AveragePooling2D((2, 3)), 2, EXACT),
    (K.AveragePooling3D(2), 3, EXACT),
    (K.AdaptiveAveragePooling1D(4), 1, EXACT),
    (K.AdaptiveAveragePooling2D(3), 2, EXACT),
    (K.AdaptiveAveragePooling3D(2), 3, EXACT),
    (K.AdaptiveMaxPooling1D(4), 1, EXACT),
    (K.AdaptiveMaxPooling2D((3, 2)), 2, EXACT),
    (K.AdaptiveMaxPooling3D(2), 3, EXACT),
    (K.GlobalMaxPooling1D(), 1, EXACT),
    (K.GlobalMaxPooling2D(), 2, EXACT),
    (K.GlobalMaxPooling3D(), 3, EXACT),
    (K.GlobalAveragePooling1D(), 1, EXACT),
    (K.GlobalAveragePooling2D(keepdims=True), 2, EXACT),
    (K.GlobalAveragePooling3D(), 3, EXACT),
    (K.UpSampling1D(3), 1, EXACT),
    (K.UpSampling2D((2, 3)), 2, EXACT),
    *((K.UpSampling2D(2, interpolation=how), 2, EXACT) for how in ("bilinear", "bicubic")),
    (K.UpSampling2D(2, interpolation="lanczos3"), 2, UPPER_BOUND),
    (K.UpSampling3D(2), 3, EXACT),
    *((K.Resizing(4, 13, how), 2, EXACT) for how in ("nearest", "bilinear")),
    (K.Resizing(4, 12, "bicubic"), 2, EXACT),
    (K.Resizing(5, 13, "bicubic"), 2, UPPER_BOUND),
    (K.Resizing(4, 13, "lanczos5"), 2, UPPER_BOUND),
    (K.Resizing(4, 13, antialias=True), 2, UPPER_BOUND),
    (K.Resizing(4, 13, crop_to_aspect_ratio=True), 2, UPPER_BOUND),
    (K.ZeroPadding1D((1, 2)), 1, EXACT),
    (K.ZeroPadding2D(((1, 2), (0, 1))), 2, EXACT),
    (K.ZeroPadding3D(1), 3, EXACT),
    (K.Cropping1D((1, 2)), 1, EXACT),
    (K.Cropping2D(((1, 2), (0, 1))), 2, EXACT),
    (K.Cropping3D(1), 3, EXACT),
    (K.CenterCrop(4, 6), 2, EXACT),
    (K.CenterCrop(14, 6), 2, UPPER_BOUND),
    (K.RandomCrop(4, 6), 2, UPPER_BOUND),
    (K.Activation("relu"), 2, EXACT),
    (K.ReLU(), 2, EXACT),
    (K.ELU(), 2, EXACT),
    (K.LeakyReLU(), 2, EXACT),
    (K.PReLU(), 2, EXACT),
    (K.Softmax(), 2, EXACT),
    (K.Softmax(axis=1), 2, EXACT),
    (K.BatchNormalization(), 2, EXACT),
    (K.LayerNormalization(), 2, EXACT),
    (K.LayerNormalization(axis=[1, 3]), 2, EXACT),
    (K.RMSNormalization(), 2, EXACT),
    (K.UnitNormalization(axis=2), 2, EXACT),
    (K.GroupNormalization(2), 2, EXACT),
    (K.SpectralNormalization(K.Conv2D(2, 3, dtype="float64"), dtype="float64"), 2, EXACT),
    (K.Dropout(0.5), 2, EXACT),
    (K.SpatialDropout2D(0.5), 2, EXACT),
    (K.GaussianNoise(0.5), 2, EXACT),
    (K.Identity(), 2, EXACT),
    (K.Rescaling(2.0), 2, EXACT),
    (K.Normalization(mean=1.0, variance=2.0), 2, EXACT),
    (K.Dense(3), 2, EXACT),
    (K.Flatten(), 2, EXACT),
    (K.Reshape((-1,)), 2, EXACT),
    (K.Reshape((11, 9, 2, 2)), 2, EXACT),
    (K.TimeDistributed(K.Conv1D(2, 3, 2, dtype="float64"), dtype="float64"), 2, EXACT),
    (K.LSTM(3), 1, EXACT),
    (K.GRU(3, return_sequences=True), 1, UPPER_BOUND),
    (K.SimpleRNN(3), 1, EXACT),
    (K.Bidirectional(K.LSTM(3, dtype="float64"), dtype="float64"), 1, EXACT),
    (K.RandomFlip(), 2, EXACT),
    (K.RandomRotation(0.1), 2, EXACT),
]


@pytest.mark.parametrize("layer, rank, status", KERAS, ids=lambda value: getattr(value, "name", None))
def test_fields_of_keras_layers(layer, rank, status):
    if not isinstance(layer, K.Wrapper):  # TensorFlow computes some only in float32
        single = rank == 3 or isinstance(layer, K.Resizing | K.UpSampling2D)
        layer = type(layer).from_config({**layer.get_config(), "dtype": "float32" if single else "float64"})
    training = False if type(layer).__name__.startswith("Random") else None
    fields = check_field(layer, samples(*SIZES[rank], 4).astype(layer.compute_dtype), training=training)
    assert {field.status for field in fields} == {status}


def test_merging():
    """An axis of one position is seen whole from all; along an axis of concatenation the second input lies further."""
    shapes = [(None, 8, 8, 2), (None, 1, 8, 2)]
    assert receptive_field(K.Multiply(), shapes) == [(Field(1), Field(1)), (Field(None), Field(1))]
    assert receptive_field(K.Concatenate(), shapes[:1] * 2) == (Field(1), Field(1))
    first, second = receptive_field(K.Concatenate(axis=1), shapes[:1] * 2)
    assert first[0] == Field(1, status=UPPER_BOUND) and second[0] == Field(1, padding=8, status=UPPER_BOUND)
    assert receptive_field(K.Permute((2, 1, 3)), shapes[:1]) == (Field(None, status=UPPER_BOUND),) * 2
    assert receptive_field(K.MultiHeadAttention(2, 3), [(None, 8, 4)] * 2) == (Field(None),)


class Unknown(K.Layer):
    def call(self, inputs):
        return inputs


class Declared(Unknown):
    def receptive_field(self, input_shapes):
        return (Field(3, padding=1),) * (len(input_shapes[0]) - 2)

    def flops(self, input_shapes, output_shapes):
        return 7


def test_layers_of_users():
    """Unknown, unless they declare both themselves or are registered; subclasses inherit."""
    shapes = [(None, 8, 8, 2)]
    assert receptive_field(Unknown(), shapes) is None and flops(Unknown(), shapes, shapes) is None
    assert receptive_field(K.Lambda(lambda x: x), shapes) is None
    assert receptive_field(Declared(), shapes) == (Field(3, padding=1),) * 2 and flops(Declared(), shapes, shapes) == 7

    class Registered(Unknown):
        pass

    layer_field.register(Registered, lambda layer, inputs: (Field(5), Field(1)))
    layer_flops.register(Registered, lambda layer, inputs, outputs: 9)
    derived = type("Derived", (Registered,), {})()
    assert receptive_field(derived, shapes) == (Field(5), Field(1)) and flops(derived, shapes, shapes) == 9


def test_unknown_sizes():
    shapes = [(None, None, None, 2)]
    loose = receptive_field(layers.Conv2D(2, 3, 2, "same"), shapes)[0]
    assert loose == Field(4, 2, 1, UPPER_BOUND)
    assert receptive_field(layers.Conv2D(2, 3, padding="same"), shapes)[0] == Field(3, 1, 1)
    assert receptive_field(layers.AdaptiveMaxPooling2D(3), shapes)[0] == Field(None, status=UPPER_BOUND)
    assert receptive_field(layers.FractionalMaxPooling2D(), shapes)[0] == Field(None, status=UPPER_BOUND)
    for size in (9, 10, 11):
        exact = receptive_field(layers.Conv2D(2, 3, 2, "same"), [(None, size, size, 2)])[0]
        assert exact.padding <= loose.padding and exact.last <= loose.last


def test_samples_reach_every_tap():
    assert len(np.unique(np.argmax(samples(9), 1))) == 9 and samples(9).shape[0] == SAMPLES and keras.config.floatx()
