"""Evaluation by several views of each example, against loops in NumPy."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.data.mock_data import mock
from kzoo.training import evaluation, seed_run
from kzoo.training.dry_run import dry_run
from kzoo.training.evaluation import evaluate_run, evaluate_views
from kzoo.training.evaluation_views import CROPS, average_views, crop_boxes
from kzoo.training.model_building import build_model
from kzoo.training.run import run
from kzoo.tuning import trial

PATCHES = (
    "data.preprocess=[{class_name: Rescaling, config: {scale: 0.01}}, {class_name: %s, config: {height: 6, width: 5}}]"
)
CROPPING = PATCHES % "CenterCrop"


def config(*sets):
    """Returns the config of a small model of digits whose second layer crops 6 x 5 of 8 x 8 pixels."""
    small = ["data.name=digits", "data.batch_size=100", "model.units=[4]", "training.epochs=2", "export.formats=[]"]
    small.append("training.jit_compile=false")  # compiling takes longer than the training
    return read_config("mnist1d_fc", [*small, "training.steps_per_call=1", CROPPING, *sets])


def test_the_ten_crops_of_the_paper():
    """227 of 256 pixels: the four corners and the centre, each with its mirror image."""
    found = crop_boxes((256, 256), (227, 227))
    assert found[:, :2].tolist() == [[0, 0], [0, 29], [29, 0], [29, 29], [14, 14]] and (found[:, 2:] == 227).all()
    assert [len(positions) * (1 + mirrored) for positions, mirrored in CROPS.values()] == list(CROPS)


def test_a_grid_at_three_scales():
    """VGG's 150 crops; the shorter side has the lengths of the scales."""
    found = crop_boxes((256, 340), (224, 224), 50, (256, 384, 512))
    assert found.shape == (75, 4) and len(np.unique(found, axis=0)) == 75
    np.testing.assert_allclose(found[0], [0, 0, 224, 224])
    np.testing.assert_allclose(found[-1], [256 - 112, 340 - 112, 112, 112])


