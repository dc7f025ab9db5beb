import numpy as np
import pytest

from kzoo.augmentation.cut_mix import CutMix
from kzoo.checks import Refusal


def program(height, width, kept, row, column):
    """Returns the box that the authors' `rand_bbox` gives: the first and last row, the first and last column."""
    ratio = np.sqrt(1 - kept)
    tall, wide = int(height * ratio) // 2, int(width * ratio) // 2
    rows = np.clip([row - tall, row + tall], 0, height)
    return *rows, *np.clip([column - wide, column + wide], 0, width)


def test_boxes_are_those_of_the_authors_program(monkeypatch):
    import keras

    rng = np.random.default_rng(0)
    kept = rng.uniform(0, 1, 500).astype("float32")
    rows, columns = rng.integers(0, 13, 500), rng.integers(0, 20, 500)
    centres = iter([rows, columns])
    monkeypatch.setattr("kzoo.augmentation.cut_mix.draw_beta", lambda *_: kept)
    monkeypatch.setattr(keras.random, "randint", lambda *_, **__: next(centres).astype("int32"))
    boxes = np.array(CutMix(seed=0).draw((500, 13, 20, 3)))
    expected = [program(13, 20, *each) for each in zip(kept, rows, columns)]
    np.testing.assert_array_equal(boxes.T, expected)


def test_a_box_comes_from_the_partner_and_labels_count_its_pixels():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (30, 9, 7, 3)).astype("uint8")
    mixed = CutMix(seed=4)({"images": x, "labels": np.eye(30, dtype="float32")})
    images, labels = (np.array(mixed[name]) for name in ("images", "labels"))
    boxed = 0
    for i in range(30):
        others = [j for j in np.flatnonzero(labels[i]) if j != i]
        if not others:
            np.testing.assert_array_equal(images[i], x[i])
            continue
        boxed += 1
        changed = np.argwhere((images[i] != x[i]).any(-1))
        (top, left), (bottom, right) = changed.min(0), changed.max(0) + 1
        expected = x[i].copy()
        expected[top:bottom, left:right] = x[others[0], top:bottom, left:right]
        np.testing.assert_array_equal(images[i], expected)
        np.testing.assert_allclose(labels[i, others[0]], (bottom - top) * (right - left) / 63, rtol=1e-4)
    assert boxed > 15


def test_areas_are_spread_as_the_paper_says():
    """With alpha 1 lambda is uniform, so that boxes, before the border cuts them, have half the image on average."""
    top, bottom, left, right = np.array(CutMix(seed=0).draw((20000, 400, 400, 3))).astype("float64")
    inside = (top > 0) & (left > 0) & (bottom < 400) & (right < 400)
    areas = (bottom - top) * (right - left) / 400**2
    assert abs(np.corrcoef((top + bottom)[inside], (left + right)[inside])[0, 1]) < 0.05
    rng = np.random.default_rng(1)
    expected = []
    for kept, row, column in zip(rng.uniform(size=20000), rng.integers(0, 400, 20000), rng.integers(0, 400, 20000)):
        a, b, c, d = program(400, 400, kept, row, column)
        expected.append((b - a) * (d - c) / 400**2)
    np.testing.assert_allclose(np.quantile(areas, [0.1, 0.5, 0.9]), np.quantile(expected, [0.1, 0.5, 0.9]), atol=0.02)


def test_the_probability_of_a_box():
    mixed = CutMix(probability=0.25, seed=0)({"images": np.zeros((2000, 16, 16, 1)), "labels": np.eye(2000)})
    assert 0.17 < np.mean(np.diag(np.array(mixed["labels"])) < 1) < 0.28  # some boxes have no pixel


def test_label_maps_get_the_same_box():
    x = np.random.default_rng(0).integers(0, 5, (12, 9, 7, 1)).astype("float32")
    mixed = CutMix(seed=1)({"images": 10 * x, "segmentation_masks": x})
    np.testing.assert_array_equal(np.array(mixed["images"]), 10 * np.array(mixed["segmentation_masks"]))
    assert not np.array_equal(mixed["segmentation_masks"], x)


def test_channels_first():
    x = np.random.default_rng(0).normal(size=(12, 9, 7, 2)).astype("float32")
    last = CutMix(seed=1)({"images": x, "labels": np.eye(12)})
    first = CutMix(seed=1, data_format="channels_first")({"images": x.transpose(0, 3, 1, 2), "labels": np.eye(12)})
    np.testing.assert_array_equal(np.array(first["images"]).transpose(0, 2, 3, 1), last["images"])
    np.testing.assert_array_equal(first["labels"], last["labels"])


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"alpha": 0}, "CutMix expects alpha, a number from 0.001 to 1000; received alpha=0"),
        ({"probability": 0}, "CutMix expects probability, a number above 0 and at most 1; received probability=0"),
        ({"probability": True}, "probability, a number above 0 and at most 1; received probability=True"),
        ({"data_format": "middle"}, "CutMix expects data_format, one of .* received data_format='middle'"),
    ],
)
def test_refusals(settings, words):
    with pytest.raises(Refusal, match=words):
        CutMix(**settings)


def test_refuses_signals():
    with pytest.raises(ValueError, match=r"CutMix expects images \(B, H, W, C\); received shape="):
        CutMix()({"images": np.zeros((4, 40, 1)), "labels": np.eye(4)})
