"""PixelShuffle and PixelUnshuffle: the contract, the op with the layers' settings, sizes unknown, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import (
    PixelShuffle1D,
    PixelShuffle2D,
    PixelShuffle3D,
    PixelUnshuffle1D,
    PixelUnshuffle2D,
    PixelUnshuffle3D,
)
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import Case, noise

LAYER_CASES = {
    "PixelShuffle1D": Case({"factor": 2}, noise(2, 5, 6)),
    "PixelShuffle2D": Case({"factor": (2, 3), "order": "DCR"}, noise(2, 3, 4, 12)),
    "PixelShuffle3D": Case({"factor": (1, 2, 2)}, noise(2, 3, 2, 2, 8)),
    "PixelUnshuffle1D": Case({"factor": 2}, noise(2, 6, 3)),
    "PixelUnshuffle2D": Case({"factor": (2, 3), "order": "DCR"}, noise(2, 4, 6, 2), free=False),
    "PixelUnshuffle3D": Case({"factor": (1, 2, 2)}, noise(2, 3, 2, 4, 2)),
}


@pytest.mark.parametrize(
    "cls", [PixelShuffle1D, PixelShuffle2D, PixelShuffle3D, PixelUnshuffle1D, PixelUnshuffle2D, PixelUnshuffle3D]
)
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("order", ["CRD", "DCR"])
def test_one_layer_undoes_the_other(order):
    x = noise(2, 3, 4, 8)
    y = PixelShuffle2D((4, 2), order)(x)
    same(y, ops.pixel_shuffle(x, (4, 2), order))
    same(PixelUnshuffle2D((4, 2), order)(y), x)
    first = np.moveaxis(x, -1, 1)
    z = PixelShuffle2D((4, 2), order, "channels_first")(first)
    same(z, np.moveaxis(np.asarray(y), -1, 1))
    same(PixelUnshuffle2D((4, 2), order, "channels_first")(z), first)


def test_keeps_integers():
    assert PixelShuffle2D(2)(keras.Input((4, 6, 8), dtype="uint8")).dtype == "uint8"


def test_fields():
    (shuffled, _), (unshuffled, _) = (
        cls(2).receptive_field([(None, 4, 4, 4)]) for cls in (PixelShuffle2D, PixelUnshuffle2D)
    )
    assert (shuffled.stride, unshuffled.stride, unshuffled.size) == (0.5, 2, 2)


@pytest.mark.parametrize(
    "cls, kwargs, shape, words",
    [
        (PixelShuffle2D, {"factor": 3}, (1, 4, 4, 8), ["channels in groups of 9", "channels=8"]),
        (PixelShuffle2D, {"factor": 2}, (1, 4, 4, None), ["a known number of channels"]),
        (PixelUnshuffle2D, {"factor": 4}, (1, 4, 6, 8), ["a multiple of 4 on spatial axis 1", "size=6"]),
        (PixelUnshuffle2D, {"factor": -1}, (1, 4, 6, 8), ["factor, an integer of at least 1", "factor=-1"]),
        (PixelShuffle1D, {"factor": 2, "order": "RGB"}, (1, 4, 8), ["order, one of", "order='RGB'"]),
        (PixelShuffle1D, {"factor": 2}, (1, 4, 4, 8), ["rank 3"]),
    ],
)
def test_refuses(cls, kwargs, shape, words):
    check_refusal(cls, kwargs, shape, *words)
