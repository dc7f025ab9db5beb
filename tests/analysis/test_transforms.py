"""Shifts, rotations, scalings and flips against NumPy and SciPy, borders, strides, and what is refused."""

import numpy as np
import pytest
import scipy.ndimage

from kzoo.analysis.transforms import (
    BORDERS,
    amount_places,
    checked_amounts,
    checked_moves,
    default_amounts,
    transform_array,
)
from kzoo.checks import Refusal

PAD = {"circular": "wrap", "zeros": "constant", "replicate": "edge", "reflect": "reflect"}


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("amount", [2, -3, (1, -2), (0, 0)], ids=str)
def test_shifts_are_windows_of_a_padded_image(border, amount):
    x = noise(2, 5, 6, 3)
    down, right = amount if isinstance(amount, tuple) else (0, amount)
    padded = np.pad(x, [(0, 0), (3, 3), (3, 3), (0, 0)], mode=PAD[border])
    wanted = padded[:, 3 - down : 8 - down, 3 - right : 9 - right]
    np.testing.assert_array_equal(transform_array(x, "shift", amount, border), wanted)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_ranks(rank):
    x = noise(2, *(4, 5, 6)[:rank], 2)
    np.testing.assert_array_equal(transform_array(x, "shift", 2), np.roll(x, 2, rank))
    each = (1, -1, 2)[:rank]
    np.testing.assert_array_equal(transform_array(x, "shift", each), np.roll(x, each, range(1, rank + 1)))
    for axis in range(rank):
        np.testing.assert_array_equal(transform_array(x, "flip", axis), np.flip(x, axis + 1))


