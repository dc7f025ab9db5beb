"""Two-stream networks: their shapes, other stacks of flow and datasets, late fusion, and refusals."""

import keras
import numpy as np
import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import IMAGENET, WHOLE, Fit, shapes, trained

CARDS = {  # trained parameters, input, classes
    "cnn_m_2048": (92_469_864, IMAGENET, 1000),
    "two_stream_spatial": (90_627_813, IMAGENET, 101),
    "two_stream_temporal": (90_707_781, (224, 224, 20), 101),
    "two_stream": (90_627_813 + 90_707_781, IMAGENET, 101),
}
FITS = {
    "two_stream_spatial": Fit({"width": 0.1, **WHOLE, "input_shape": (47, 47, 3)}, rate=0.001, slow=True),
    "two_stream": Fit(
        {"width": 0.1, **WHOLE, "dropout": (0.0, 0.0), "frames": 2, "input_shape": (47, 47, 3)}, rate=0.001, slow=True
    ),
}

SMALL = {"width": 0.05, "fc_units": (8, 8), "classes": 5}


def test_shapes():
    built = model("two_stream_spatial", **SMALL)
    got = shapes(built, ["stage1_conv", "stage1", "stage2_conv", "stage2", "stage3", "stage4", "stage5"])
    assert [shape[0] for shape in got.values()] == [109, 54, 26, 13, 13, 13, 6]


@pytest.mark.parametrize("frames, left", [(5, 90_660_741), (1, 90_623_109)])
def test_fewer_frames(frames, left):
    assert trained(sketch("two_stream_temporal", input_shape=(224, 224, 2 * frames))) == left


@pytest.mark.parametrize("name, left", [("two_stream_spatial", 90_525_363), ("two_stream_temporal", 90_605_331)])
def test_hmdb(name, left):
    assert trained(sketch(name, classes=51)) == left


def test_the_temporal_stream_is_normalised_once():
    def norms(name):
        return [layer.name for layer in model(name, **SMALL).layers if layer.name.endswith("norm")]

    assert norms("two_stream_spatial") == ["stage1_norm", "stage2_norm"]
    assert norms("two_stream_temporal") == ["stage1_norm"]


def test_fusion():
    built = model("two_stream", frames=2, input_shape=(47, 50, 3), **SMALL)
    assert [shape[1:] for shape in built.input_shape] == [(47, 50, 3), (47, 50, 4)]
    draw = np.random.default_rng(0)
    clip = [draw.normal(size=(2, 47, 50, n)).astype("float32") for n in (3, 4)]
    parts = [built.get_layer(f"{prefix}_predictions").output for prefix in ("spatial", "temporal")]
    spatial, temporal = keras.Model(built.inputs, parts)(clip)
    np.testing.assert_allclose(built(clip), (spatial + temporal) / 2, rtol=1e-6)
    learned = model("two_stream", fusion="learned", frames=2, input_shape=(47, 50, 3), **SMALL)
    assert trained(learned) - trained(built) == 10 * 5 + 5 and tuple(learned(clip).shape) == (2, 5)


def test_stacked_is_the_same_net_of_one_input(tmp_path):
    settings = {"frames": 2, "fusion": "learned", **SMALL}
    built = model("two_stream", input_shape=(47, 50, 3), **settings)
    stacked = model("two_stream", stacked=True, input_shape=(47, 50, 7), **settings)
    stacked.set_weights(built.get_weights())
    frame, flow = (np.random.default_rng(0).normal(size=(2, 47, 50, n)).astype("float32") for n in (3, 4))
    wanted, clip = built([frame, flow]), np.concatenate([frame, flow], axis=-1)
    np.testing.assert_allclose(stacked(clip), wanted, rtol=1e-6)
    stacked.save(tmp_path / "stacked.keras")
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "stacked.keras")(clip), wanted, rtol=1e-6)
    grey = model("two_stream", stacked=True, input_tensor=keras.Input((47, 50, 5)), input_shape=(47, 50, 5), **settings)
    assert grey.get_layer("spatial_stage1_conv").kernel.shape[2] == 1


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"stacked": True, "frames": 2, "input_shape": (47, 47, 4)}, "channels before the flow's 4"),
        ({"stacked": 2}, "stacked, True or False"),
        ({"input_tensor": keras.Input((47, 47, 3))}, "input_tensor only with stacked=True"),
        ({"frames": 0}, "frames"),
        ({"fusion": "sum"}, "fusion"),
        ({"dropout": 0.5}, "dropout of both"),
        ({"dropout": (0.5, 1)}, "dropout"),
        ({"fc_units": (0,)}, "fc_units"),
        ({"input_shape": (46, 50, 3)}, "sides of at least 47"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("two_stream", **{**SMALL, **settings})
