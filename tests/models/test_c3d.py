"""C3D: pools that round up, a first pool that keeps the frames, depths of kernels, initial values, and refusals."""

import math

import numpy as np
import pytest
import tensorflow as tf

from kzoo.augmentation.seeded_augmentation import seeded_augmentation
from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.models.registry import model
from kzoo.training.keras_objects import build_object
from tests.models.cards import CLIP, WHOLE, Fit, check_start, check_uniform, shapes, trained

CARDS = {  # trained parameters, input, classes
    "c3d": (79_991_015, CLIP, 487),
    "c3d_ucf101": (17_444_965, CLIP, 101),
}
FITS = {
    "c3d": Fit(
        {"width": 0.1, **WHOLE, "kernel_initializer": "glorot_uniform", "input_shape": (4, 16, 16, 1)}, slow=True
    ),
}

SMALL = {"width": 0.05, "fc_units": (8, 8), "classes": 5}


def test_stages():
    built = model("c3d", **SMALL)
    got = shapes(built, [f"stage{i}" for i in range(1, 6)])
    assert [shape[:3] for shape in got.values()] == [
        *((16, 56, 56), (8, 28, 28), (4, 14, 14), (2, 7, 7), (1, 4, 4)),
    ]
    assert [layer.name for layer in built.layers][-6:] == [
        *("flatten", "fc6", "fc6_dropout", "fc7", "fc7_dropout", "predictions"),
    ]
    counts = [sum(layer.name.startswith(f"stage{i}_conv") for layer in built.layers) for i in range(1, 6)]
    assert counts == [1, 1, 2, 2, 2]


def test_depth_of_the_kernels():
    """A kernel of five frames has four more planes of weights than one of one, in each of the eight convolutions."""
    kernels = [layer.kernel_size for layer in model("c3d", depth=1, **SMALL).layers if "_conv" in layer.name]
    assert set(kernels) == {(1, 3, 3)}
    flat, deep = (trained(model("c3d", depth=depth, fc_units=(8, 8), width=0.05)) for depth in (1, 5))
    assert deep - flat == 4 * 9 * sum(
        a * b for a, b in zip((3, 3, 6, 13, 13, 26, 26, 26), (3, 6, 13, 13, 26, 26, 26, 26))
    )


def test_initial_values():
    """The authors' files: N(0, 0.01^2), hidden layers N(0, 0.005^2), biases 1 but in the first and last layer."""
    layers = [layer for layer in model("c3d", **{**SMALL, "fc_units": (20, 20)}).layers if layer.weights]
    assert len(layers) == 11
    for layer in layers:
        hidden = layer.name in ("fc6", "fc7")
        check_start(layer, 0.005 if hidden else 0.01, 0 if layer.name in ("stage1_conv1", "predictions") else 1)
    other = model("c3d", **SMALL, kernel_initializer="glorot_uniform").get_layer("fc7")
    check_uniform(other, math.sqrt(6 / 16), 0)


def test_any_size():
    small = model("c3d", input_shape=(1, 5, 4, 1), **SMALL)
    assert small.get_layer("stage5").output.shape[1:4] == (1, 1, 1) and small.output_shape == (None, 5)
    built = model("c3d", width=0.05, input_shape=(None, None, None, 3), include_top=False, pooling="avg")
    assert built.output_shape == (None, 26)


def test_the_config_mirrors_whole_clips():
    config = read_config("c3d_ucf101")
    layers = [build_object("layer", spec) for spec in config.data.augment]
    clips = np.random.default_rng(0).integers(0, 256, (12, *CLIP), "uint8")
    specs = tf.TensorSpec(clips.shape, "uint8"), tf.TensorSpec((12,), "int32")
    mirrored, _ = seeded_augmentation(layers, 0, specs)(0, (clips, np.zeros(12, "int32")))
    outcomes = [
        [np.array_equal(clip, kept), np.array_equal(clip, kept[:, :, ::-1])] for clip, kept in zip(mirrored, clips)
    ]
    assert all(sum(outcome) == 1 for outcome in outcomes) and 2 < sum(kept for kept, _ in outcomes) < 10
    assert config.training.l2 == 0.005 and config.training.optimizer.config["momentum"] == 0.9


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"filters": (8, 8)}, "five stages"),
        ({"convolutions": 2}, "convolutions"),
        ({"depth": 0}, "depth"),
        ({"dropout": 1}, "dropout"),
        ({"fc_units": (0,)}, "fc_units"),
        ({"input_shape": (None, 8, 8, 3)}, "known sizes"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("c3d", **{**SMALL, **settings})
