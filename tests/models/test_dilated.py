"""The dilated front end and the context modules: sizes, receptive fields, the identity at the start."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo.analysis.catalogue import sketch
from kzoo.analysis.receptive_field import receptive_fields
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import Fit, check_start, trained

CARDS = {  # trained parameters, input, classes
    "dilated_frontend": (134_346_581, (900, 900, 3), 21),
    "dilated_basic": (134_346_581 + 28_392, (900, 900, 3), 21),
    "dilated_large": (141_149_720, (900, 900, 3), 21),
    "context_basic": (28_392, (None, None, 21), 21),
    "context_large": (6_803_139, (None, None, 21), 21),
}
FITS = {
    "dilated_frontend": Fit(
        {
            **{"width": 1 / 8, "fc_units": 32, "dropout": 0.0},
            **{"padding": "same", "input_shape": (32, 32, 3)},
        },
        rate=0.002,
        blocks=4,
        slow=True,
    ),
    "context_basic": Fit({"input_shape": (8, 8, None), "classifier_activation": "softmax"}, blocks=4),
}
PIXELS = True  # outputs are maps of classes

SMALL = {"width": 0.05, "fc_units": 8, "classes": 3}


def test_size_of_the_front_ends_output():
    assert model("dilated_frontend", **SMALL).output_shape == (None, 66, 66, 3)
    assert model("dilated_frontend", input_shape=(380, 380, 3), **SMALL).output_shape == (None, 1, 1, 3)
    assert receptive_fields(model("dilated_frontend", **SMALL))["logits"][0][:2] == (380, 8)
    assert model("dilated_frontend", include_top=False, pooling="avg", **SMALL).output_shape == (None, 26)


def test_a_class_for_each_pixel():
    x = np.random.default_rng(0).normal(size=(1, 396, 404, 3)).astype("float32")
    more = {"input_shape": x.shape[1:], "classifier_activation": None, **SMALL}
    coarse, fine = (model("dilated_frontend", upsample=n, **more) for n in (1, 8))
    fine.set_weights(coarse.get_weights())
    few, many = coarse(x).numpy(), fine(x).numpy()
    assert few.shape == (1, 3, 4, 3) and many.shape == (1, 24, 32, 3)
    # the centre of 8 x 8 pixels lies between its middle ones
    np.testing.assert_allclose(many[:, 11:13, 11:13].mean((1, 2)), few[:, 1, 1], rtol=0.02, atol=1e-6)
    padded = model("dilated_frontend", input_shape=(40, 56, 3), padding="same", upsample=8, **SMALL)
    assert padded.output_shape == (None, 40, 56, 3)


@pytest.mark.parametrize("factor", [3, 8])
def test_enlarged_maps_of_unknown_size(factor):
    """As Keras's layer, which cannot be compiled for unknown sizes, and one function for images of several sizes."""
    more = {"padding": "same", "upsample": factor, "classifier_activation": None, **SMALL}
    any_size, traced = model("dilated_frontend", input_shape=(None, None, 3), **more), []
    assert any_size.output_shape == (None, None, None, 3)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3))])
    def call(x):
        traced.append(x.shape)
        return any_size(x, training=False)

    for shape in ((1, 32, 32, 3), (2, 8, 40, 3)):
        x = np.random.default_rng(0).normal(size=shape).astype("float32")
        known = model("dilated_frontend", input_shape=shape[1:], **more)
        known.set_weights(any_size.get_weights())
        wanted = known(x).numpy()
        np.testing.assert_allclose(call(x), wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())
    assert len(traced) == 1


def test_what_a_context_sees():
    fields = receptive_fields(model("context_basic"))
    assert [fields[f"stage{i}"][0].size for i in range(1, 8)] == [3, 5, 9, 17, 33, 65, 67]
    wider = model("context_basic", multiples=(1,) * 9, dilations=(1, 1, 2, 4, 8, 16, 32, 64, 1), classes=19)
    assert receptive_fields(wider)["predictions"][0].size == 259 and trained(wider) == 29_792


@pytest.mark.parametrize("classes, basic, large", [(19, 23_256, 5_569_185), (11, 7_832, 1_867_129)])
def test_counts(classes, basic, large):
    assert trained(sketch("context_basic", classes=classes)) == basic
    assert trained(sketch("context_large", classes=classes)) == large


def test_contexts_start_as_the_identity():
    x = np.abs(np.random.default_rng(0).normal(size=(2, 9, 12, 21))).astype("float32")
    np.testing.assert_array_equal(model("context_basic")(x), x)
    narrow = model("context_large", classes=3, stddev=0.0)
    # sums of 32 halves of halves: exact but for float32's order of sums
    np.testing.assert_allclose(narrow(x[..., :3]), x[..., :3], rtol=1e-5)


def test_layers_of_a_context_have_noise_of_their_own():
    """Outside the centre tap kernels are noise, which a shared initializer repeats in layers of equal shape."""
    built = model("context_large", classes=2, multiples=(2,) * 7)
    second, third = (np.ravel(built.get_layer(f"stage{stage}").kernel[0]) for stage in (2, 3))
    assert abs(np.corrcoef(second, third)[0, 1]) < 0.8


def test_the_front_ends_class_maps_start_small():
    """The authors' code: N(0, 0.001^2)."""
    check_start(model("dilated_frontend", **SMALL).get_layer("logits"), 0.001)


@pytest.mark.parametrize("context", ["basic", "large"])
def test_a_context_behind_the_front_end(context):
    x = np.random.default_rng(0).normal(size=(2, 40, 48, 3)).astype("float32")
    more = {"input_shape": x.shape[1:], "classifier_activation": None, "padding": "same", **SMALL}
    front, whole = model("dilated_frontend", **more), model(f"dilated_{context}", **more)
    for layer in front.layers:
        whole.get_layer(layer.name).set_weights([30 * w for w in layer.get_weights()])  # so that they drown the noise
        layer.set_weights([30 * w for w in layer.get_weights()])
    wanted = np.maximum(front(x), 0)
    np.testing.assert_allclose(whole(x), wanted, atol=0.1 * wanted.max() if context == "large" else 0)
    fields = receptive_fields(model("dilated_basic", **SMALL))
    assert fields["logits"][0][:2] == (380, 8) and fields["context8"][0][:2] == (908, 8)


@pytest.mark.parametrize(
    "name, settings, message",
    [
        ("dilated_frontend", {"input_shape": (379, 400, 3)}, "sides of at least 380"),
        ("dilated_frontend", {"dropout": -1}, "dropout"),
        ("dilated_frontend", {"padding": "full"}, "padding"),
        ("dilated_frontend", {"upsample": 0}, "upsample"),
        ("dilated_frontend", {"fc_units": 0}, "fc_units"),
        ("dilated_frontend", {"context": "small"}, "context, None or one of basic, large"),
        ("dilated_frontend", {"context": ["basic"]}, "context, None or one of basic, large"),
        ("context_basic", {"multiples": (1, 1)}, "as many multiples"),
        ("context_basic", {"dilations": (0,) * 7}, "dilations"),
        ("context_basic", {"classes": "all"}, "classes"),
    ],
    ids=str,
)
def test_refused(name, settings, message):
    with pytest.raises(Refusal, match=message):
        model(name, **settings)
