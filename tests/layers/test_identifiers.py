"""Activations, initializers, regularizers, constraints and seeds: Keras's, and those that it does not know."""

import keras
import numpy as np
import pytest

from kzoo import layers
from kzoo.checks import Refusal
from tests.collect import collect
from tests.layer_checks import arguments

CASES = collect("LAYER_CASES")
KINDS = ("activation", "initializer", "regularizer", "constraint")


@pytest.mark.parametrize("name", CASES)
def test_unknown_identifiers_name_the_argument(name):
    cls, kwargs = getattr(layers, name), CASES[name].kwargs
    for argument in sorted(arguments(cls)):
        kind = argument.rpartition("_")[2]
        for identifier in ("nothing", 0.0, False, {"a": 1}) if kind in KINDS else ():
            words = f"^{name} expects {argument}, an? {kind}; received "
            with pytest.raises(Refusal, match=words):
                cls(**{**kwargs, argument: identifier})


@pytest.mark.parametrize("name", [name for name in CASES if "seed" in arguments(getattr(layers, name))])
def test_seeds(name):
    cls, kwargs = getattr(layers, name), CASES[name].kwargs
    for seed in ("", -1, 0.5, [2], True):
        with pytest.raises(Refusal, match=f"^{name} expects seed, an integer of at least 0.*; received seed="):
            cls(**{**kwargs, "seed": seed})
    seed = cls(**{**kwargs, "seed": np.int64(3)}).get_config()["seed"]
    assert type(seed) is int and seed == 3


def test_identifiers_are_those_of_keras():
    layer = layers.Conv2D(1, 1, kernel_regularizer={"class_name": "L2", "config": {"l2": 0.5}}, activation="relu")
    assert layer.kernel_regularizer.l2 == 0.5 and layer.activation is keras.activations.relu
    assert layers.Conv2D(1, 1, activity_regularizer="l1").activity_regularizer.l1 == keras.regularizers.L1().l1
