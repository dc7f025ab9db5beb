"""Predictions for images, arrays and folders: batches, order, files that fail, and models that are refused."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kzoo.checks import Refusal
from kzoo.data.file_arguments import list_files
from kzoo.export import predict as module
from kzoo.export.predict import predict
from kzoo.export.predictor import Predictor
from tests.export.conftest import LABELS


@pytest.fixture
def files(images, tmp_path):
    """A folder with two images of bytes, and an array of three."""
    (tmp_path / "data" / "deep").mkdir(parents=True)
    png = tf.io.encode_png(images[0].astype("uint8")).numpy()
    (tmp_path / "data" / "b.PNG").write_bytes(png)
    (tmp_path / "data" / "deep" / "a.jpg").write_bytes(tf.io.encode_jpeg(np.zeros((30, 20, 3), "uint8")).numpy())
    np.save(tmp_path / "x.npy", images[:3])
    return tmp_path


@pytest.fixture
def of_means():
    """A predictor of images of any size: one minus the mean, and the mean; it notes the shapes of its batches."""
    shapes = []

    def run(x):
        shapes.append(x.shape)
        means = x.mean((1, 2, 3)) / 255
        return np.stack([1 - means, means], -1)

    return Predictor((None, None, 1), None, run), shapes


def save_images(folder, values, sizes):
    found = []
    for number, (value, size) in enumerate(zip(values, itertools.cycle(sizes))):
        found.append(folder / f"{number:04}.png")
        Image.new("L", size, value).save(found[-1])
    return found


def test_predictions(small_model, images, files):
    predictor = Predictor((8, 8, 1), list(LABELS), lambda x: small_model.predict(x, verbose=0))
    found = list(predict(predictor, list_files("predict", [files / "x.npy", files / "data"])))
    assert [(one.file.name, one.index) for one in found] == [
        *(("x.npy", 0), ("x.npy", 1), ("x.npy", 2)),
        *(("b.PNG", None), ("a.jpg", None)),
    ]
    expected = small_model.predict(images[:3], verbose=0)
    outputs = np.stack([one.output for one in found])
    np.testing.assert_allclose(outputs[:3], expected, atol=1e-6)
    np.testing.assert_allclose(outputs[3], expected[0], atol=1e-6)  # the same image from its file
    assert {one.classes for one in found} == {3}


def test_images_of_several_sizes_run_in_batches_and_stay_in_order(of_means, tmp_path):
    predictor, shapes = of_means
    values = np.random.default_rng(0).integers(0, 256, 40).tolist()
    found = list(predict(predictor, save_images(tmp_path, values, [(4, 6), (5, 3), (4, 6)])))
    assert [one.file.name for one in found] == [f"{number:04}.png" for number in range(40)]
    np.testing.assert_allclose([one.output[1] for one in found], np.array(values) / 255, rtol=1e-6)
    assert sorted(shapes) == [(13, 3, 5, 1), (27, 6, 4, 1)]


def test_large_examples_run_in_small_batches(of_means, tmp_path, monkeypatch):
    predictor, shapes = of_means
    np.save(tmp_path / "x.npy", np.zeros((5, 4, 6, 1)))
    for pixels, sizes in ((48, [2, 2, 1]), (10, [1] * 5)):
        monkeypatch.setattr(module, "PIXELS", pixels)
        assert len(list(predict(predictor, [tmp_path / "x.npy"]))) == 5
        assert [shape[0] for shape in shapes] == sizes
        shapes.clear()


def test_few_files_are_read_ahead(of_means, tmp_path, monkeypatch):
    """So that a folder of any size takes little memory; a predictor that is not asked further reads no more."""
    monkeypatch.setattr(module, "BATCH", 4)
    taken = []

    def given():
        for file in save_images(tmp_path, range(60), [(4, 4)]):
            taken.append(file)
            yield file

    predictor = of_means[0]._replace(shape=(4, 4, 1))
    found = predict(predictor, given())
    assert next(found).output.shape == (2,) and len(taken) <= 4 + 8 + 1
    found.close()
    assert len(taken) <= 13


def test_the_same_file_twice(of_means, tmp_path):
    file, *_ = save_images(tmp_path, [255], [(2, 2)])
    assert [one.output.tolist() for one in predict(of_means[0], [file, file])] == [[0, 1], [0, 1]]


def test_files_that_fail_are_reported_and_the_rest_is_predicted(of_means, tmp_path):
    files = save_images(tmp_path, [0, 255, 51], [(2, 2)])
    files[1].write_bytes(b"no image")
    np.save(tmp_path / "x.npy", np.zeros(3))
    failures = []
    every = [tmp_path / "none.png", *files, tmp_path / "x.npy", tmp_path]
    found = list(predict(of_means[0], every, lambda *failure: failures.append(failure)))
    assert [(one.file.name, one.output.tolist()) for one in found] == [
        ("0000.png", [1, 0]),
        ("0002.png", [pytest.approx(0.8), pytest.approx(0.2)]),
    ]
    assert [file for file, _ in failures] == [tmp_path / "none.png", files[1], tmp_path / "x.npy", tmp_path]
    for (_, reason), words in zip(failures, ["no such file", "not an image", "an array of shape", "no regular file"]):
        assert words in reason and reason.startswith("predict")
    with pytest.raises(Refusal, match="^predict: .*0001.png is not an image that can be read.$"):
        list(predict(of_means[0], every[1:]))


def test_batches_that_fail(of_means, tmp_path):
    """Of one shape, such as images that are smaller than a model can take."""

    def run(x):
        if x.shape[1] < 3:
            raise Refusal("predict: the model cannot be run: too small")
        return of_means[0].run(x)

    files, failures = save_images(tmp_path, [0, 0, 0], [(2, 2), (3, 3)]), []
    found = list(predict(of_means[0]._replace(run=run), files, lambda *failure: failures.append(failure)))
    assert [one.file for one in found] == [files[1]]
    assert failures == [
        (file, f"predict: the model cannot be run: too small (for {file})") for file in (files[0], files[2])
    ]


def test_outputs_that_are_not_numbers(tmp_path):
    """Sorted, NaN would make some class the most probable one."""
    outputs, failures = np.array([[0.2, 0.8], [np.nan, 0.996], [0, 1], [0, np.nan]]), []
    np.save(tmp_path / "x.npy", np.zeros((4, 2)))
    predictor = Predictor((2,), None, lambda x: outputs)
    found = list(predict(predictor, [tmp_path / "x.npy"], lambda *failure: failures.append(failure)))
    assert [one.index for one in found] == [0, 2]
    place = f"file='{tmp_path}/x.npy', index=1"
    words = f"predict expects a model whose outputs are numbers; received NaN for {place}."
    assert failures == [(tmp_path / "x.npy", words)]  # once for a file
    with pytest.raises(Refusal, match="received NaN for file="):
        list(predict(predictor, [tmp_path / "x.npy"]))


def test_label_maps(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((1, 2, 2, 1)))
    scores = np.zeros((1, 2, 2, 300))
    scores[0, 0, 1, 299] = 1
    (found,) = predict(Predictor((2, 2, 1), None, lambda x: scores), [tmp_path / "x.npy"])
    assert found.output.tolist() == [[0, 299], [0, 0]] and found.output.dtype == "int32" and found.classes == 300


def test_models_that_are_refused(tmp_path):
    """They end the whole prediction: no file would do."""
    np.save(tmp_path / "x.npy", np.zeros((1, 4)))
    for outputs in (np.zeros((1, 4, 4)), np.zeros((1, 4, 6, 1)), np.zeros(1)):
        predictor = Predictor((4,), None, lambda x, outputs=outputs: outputs)
        with pytest.raises(Refusal, match="predict expects a classifier, or a model with a class for each pixel"):
            list(predict(predictor, [tmp_path / "x.npy"], lambda *_: None))
    with pytest.raises(Refusal, match=r"^predict expects as many names of classes as outputs, 3; received names=2\.$"):
        list(predict(Predictor((4,), ["a", "b"], lambda x: np.zeros((1, 3))), [tmp_path / "x.npy"], lambda *_: None))