def test_shifts_between_positions_are_interpolated():
    x = noise(2, 8, 3)
    wanted = 0.75 * np.roll(x, 1, 1) + 0.25 * np.roll(x, 2, 1)
    np.testing.assert_allclose(transform_array(x, "shift", 5, strides=[4]), wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize("turns", [-1, 0, 1, 2, 3])
def test_quarter_turns_are_exact(size, turns):
    x = noise(2, size, size, 3)
    np.testing.assert_array_equal(transform_array(x, "rotation", 90 * turns, "zeros"), np.rot90(x, turns, (1, 2)))


@pytest.mark.parametrize("degrees", [30, -75.5])
def test_rotations_equal_scipys(degrees):
    x = noise(2, 7, 8, 3)
    wanted = scipy.ndimage.rotate(x, degrees, (1, 2), reshape=False, order=1, mode="grid-constant")
    np.testing.assert_allclose(transform_array(x, "rotation", degrees, "zeros"), wanted, rtol=1e-5, atol=1e-6)


def test_maps_with_strides_turn_as_the_image_does():
    """A map with twice as many rows as columns, whose values are linear in the pixels that it sees."""
    row, column = (np.arange(9) - 4.0)[:, None] * np.ones(5), np.ones((9, 1)) * 2 * (np.arange(5) - 2.0)
    turned = transform_array((row + 3 * column)[None, ..., None], "rotation", 90, strides=(1, 2))[0, ..., 0]
    np.testing.assert_allclose(turned, column - 3 * row, atol=1e-6)  # a quarter turn reads (column, -row)


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.7, 2])
def test_scaling(factor):
    x = noise(1, 7, 8, 2)
    rows, columns = (np.arange(7) - 3) / factor + 3, (np.arange(8) - 3.5) / factor + 3.5
    points = np.meshgrid(rows, columns, indexing="ij")
    wanted = scipy.ndimage.map_coordinates(x[0, ..., 1], points, order=1, mode="grid-constant")
    np.testing.assert_allclose(transform_array(x, "scale", factor, "zeros")[0, ..., 1], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("strides", [(), (2, 2)], ids=str)
def test_similarities_are_the_other_transformations(strides):
    x = noise(2, 7, 8, 2)
    for transform, amount, same in (
        ("shift", (1, -2), (1, 0, 1, -2)),
        ("rotation", 30, (1, 30, 0, 0)),
        ("scale", 1.5, (1.5, 0, 0, 0)),
    ):
        wanted = transform_array(x, transform, amount, "zeros", strides)
        np.testing.assert_array_equal(transform_array(x, "similarity", same, "zeros", strides), wanted)


def test_a_similarity_shifts_last_and_interpolates_once():
    x = noise(1, 9, 9, 1)
    moved = transform_array(x, "similarity", (1.5, 30, 2, -1), "zeros")
    turned = transform_array(x, "similarity", (1.5, 30, 0, 0), "zeros")
    np.testing.assert_allclose(moved[:, 2:, :-1], turned[:, :-2, 1:], rtol=1e-5, atol=1e-6)
    cos, sin = np.cos(np.radians(30)) / 1.5, np.sin(np.radians(30)) / 1.5
    row, column = np.mgrid[:9, :9] - np.array([6, 3])[:, None, None]  # from the shifted centre
    points = [4 + cos * row + sin * column, 4 + cos * column - sin * row]
    wanted = scipy.ndimage.map_coordinates(x[0, ..., 0], points, order=1, mode="grid-constant")
    np.testing.assert_allclose(moved[0, ..., 0], wanted, rtol=1e-5, atol=1e-6)


def test_similarities_of_signals_and_volumes():
    x = noise(1, 9, 2)
    wanted = scipy.ndimage.map_coordinates(x[0, :, 1], [(np.arange(9) - 5) / 2 + 4], order=1, mode="grid-constant")
    np.testing.assert_allclose(transform_array(x, "similarity", (2, 0, 1), "zeros")[0, :, 1], wanted, atol=1e-6)
    x = noise(1, 3, 6, 6, 2)
    moved = transform_array(x, "similarity", (1.2, 30, 1, 2, 0), "zeros")
    wanted = [transform_array(x[:, k], "similarity", (1.2, 30, 2, 0), "zeros") for k in range(2)]
    np.testing.assert_allclose(moved[:, 1:], np.stack(wanted, 1), rtol=1e-5, atol=1e-6)


def test_dtypes():
    assert transform_array(np.ones((1, 4, 1), "uint8"), "shift", 1).dtype == "float32"
    assert transform_array(np.ones((1, 4, 1), "float16"), "flip", 0).dtype == "float32"
    assert transform_array(np.ones((1, 4, 1), "float64"), "shift", 1).dtype == "float64"


def test_defaults():
    assert default_amounts("shift", (40, 16)) == tuple(range(-4, 5))
    assert default_amounts("flip", (40, 16)) == (0, 1) and 1.0 in default_amounts("scale", (8, 8))
    assert checked_moves("it", "shift", None, None, (8, 4)) == ("shift", (-1, 0, 1), "circular")
    assert checked_moves("it", "scale", [2], None, (8, 4)) == ("scale", (2,), "zeros")
    assert checked_moves("it", "flip", None, "zeros", (8,), lambda *_: (0,)) == ("flip", (0,), "zeros")


def test_places_of_amounts_on_an_axis():
    places, labels = amount_places([-2, 3])
    assert places.tolist() == [-2, 3] and labels == []
    places, labels = amount_places([(0, 1), 3])
    assert places.tolist() == [0, 1] and labels == ["(0, 1)", "3"]


@pytest.mark.parametrize(
    ("transform", "amounts", "message"),
    [
        ("shift", [], "shifts in whole pixels or 2-tuples"),
        ("shift", 3, "shifts in whole pixels"),
        ("shift", [1.5], "shifts in whole pixels"),
        ("shift", [(1, 2, 3)], "2-tuples"),
        ("shift", [6], r"below \(5, 6\)"),
        ("shift", [(5, 0)], r"below \(5, 6\)"),
        ("rotation", [float("nan")], "finite degrees"),
        ("scale", [0], "factors above 0"),
        ("flip", [2], "axes from 0 to 1"),
        ("flip", [True], "axes from 0 to 1"),
        ("similarity", [], r"tuples \(factor above 0, degrees, whole pixels"),
        ("similarity", [2], "tuples"),
        ("similarity", [(1, 0, 1)], "tuples"),
        ("similarity", [(0, 0, 1, 1)], "factor above 0"),
        ("similarity", [(1, float("inf"), 1, 1)], "degrees"),
        ("similarity", [(1, 0, 1.5, 1)], "whole pixels"),
        ("similarity", [(1, 0, 5, 1)], r"below \(5, 6\)"),
    ],
    ids=str,
)
def test_wrong_amounts(transform, amounts, message):
    with pytest.raises(Refusal, match=f"^it expects amounts, .*{message}.*; received amounts="):
        checked_amounts("it", transform, amounts, (5, 6))


def test_refusals():
    with pytest.raises(Refusal, match="expects transform, one of .*; received transform='turn'"):
        transform_array(noise(1, 4, 4, 1), "turn", 1)
    with pytest.raises(Refusal, match="expects images for a rotation; received spatial_axes=1"):
        transform_array(noise(1, 4, 1), "rotation", 90)
    with pytest.raises(Refusal, match="degrees of 0"):
        transform_array(noise(1, 4, 1), "similarity", (1, 90, 1))
    with pytest.raises(Refusal, match="expects border, one of .*; received border='wrap'"):
        transform_array(noise(1, 4, 1), "shift", 1, "wrap")
    with pytest.raises(Refusal, match=r"^it expects border, one of \('zeros',\); received border='circular'"):
        checked_moves("it", "shift", [1], "circular", (8,), borders=["zeros"])
