"""Pictures of data of every kind; what they show is looked at in docs/photos."""

import numpy as np
import pytest

from kzoo.reports.data_figures import Batch, draw_examples, draw_summary
from kzoo.reports.target_content import TargetContent
from kzoo.task import Task


def of_classes(names=None, size=None):
    return [Task(size=size, names=names)]


def counted(counts, kind="classification", names=None):
    """A target with counts {split: array}."""
    found = {}
    for split, of_split in counts.items():
        found[split] = TargetContent(Task(kind, names=names))
        found[split].counts, found[split].examples = of_split, 40
    return found


def titles(sheet):
    return [axes.get_title() for axes in sheet.axes if axes.get_title()]


@pytest.mark.parametrize(
    "shape", [(9, 1), (9, 2), (8, 8, 1), (8, 8, 2), (8, 8, 3), (4, 8, 8, 3), (4, 8, 8, 1), (5,)], ids=str
)
def test_examples_of_any_shape(seeds, shape):
    x = seeds.normal(size=(5, *shape))
    batch = Batch(x, {"": np.array([0, 1, 2, 0, 1], "int32")})
    sheet = draw_examples("a $\\fra$ [b]", batch, Batch(x + 1, batch.y), of_classes(("a", "b$x", "c")))
    wanted = ["a", "augmented", "b$x", "augmented", "c", "augmented"] + ["a", "augmented", "b$x", "augmented"]
    assert titles(sheet) == wanted
    sheet.canvas.draw()
    assert titles(draw_examples("it", batch, None, of_classes())) == ["0", "1", "2", "0", "1"]


def test_one_example_and_labels_that_are_no_classes(seeds):
    batch = Batch(seeds.normal(size=(1, 8, 8, 3)), {"": np.float32([0.5])})
    draw_examples("it", batch, None, of_classes()).canvas.draw()


@pytest.mark.parametrize("classes", [2, 30, None])
def test_label_maps_are_drawn_over_their_images(seeds, classes):
    x = seeds.integers(0, 256, (2, 8, 8, 3)).astype("uint8")
    y = np.zeros((2, 8, 8, 1), "int32")
    y[:, :4], y[:, 7] = 1, 255 if classes else 1
    sheet = draw_examples("it", Batch(x, {"": y}), None, [Task("segmentation", (8, 8, 1), classes)])
    image, label_map = sheet.axes[0].images
    shown = np.ma.masked_invalid(label_map.get_array())
    assert shown[0, 0] == 1 and shown[5, 0] == 0
    assert np.ma.is_masked(shown[7, 0]) == bool(classes)
    np.testing.assert_allclose(image.get_array(), x[0] / 255)
    sheet.canvas.draw()


def test_several_targets_are_above_their_examples(seeds):
    x = seeds.normal(size=(2, 8, 8, 1))
    tasks = [Task(name="digit"), Task("regression", (2,), 2, "at"), Task("multilabel", (6,), 6, "in", tuple("abcdef"))]
    y = {"digit": np.array([3, 4]), "at": np.array([[0.5, 1e-9], [1, 2]]), "in": np.array([[0] * 6, [1] * 6])}
    found = titles(draw_examples("it", Batch(x, y), None, tasks))
    assert found == ["3, 0.5, 1e-09, no label", "4, 1, 2, a, b, c, d, ..."]


@pytest.mark.parametrize("scale", [1, 255])
def test_images_follow_their_example(seeds, scale):
    """Of another range than the inputs they are stretched to it."""
    x = np.concatenate([np.zeros((2, 8, 8, 1)), np.ones((2, 8, 8, 1))], 2)
    batch = Batch(x, {"": scale * x[:, :, ::-1]})
    sheet = draw_examples("it", batch, Batch(1 - x, batch.y), [Task("image", x.shape[1:], 1)])
    assert titles(sheet) == ["target", "augmented", "target", "target", "augmented", "target"]
    first, second, third, _ = (axes.images[0].get_array() for axes in sheet.axes[:4])
    np.testing.assert_allclose(second, first[:, ::-1])
    np.testing.assert_allclose(third, second)
    sheet.canvas.draw()


@pytest.mark.parametrize("classes", [0, 2, 41])
@pytest.mark.parametrize("sizes", [None, np.array([[30, 40], [50, 20]])])
def test_summary(seeds, classes, sizes):
    counts = counted({"train": np.arange(classes), "test": np.zeros(0, int)})
    sheet = draw_summary("it", [counts], seeds.normal(size=(4, 6, 6, 3)), {}, sizes)
    assert len(sheet.axes) == (classes > 0) + 1 + (sizes is not None)
    sheet.canvas.draw()


@pytest.mark.parametrize("kind, shares", [("classification", [75, 25, 50, 50]), ("multilabel", [75, 25, 2.5, 2.5])])
def test_bars_are_shares(kind, shares):
    """Of the classes; an example may have several labels, or none."""
    counts = counted({"train": np.array([30, 10]), "test": np.array([1, 1])}, kind, ("cat", "dog"))
    axes = draw_summary("it", [counts], np.zeros((1, 4, 4, 1), "uint8"), {}, None).axes[0]
    assert [bar.get_width() for bar in axes.patches] == shares
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]


@pytest.mark.parametrize("count", [1, 2, 9])
def test_histograms_of_numbers_and_values_of_images(seeds, count):
    numbers = {split: TargetContent(Task("regression", (count,), count)) for split in ("train", "test")}
    for content in numbers.values():
        content.add(seeds.normal(size=(30, count)))
    images = {"": TargetContent(Task("image", (4, 4, 1), 1))}
    x = seeds.normal(size=(4, 6, 6, 3))
    sheet = draw_summary("it", [numbers, images], x, {"": seeds.normal(size=(4, 4, 4, 1))}, None)
    shown = [axes.get_title() for axes in sheet.axes if axes.get_title()]
    of_numbers = ["number"] if count == 1 else [str(number) for number in range(min(count, 6))]
    assert shown == [*of_numbers, "values of training examples", "values of targets"]
    sheet.canvas.draw()
