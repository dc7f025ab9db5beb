"""Units of maps and of vectors in both data formats, and what is refused."""

import numpy as np
import pytest

from kzoo.analysis.units import class_of, unit_map, unit_value
from kzoo.checks import Refusal

Y = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")


@pytest.mark.parametrize("unit", [2, (1, 3, 4), -1, np.int64(0), (0, -1, 0)], ids=str)
def test_maps_and_positions(unit):
    index = (slice(None), *unit) if isinstance(unit, tuple) else (..., unit)
    for y, first in ((Y, False), (np.moveaxis(Y, -1, 1), True)):
        np.testing.assert_array_equal(unit_map("it", y, unit, first), Y[index])
        wanted = Y[index].reshape(2, -1).mean(-1)
        np.testing.assert_allclose(unit_value("it", y, unit, first), wanted, rtol=1e-6)


def test_vectors_have_one_kind_of_unit():
    for first in (False, True):
        np.testing.assert_array_equal(unit_map("it", Y[:, 0, 0], 3, first), Y[:, 0, 0, 3])


@pytest.mark.parametrize("unit", [5, -6, (1, 1), (3, 0, 0), "a", (), None, 1.5, True], ids=str)
def test_units_that_the_layer_does_not_have(unit):
    with pytest.raises(Refusal, match=r"^it expects unit, a channel or .* = \(3, 4, 5\); received unit="):
        unit_map("it", Y, unit)


def test_classes():
    outputs = Y[:, 0, 0]
    np.testing.assert_array_equal(class_of("it", outputs), outputs.argmax(-1))
    assert list(class_of("it", outputs, 3)) == [3, 3] and list(class_of("it", outputs, [0, 4])) == [0, 4]
    for wrong in (5, -1, [0], [0, 9], "a", 1.5):
        with pytest.raises(Refusal, match="^it expects class_index below 5"):
            class_of("it", outputs, wrong)
