"""Layers that compute with floating numbers refuse whole ones before anything runs, in their own name."""

import keras
import pytest

from kzoo.layers.base_layer import BaseLayer
from tests.layer_checks import dtype, symbols
from tests.layers.cases import CASES, CLASSES

# Those that take integers too promise their dtype themselves.
FLOATING = [name for name in CASES if CLASSES[name].compute_output_spec is BaseLayer.compute_output_spec]


@pytest.mark.parametrize("name", FLOATING)
def test_symbolic_integers(name):
    case = CASES[name]
    with pytest.raises(ValueError, match=rf"{name} expects floating inputs; received dtype='int32'"):
        CLASSES[name](**case.kwargs)(keras.Input(case.inputs.shape[1:], dtype="int32"))
    assert dtype(CLASSES[name](**case.kwargs, dtype="mixed_float16")(symbols(case.inputs))) == "float16"
