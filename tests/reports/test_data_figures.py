"""Pictures of data of every kind; what they show is looked at in docs/photos."""

import numpy as np
import pytest

from kzoo.reports.data_figures import Batch, draw_examples, draw_summary


@pytest.mark.parametrize(
    "shape", [(9, 1), (9, 2), (8, 8, 1), (8, 8, 2), (8, 8, 3), (4, 8, 8, 3), (4, 8, 8, 1), (5,)], ids=str
)
def test_examples_of_any_shape(seeds, shape):
    x = seeds.normal(size=(5, *shape))
    batch = Batch(x, np.array([0, 1, 2, 0, 1], "int32"))
    sheet = draw_examples("a $\\fra$ [b]", batch, Batch(x + 1, batch.y), ("a", "b$x", "c"), 3)
    titles = [axes.get_title() for axes in sheet.axes if axes.get_title()]
    assert titles == ["a", "augmented", "b$x", "augmented", "c", "augmented"] + ["a", "augmented", "b$x", "augmented"]
    sheet.canvas.draw()
    alone = draw_examples("it", batch, None, None, 3)
    assert [axes.get_title() for axes in alone.axes if axes.get_title()] == ["0", "1", "2", "0", "1"]


def test_one_example_and_labels_that_are_no_classes(seeds):
    batch = Batch(seeds.normal(size=(1, 8, 8, 3)), np.float32([0.5]))
    draw_examples("it", batch, None, None, None).canvas.draw()


@pytest.mark.parametrize("classes", [2, 30, None])
def test_label_maps_are_drawn_over_their_images(seeds, classes):
    x = seeds.integers(0, 256, (2, 8, 8, 3)).astype("uint8")
    y = np.zeros((2, 8, 8, 1), "int32")
    y[:, :4], y[:, 7] = 1, 255 if classes else 1
    sheet = draw_examples("it", Batch(x, y), None, None, classes)
    image, label_map = sheet.axes[0].images
    shown = np.ma.masked_invalid(label_map.get_array())
    assert shown[0, 0] == 1 and shown[5, 0] == 0
    assert np.ma.is_masked(shown[7, 0]) == bool(classes)
    np.testing.assert_allclose(image.get_array(), x[0] / 255)
    sheet.canvas.draw()


@pytest.mark.parametrize("classes", [0, 2, 41])
@pytest.mark.parametrize("sizes", [None, np.array([[30, 40], [50, 20]])])
def test_summary(seeds, classes, sizes):
    counts = {"train": np.arange(classes), "test": np.zeros(0, int)}
    sheet = draw_summary("it", counts, seeds.normal(size=(4, 6, 6, 3)), None, sizes)
    assert len(sheet.axes) == (classes > 0) + 1 + (sizes is not None)
    sheet.canvas.draw()


def test_bars_are_shares():
    counts = {"train": np.array([30, 10]), "test": np.array([1, 1])}
    axes = draw_summary("it", counts, np.zeros((1, 4, 4, 1), "uint8"), ("cat", "dog"), None).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [75, 25, 50, 50]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
