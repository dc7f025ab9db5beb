"""MaskCapsules: the contract, with and without labels, and errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import MaskCapsules
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import Case, noise

LAYER_CASES = {"MaskCapsules": Case({}, [noise(2, 6, 5), np.array([4, -1], "int32")], free=False)}


def test_contract(tmp_path):
    check_layer(MaskCapsules, *LAYER_CASES["MaskCapsules"], tmp_path)


def test_keeps_the_longest_without_labels(tmp_path):
    x = noise(3, 4, 2)
    same(MaskCapsules()(x), ops.mask_capsules(x))
    below = keras.Input((4, 2))
    model = keras.Model(below, MaskCapsules()(below))
    model.save(tmp_path / "model.keras")
    same(keras.models.load_model(tmp_path / "model.keras")(x), ops.mask_capsules(x))


def test_passes_its_labels_to_the_op():
    x, labels = noise(3, 4, 2), np.int32([3, -1, 0])
    same(MaskCapsules()([x, labels]), ops.mask_capsules(x, labels))


@pytest.mark.parametrize(
    "shapes, words",
    [
        ((2, 6), ["capsules (batch, their number, dimension)", "6)"]),
        ((2, None, 5), ["capsules (batch, their number, dimension)", "None, 5)"]),
        ([(2, 6, 5), (2, 1)], ["labels (batch,)"]),
        ([(2, 6, 5), (2,), (2,)], ["capsules, or [capsules, labels]", "inputs=3"]),
    ],
)
def test_refuses(shapes, words):
    check_refusal(MaskCapsules, {}, shapes, *words)


def test_refuses_labels_that_are_no_integers():
    with pytest.raises(ValueError, match="MaskCapsules expects integer labels"):
        MaskCapsules()([keras.Input((4, 2)), keras.Input(())])
