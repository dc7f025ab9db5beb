"""The arithmetic of receptive fields, against the sets of pixels that windows really cover."""

from fractions import Fraction

import pytest

from kzoo.layers.field import (
    DATA,
    EXACT,
    UNKNOWN,
    UPPER_BOUND,
    Field,
    bins_field,
    combined_status,
    transposed_field,
    union,
    window_field,
)

# Maps over an unbounded axis: the positions below that position p depends on.
LAYERS = {
    "window": (window_field(None, 3, 1, 1, 1), lambda p: range(p - 1, p + 2)),
    "dilated": (window_field(None, 2, 1, 3, 1), lambda p: (p - 1, p + 2)),
    "strided": (window_field(None, 3, 2), lambda p: range(2 * p, 2 * p + 3)),
    "pool": (window_field(None, 2, 2), lambda p: (2 * p, 2 * p + 1)),
    "every third": (window_field(None, 1, 3, 1, -1), lambda p: (3 * p + 1,)),
    "repeated": (transposed_field(2, 2), lambda p: (p // 2,)),
    "repeated thrice": (transposed_field(3, 3), lambda p: (p // 3,)),
    "transposed": (transposed_field(4, 2, 1, 1), lambda p: [i for i in range(-99, 99) if 0 <= p + 1 - 2 * i < 4]),
    "bins": (bins_field(5, 3), lambda p: range(p * 5 // 3, -(-(p + 1) * 5 // 3))),
}


@pytest.mark.parametrize("first", LAYERS)
@pytest.mark.parametrize("second", LAYERS)
@pytest.mark.parametrize("third", ["window", "pool", "repeated"])
def test_composition(first, second, third):
    """The box holds every pixel; an exact one is as large as what positions see."""
    chain = [LAYERS[name] for name in (first, second, third)]
    field = chain[2][0].after(chain[1][0].after(chain[0][0]))
    sizes = set()
    for p in range(18):
        pixels = {p}
        for _, below in reversed(chain):
            pixels = {pixel for position in pixels for pixel in below(position)}
        start = p * field.stride
        assert start - field.padding <= min(pixels) and max(pixels) <= start + field.last
        sizes.add(max(pixels) - min(pixels) + 1)
    assert field.rounded().size >= max(sizes)
    if field.status == EXACT:
        assert field.rounded().size == max(sizes)
        assert field.rounded().status == (EXACT if len(sizes) == 1 else UPPER_BOUND)


def test_fields_of_transposed_windows():
    """ceil(k / s) pixels, of which some positions see fewer unless s divides k."""
    for k in range(1, 8):
        for s in range(1, 5):
            field = transposed_field(k, s).rounded()
            assert field.size == -(-k // s) and field.stride == Fraction(1, s)
            assert field.status == (UPPER_BOUND if k % s else EXACT)


def test_union_and_whole_axes():
    assert union([Field(3, 2, 1), Field(5, 2, 0)]) == Field(6, 2, 1)
    assert union([Field(3), Field(None, status=DATA)]) == Field(None, status=DATA)
    assert Field(3).after(Field(None, status=UNKNOWN)) == Field(None, status=UNKNOWN)
    assert Field(None).after(Field(3, status=UPPER_BOUND)) == Field(None)


def test_the_least_certain_status_wins():
    order = [EXACT, UPPER_BOUND, DATA, UNKNOWN]
    for i, status in enumerate(order):
        assert all(
            combined_status([Field(3, status=other), Field(3, status=status)]) == status for other in order[: i + 1]
        )
