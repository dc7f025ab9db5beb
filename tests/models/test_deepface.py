"""DeepFace: its shapes, layer by layer, initial values, and refusals."""

import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import Fit, assert_drawn_apart, check_start, shapes

CARDS = {  # trained parameters, input, classes
    "deepface": (118_923_774, (152, 152, 3), 4030),
}
FITS = {
    "deepface": Fit({"width": 0.1, "fc_units": 32, "dropout": 0.0, "input_shape": (72, 72, 3)}, noise=3, slow=True),
}

SMALL = {"width": 0.1, "fc_units": 8, "classes": 5}
TABLE = {  # maps, parameters
    "stage1_conv": ((142, 142, 32), 11_648),
    "stage1": ((71, 71, 32), 0),
    "stage2": ((63, 63, 16), 41_488),
    "stage3": ((55, 55, 16), 62_774_800),
    "stage4": ((25, 25, 16), 7_850_000),
    "stage5": ((21, 21, 16), 2_829_456),
}


def test_table():
    built = sketch("deepface")
    assert shapes(built, TABLE) == {name: shape for name, (shape, _) in TABLE.items()}
    assert [built.get_layer(name).count_params() for name in TABLE] == [parameters for _, parameters in TABLE.values()]


def test_initial_values():
    """Section 3 of the paper: N(0, 0.01^2), all biases 0.5."""
    layers = [layer for layer in model("deepface", input_shape=(72, 72, 3), **SMALL).layers if layer.weights]
    assert len(layers) == 7
    for layer in layers:
        check_start(layer, 0.01, 0.5)
    assert_drawn_apart(*layers)


def test_the_smallest_input():
    assert model("deepface", input_shape=(72, 72, 3), **SMALL).get_layer("stage5").output.shape[1:3] == (1, 1)
    with pytest.raises(Refusal, match="sides of at least 72"):
        model("deepface", input_shape=(71, 72, 3), **SMALL)


def test_refused():
    with pytest.raises(Refusal, match="dropout"):
        model("deepface", **SMALL, dropout=1.5)
