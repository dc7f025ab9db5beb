"""Occlusion maps: by a loop, of copies of one model in both data formats, pictures, and what is refused."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis import occlusion
from kzoo.checks import Refusal
from kzoo.layers import Conv1D, Conv2D, Conv3D
from kzoo.models.registry import model
from tests.analysis.attribution_models import copies, noise

SHAPES = {1: (11, 2), 2: (7, 8, 2), 3: (4, 5, 3, 2)}
CONVS = {1: Conv1D, 2: Conv2D, 3: Conv3D}


def stack(rank=2, data_format="channels_last"):
    return [
        CONVS[rank](3, 2, activation="tanh", data_format=data_format, name="conv"),
        layers.Flatten(data_format=data_format),
        layers.Dense(4, "softmax", name="fc"),
    ]


def loop_starts(n, size, stride):
    starts = []
    at = 0
    while at + size <= n:
        starts.append(at)
        at += stride
    if starts[-1] + size < n:
        starts.append(n - size)
    return starts


def loop(built, x, classes, size, stride, value):
    """Returns the mean drop at each pixel, one prediction at a time."""
    total, count = np.zeros(x.shape[:-1]), np.zeros(x.shape[:-1])
    axes = [loop_starts(n, k, step) for n, k, step in zip(x.shape[1:-1], size, stride)]
    for number, index in enumerate(classes):
        for starts in itertools.product(*axes):
            covered = x[number].copy()
            square = tuple(slice(at, at + k) for at, k in zip(starts, size))
            covered[square] = x[number].mean(tuple(range(len(size)))) if value is None else value
            before, after = (np.asarray(built(each[None]))[0, index] for each in (x[number], covered))
            total[number][square] += before - after
            count[number][square] += 1
    return total / count


@pytest.mark.parametrize(
    "rank, size, stride, value",
    [(1, (3,), (2,), None), (1, (4,), (4,), 0.5), (2, (3, 2), (2, 2), [1, -1]), (2, (2, 3), (1, 3), None)]
    + [(3, (2, 2, 3), (2, 1, 1), None)],
)
def test_equals_a_loop(rank, size, stride, value):
    x = noise(2, *SHAPES[rank])
    built = copies(stack(rank), SHAPES[rank])
    probable = np.asarray(built["functional"](x)).argmax(-1)
    wanted = loop(built["functional"], x, probable, size, stride, value)
    assert np.abs(wanted).max() > 1e-3
    for each in built.values():
        found = occlusion(each, x, size=size, stride=stride, value=value, batch_size=5)
        np.testing.assert_allclose(found.array, wanted, rtol=1e-3, atol=1e-6)
        assert found.array.dtype == found.drops.dtype == "float32" and list(found.classes) == list(probable)


def test_classes_are_chosen():
    x = noise(2, *SHAPES[2])
    built = copies(stack(), SHAPES[2])["functional"]
    found = occlusion(built, x, [3, 0], size=3, stride=3)
    np.testing.assert_allclose(found.array, loop(built, x, [3, 0], (3, 3), (3, 3), None), rtol=1e-3, atol=1e-6)
    assert [len(starts) for starts in found.starts] == [3, 3] and found.size == (3, 3)


def test_channels_first():
    x = noise(2, *SHAPES[2])
    last = copies(stack(), SHAPES[2])["functional"]
    first = copies(stack(2, "channels_first"), (2, 7, 8))["functional"]
    first.set_weights(last.get_weights())
    before = x.copy()
    a, b = occlusion(last, x, 1), occlusion(first, np.moveaxis(x, -1, 1), 1)
    np.testing.assert_allclose(a.array, b.array, rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(x, before)  # inputs are covered in copies


def test_only_what_a_class_depends_on_matters():
    """The class is the mean of the first four pixels: only squares that reach them lower it."""
    inputs = keras.Input((12, 1))
    total = layers.Flatten()(layers.AveragePooling1D(4)(inputs))
    built = keras.Model(inputs, layers.Identity()(total))
    found = occlusion(built, np.ones((1, 12, 1)), 0, size=2, stride=2, value=0)
    np.testing.assert_allclose(found.array[0], [0.5] * 4 + [0] * 8)


def test_models_of_the_zoo():
    built = model("mnist1d_cnn", weights="mnist1d")
    x = noise(2, 40, 1)
    found = occlusion(built, x)
    assert found.size == (8,) and found.drops.shape == (2, 9)
    wanted = loop(built, x, found.classes, (8,), (4,), None)
    np.testing.assert_allclose(found.array, wanted, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("rank", SHAPES)
def test_pictures(rank):
    found = occlusion(copies(stack(rank), SHAPES[rank])["functional"], noise(2, *SHAPES[rank]), 2)
    sheet = found.plot()
    assert sheet.axes[0].get_title() == f"class 2, probability {found.outputs[0]:.3g}"
    drawn = sheet.axes[0].collections[0] if rank == 1 else sheet.axes[1].images[0]
    middle = found.array[0] if rank < 3 else found.array[0, 2]
    np.testing.assert_array_equal(drawn.get_array(), middle)
    assert drawn.get_clim() == pytest.approx((-np.abs(found.array).max(), np.abs(found.array).max()))


@pytest.mark.parametrize(
    "more, message",
    [
        ({"size": 8}, r"size, at most the input's \(7, 8\); received size=8"),
        ({"size": 0}, "size"),
        ({"size": (2, 2, 2)}, "size"),
        ({"size": 2, "stride": 3}, r"stride, at most the size \(2, 2\), so that every pixel is covered"),
        ({"stride": -1}, "stride"),
        ({"value": [1, 2, 3]}, "value, a finite number or 2 of them"),
        ({"value": np.nan}, "value, a finite number"),
        ({"value": "grey"}, "value, a finite number"),
        ({"class_index": 9}, "class_index below 4"),
        ({"batch_size": 0}, "batch_size"),
    ],
    ids=str,
)
def test_refusals(more, message):
    with pytest.raises(Refusal, match=message):
        occlusion(copies(stack(), SHAPES[2])["functional"], noise(1, *SHAPES[2]), **more)
