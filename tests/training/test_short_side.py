"""Images whose shorter side gets a length: training, evaluation, views, predictions and resume from a config."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kzoo.config.config_files import read_config
from kzoo.data.source import resize_images
from kzoo.export.predict import predict
from kzoo.training.dry_run import dry_run
from kzoo.training.evaluation import evaluate_views
from kzoo.training.evaluation_views import average_views
from kzoo.training.model_building import build_model
from kzoo.training.model_lookup import open_predictor
from kzoo.training.run import run
from kzoo.training.run_data import load_data
from kzoo.training.seed_run import train_seed
from tests.training.conftest import kill_after_an_epoch


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """A folder of images of different sizes of two classes, the bright ones and the dark ones."""
    root, draw = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    for number in range(26):
        sizes = draw.integers(12, 30, 2) if number < 25 else (6, 8)  # the last has the size of a crop
        folder = root / ("test" if number > 19 else "train") / ("bright", "dark")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 120, (*sizes, 3)) + 130 * (1 - number % 2)
        Image.fromarray(pixels.astype("uint8")).save(folder / f"{number}.png")
    return root


def config(photographs, *sets):
    data = f"data={{folder: '{photographs}', batch_size: 5, image_size: [6, 8], resize: short_side, short_side: 10}}"
    short = ["training.epochs=2", "training.steps_per_epoch=4", "training.steps_per_call=2", "model.units=[5]"]
    return read_config("mnist1d_fc", [data, *short, "export.formats=[]", "training.jit_compile=false", *sets])


def test_a_run_evaluates_and_predicts_the_centre(photographs, tmp_path):
    chosen = config(photographs, "data.preprocess=[{class_name: Rescaling, config: {scale: 0.01}}]")
    folder, metrics = run(chosen, "it", tmp_path)
    predictor = open_predictor(folder)
    assert predictor.resize == 10 and predictor.shape == (6, 8, 3)
    files = sorted((photographs / "test").rglob("*.png"))
    outputs = np.stack([one.output for one in predict(predictor, files)])
    x = np.stack([resize_images(tf.constant(np.asarray(Image.open(file))), (6, 8), 10).numpy() for file in files])
    labels = [("bright", "dark").index(file.parent.name) for file in files]
    np.testing.assert_allclose(outputs, predictor.run(x.astype("float32")), atol=1e-6)
    assert metrics["test"]["error"] == pytest.approx(np.mean(outputs.argmax(1) != labels), abs=1e-6)


@pytest.mark.large
def test_a_resumed_run_ends_equal(photographs, tmp_path, monkeypatch):
    chosen = config(photographs, "data.training_short_side=[8, 14]", "data.augment=[RandomFlip]")

    def train(name):
        model, _, checkpoint = train_seed(chosen, 0, tmp_path / name, "it", load_data(chosen))
        return model.get_weights(), checkpoint.history

    whole, history = train("whole")
    kill_after_an_epoch(monkeypatch, lambda: train("it"))
    resumed, again = train("it")
    assert again == history
    for a, b in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(a, b)


def test_views_are_crops_of_the_central_square(photographs):
    chosen = config(photographs, "evaluation={crops: 10}")
    data = load_data(chosen)
    model = build_model(chosen, data.input_shape, data.classes)
    outputs, labels = [], []
    for file in sorted((photographs / "test").rglob("*.png")):
        square = resize_images(tf.constant(np.asarray(Image.open(file))), (10, 10), "crop").numpy()
        corners = [(0, 0), (0, 2), (4, 0), (4, 2), (2, 1)]
        crops = [square[top : top + 6, left : left + 8] for top, left in corners]
        outputs.append(model(np.stack([*crops, *(crop[:, ::-1] for crop in crops)]).astype("float32")))
        labels.append(("bright", "dark").index(file.parent.name))
    outputs = np.mean(outputs, axis=1)
    found = evaluate_views(model, data.splits(), chosen)["test"]
    assert found["views_error"] == pytest.approx(np.mean(outputs.argmax(1) != labels), abs=1e-6)
    expected = -np.log(outputs[np.arange(len(labels)), labels]).mean()
    assert found["views_loss"] == pytest.approx(expected, rel=1e-4)
    assert average_views(chosen, model).input_shape == (None, 10, 10, 3)


def test_a_dry_run(photographs):
    assert dry_run(config(photographs, "evaluation={crops: 5, scales: [10, 12]}"))["input"] == (6, 8, 3)