@pytest.mark.parametrize(
    "layer, crops, scales",
    [("kzoo>PadAndCrop", 10, None), ("CenterCrop", 1, [8]), ("RandomCrop", 5, [8, 16]), ("CenterCrop", 50, [12])],
)
def test_the_mean_of_a_loop(layer, crops, scales):
    views = json.dumps({"crops": crops, "scales": scales})
    chosen = config(PATCHES % layer, f"evaluation={views}")
    data = mock((8, 8, 1), 10, size=7)
    model = build_model(chosen, data.input_shape, 10)
    after = keras.Model(model.get_layer("preprocess2").output, model.output)
    x, y = data.test.numpy()
    outputs = []
    for side in scales or [8]:
        scaled = tf.image.resize(0.01 * x, (side, side), antialias=True).numpy()
        rows, columns = side - 6, side - 5
        ends = [(0, 0), (0, columns), (rows, 0), (rows, columns), (rows // 2, columns // 2)]
        if crops == 50:
            ends = [(i * rows // 4, j * columns // 4) for i in range(5) for j in range(5)]
        for top, left in ends[-1:] if crops == 1 else ends:
            crop = scaled[:, top : top + 6, left : left + 5]
            outputs += [after(crop)] if crops < 10 else [after(crop), after(crop[:, :, ::-1])]
    assert len(outputs) == crops * len(scales or [8])
    expected = np.mean(outputs, axis=0)
    averaged = average_views(chosen, model)
    np.testing.assert_allclose(averaged(x), expected, atol=1e-6)
    assert averaged.output_names == model.output_names
    scores = evaluate_views(model, data.splits(), chosen)
    assert set(scores) == {"test", "validation"}
    assert scores["test"]["views_error"] == round(float((expected.argmax(-1) != y).mean()), 6)
    assert scores["test"]["views_loss"] == pytest.approx(-np.log(expected[np.arange(7), y]).mean(), abs=1e-5)
    if (crops, scales) == (1, [8]):  # the view that the model itself takes
        np.testing.assert_array_equal(averaged(x), model(x))


def test_parts_of_a_series(monkeypatch):
    """Three parts of two steps each, and the crops of frames: the splits are read again."""
    signals = config("data={name: tones, length: 2}", "evaluation={frames: 3}")
    model = build_model(signals, (2, 1), 10)
    data = mock((6, 1), 10, size=5)
    monkeypatch.setattr(evaluation, "load_data", lambda config, parts: {3: data}[parts])
    x, y = data.test.numpy()
    expected = np.mean([model(x[:, start : start + 2]) for start in (0, 2, 4)], axis=0)
    assert evaluate_views(model, {}, signals)["test"]["views_error"] == round(
        float((expected.argmax(-1) != y).mean()), 6
    )
    clips = "data={name: ucf101, length: 1, image_size: [8, 8], preprocess: [{class_name: Reshape, config: "
    clips += "{target_shape: [8, 8, 3]}}, {class_name: CenterCrop, config: {height: 6, width: 6}}]}"
    frames = config(clips, "evaluation={frames: 3, crops: 10}")
    model = build_model(frames, (1, 8, 8, 3), 10)
    x = mock((3, 8, 8, 3), 10, size=2).test.numpy()[0]
    after = keras.Model(model.get_layer("preprocess2").output, model.output)
    corners = [x[:, i, a : a + 6, b : b + 6] for i in range(3) for a, b in ((0, 0), (0, 2), (2, 0), (2, 2), (1, 1))]
    expected = np.mean([after(view) for crop in corners for view in (crop, crop[:, :, ::-1])], axis=0)
    np.testing.assert_allclose(average_views(frames, model)(x), expected, atol=1e-6)


def test_without_views_nothing_changes():
    assert average_views(config(), None) is None


@pytest.mark.parametrize("name", ["mixed_bfloat16", pytest.param("float64", marks=pytest.mark.large)])
def test_means_in_any_dtype_policy(name):
    chosen = config("evaluation={crops: 10}", f"training.dtype_policy={name}")
    with seed_run.numeric_settings(chosen.training):
        model = build_model(chosen, (8, 8, 1), 10)
        assert evaluate_views(model, mock((8, 8, 1), 10, size=5).splits(), chosen)["test"]["views_loss"] > 0


class Killed(BaseException):
    """Simulates the end of a process within the process."""


@pytest.mark.large
def test_a_run_that_was_killed_before_its_evaluation(tmp_path, monkeypatch):
    """It is resumed; the results for one view and for several are those that `kzoo evaluate` finds."""
    chosen = config("evaluation={crops: 10}", "data.validation=0.2", "training.steps_per_epoch=5", "training.l2=0.01")

    def killed(*args):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(seed_run, "evaluate_views", killed)
        run(chosen, "it", tmp_path)
    folder, metrics = run(chosen, "it", tmp_path)
    assert {"error", "loss", "views_error", "views_loss"} == set(metrics["test"]) == set(metrics["validation"])
    assert metrics["test"]["views_loss"] != metrics["test"]["loss"] and "views_error" not in metrics["train"]
    assert "test error, mean of views" in (folder / "README.md").read_text()
    table = evaluate_run(folder)
    losses = dict(zip(table.columns[0].cells, table.columns[3].cells))
    assert [*losses] == ["test", "test, mean of views", "validation", "validation, mean of views", "train"]
    for name, key in {"test": "loss", "test, mean of views": "views_loss"}.items():
        assert float(losses[name]) == pytest.approx(metrics["test"][key], abs=1e-4)


def test_a_search_compares_single_views(tmp_path):
    chosen = config("evaluation={crops: 10}", "data.validation=0.2", "training.epochs=1", "training.steps_per_epoch=2")
    metrics = trial._train_seed(chosen, 0, tmp_path / "trials" / "0000", "it", None, False)
    assert set(metrics["validation"]) == {"accuracy", "error", "loss"}


@pytest.mark.parametrize(
    "sets, words",
    [
        ({"evaluation": "{}"}, "evaluation expects crops above 1, scales or frames; received crops=1."),
        ({"evaluation": "{crops: 4}"}, "evaluation.crops expects one of 1, 5, 10, 50; received 4."),
        ({"evaluation": "{scales: []}"}, "evaluation.scales expects a list of integers above 0, or null; received []."),
        ({"evaluation": "{frames: 0}"}, "evaluation.frames expects an integer above 0, or null; received 0."),
        ({"evaluation": "{frames: 25}"}, "evaluation.frames expects data.length; received length=None."),
        ({"evaluation": "{crop: 10}"}, "evaluation.crop is not a setting; did you mean 'crops'?"),
        (
            {"evaluation": "{crops: 10}", "data.preprocess": "[]"},
            "evaluation expects data.preprocess with a layer that crops; received crops=10.",
        ),
        (
            {"evaluation": "{scales: [9, 5]}"},
            "evaluation expects crops that are smaller than the images, 9 x 9, 5 x 5 pixels; received size=(6, 5).",
        ),
        (
            {"evaluation": "{crops: 5}", "data.preprocess": "[{class_name: kzoo>PadAndCrop, config: {padding: 1}}]"},
            "evaluation expects crops that are smaller than the images, 8 x 8 pixels; received size=(8, 8).",
        ),
    ],
)
def test_bad_values_are_one_line(sets, words):
    with pytest.raises(Refusal) as caught:
        dry_run(config(*(f"{path}={value}" for path, value in sets.items())))
    assert str(caught.value).endswith(words)


def test_label_maps_and_other_inputs_are_refused():
    chosen = config("evaluation={crops: 10}")
    pixels = keras.Input((8, 8, 1))
    with pytest.raises(Refusal, match=r"one label per example, not label maps; received output=\(None, 8, 8, 3\)"):
        average_views(chosen, keras.Model(pixels, keras.layers.Conv2D(3, 1)(pixels)))
    with pytest.raises(Refusal, match=r"^evaluation expects data.inputs of x and data.targets of y"):
        average_views(config("evaluation={crops: 10}", "data.inputs=[x, y]"), None)
