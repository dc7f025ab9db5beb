"""Networks for raw waveforms: the lengths of table 1, the convolutions of each stage, any length, and refusals."""

import pytest

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal
from kzoo.models.registry import model
from tests.models.cards import SOUND, Fit, shapes

CARDS = {  # trained parameters, input, classes
    "m3": (221_194, SOUND, 10),
    "m5": (559_114, SOUND, 10),
    "m11": (1_786_442, SOUND, 10),
    "m18": (3_683_786, SOUND, 10),
}
FITS = {
    "m5": Fit({"width": 0.1, "input_shape": (800, 1)}),
}

CONVOLUTIONS = {"m3": "11", "m5": "1111", "m11": "12232", "m18": "14444"}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_stages(name):
    built = sketch(name, width=0.05)
    stages = range(1, len(CONVOLUTIONS[name]) + 1)
    counts = [sum(layer.name.startswith(f"stage{i}_conv") for layer in built.layers) for i in stages]
    assert "".join(map(str, counts)) == CONVOLUTIONS[name]
    lengths = [shape[0] for shape in shapes(built, [f"stage{i}" for i in stages]).values()]
    assert lengths == [2000, 500, 125, 32, 32][: len(lengths)]
    assert built.get_layer("stage1_conv1").output.shape[1] == 8000
    assert built.count_params() < 60_000


def test_each_convolution_is_normalised_and_rectified():
    parts = [layer.name for layer in model("m11", width=0.05).layers]
    first = parts.index("stage5_conv1")
    assert parts[first - 1] == "stage4" and parts[first:] == [
        *("stage5_conv1", "stage5_norm1", "stage5_relu1", "stage5_conv2", "stage5_norm2", "stage5"),
        *("avg_pool", "predictions"),
    ]


def test_any_length():
    assert model("m5", width=0.05, input_shape=(None, 1)).output_shape == (None, 10)
    assert model("m5", width=0.05, input_shape=(1, 2), include_top=False).output_shape == (None, 1, 26)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"filters": (8, 8)}, "as many filters as convolutions"),
        ({"convolutions": (1, 1, 0, 1)}, "convolutions"),
        ({"pools": 5}, "pools, an integer from 0 to 4"),
        ({"pools": True}, "pools"),
        ({"width": 0}, "width"),
        ({"input_shape": (0, 1)}, "input_shape"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("m5", **settings)
