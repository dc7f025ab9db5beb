"""Predictions for images, arrays and folders, by a function and by exported models; and files that cannot be read."""

import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from rich.console import Console

from kzoo.checks import Refusal
from kzoo.export.predict import (
    Predictor,
    is_export,
    labels_of,
    list_files,
    open_export,
    predict,
    predictions_table,
    read_array,
    read_examples,
)
from kzoo.export.registry import FORMATS
from tests.export.conftest import LABELS


@pytest.fixture(scope="module")
def exports(small_model, tmp_path_factory):
    """A folder of exported models without a record."""
    folder = tmp_path_factory.mktemp("exports")
    for format, file in {"saved_model": "saved_model", "onnx": "it.onnx", "litert": "it.tflite"}.items():
        FORMATS[format].write(small_model, folder / file, labels=LABELS)
    return folder


@pytest.fixture
def files(images, tmp_path):
    """A folder with two images of bytes and an array of three."""
    (tmp_path / "data" / "deep").mkdir(parents=True)
    png = tf.io.encode_png(images[0].astype("uint8")).numpy()
    (tmp_path / "data" / "b.PNG").write_bytes(png)
    (tmp_path / "data" / "deep" / "a.jpg").write_bytes(tf.io.encode_jpeg(np.zeros((30, 20, 3), "uint8")).numpy())
    (tmp_path / "data" / "notes.txt").touch()
    np.save(tmp_path / "x.npy", images[:3])
    return tmp_path


def keras_predictor(small_model):
    return Predictor((8, 8, 1), list(LABELS), lambda x: small_model.predict(x, verbose=0))


def test_records(small_model, images, files):
    records, outputs = predict(keras_predictor(small_model), [files / "x.npy", files / "data"], top=2)
    outputs = np.concatenate(outputs)
    assert [(r["file"].rpartition("/")[2], r["index"]) for r in records] == [
        *(("x.npy", 0), ("x.npy", 1), ("x.npy", 2)),
        *(("b.PNG", None), ("a.jpg", None)),
    ]
    expected = small_model.predict(images[:3], verbose=0)
    np.testing.assert_allclose(outputs[:3], expected, atol=1e-6)
    np.testing.assert_allclose(outputs[3], expected[0], atol=1e-6)  # the same image from its file
    best = expected[1].argmax()
    assert records[1]["top"][0] == {"class": best, "label": LABELS[best], "score": pytest.approx(expected[1].max())}
    assert all(len(record["top"]) == 2 for record in records) and json.dumps(records)


@pytest.mark.parametrize("name", ["saved_model", "it.onnx", "it.tflite"])
def test_by_exported_models(small_model, images, exports, files, name):
    found = open_export(exports / name)
    assert found.shape == (8, 8, 1) and found.labels == (list(LABELS) if name == "saved_model" else None)
    _, (outputs,) = predict(found, [files / "x.npy"], top=1)
    np.testing.assert_allclose(outputs, small_model.predict(images[:3], verbose=0), atol=1e-5)


def test_images_are_resized_as_the_record_says(exports, tmp_path):
    for record, resize in (({}, "stretch"), ({"resize": "crop"}, "crop"), ({"resize": 256}, 256)):
        (exports / "export.json").write_text(json.dumps({"exports": [{"file": "it.onnx", "format": "onnx"}], **record}))
        try:
            assert open_export(exports).resize == open_export(exports / "it.onnx").resize == resize
        finally:
            (exports / "export.json").unlink()
    Image.fromarray(np.arange(8, dtype="uint8").repeat(4).reshape(8, 4).T).save(tmp_path / "wide.png")
    _, (outputs,) = predict(Predictor((4, 4, 1), None, lambda x: x[:, 0, :, 0], "crop"), [tmp_path / "wide.png"])
    assert outputs.tolist() == [[2, 3, 4, 5]]
    _, (outputs,) = predict(Predictor((2, 2, 1), None, lambda x: x[:, 0, :, 0], 4), [tmp_path / "wide.png"])
    assert outputs.tolist() == [[3, 4]]


def test_by_a_folder(small_model, exports, files, images):
    (exports / "export.json").write_text(json.dumps({"exports": [{"file": "it.onnx", "format": "onnx"}]}))
    (exports / "labels.txt").write_text("x\ny\nz\n")
    try:
        assert is_export(exports) and open_export(exports).labels == ["x", "y", "z"]
    finally:
        (exports / "export.json").unlink()
        (exports / "labels.txt").unlink()
    assert not is_export(exports) and not is_export(exports / "none.onnx") and is_export(exports / "it.onnx")


OUTSIDE = "expects files in its own folder; received file="


@pytest.mark.parametrize(
    "record, words",
    [
        ("", "export.json is damaged (Expecting value"),
        ("[" * 100_000, "export.json is damaged (maximum recursion depth"),
        ("\udcff", "export.json is damaged ('utf-8' codec"),
        ("[]", "export.json is damaged (it is no JSON object); export the model again."),
        ("{}", "export.json is damaged (exports: field required); export the model again."),
        ('{"exports": []}', "export.json is damaged (exports: list should have at least 1 item"),
        ('{"exports": {}}', "export.json is damaged (exports: input should be a valid list"),
        ('{"exports": [{"file": 5, "format": "onnx"}]}', "export.json is damaged (exports.0.file: input should be"),
        ('{"exports": [{"file": "a"}]}', "export.json is damaged (exports.0.format: field required"),
        ('{"exports": [{"file": "it.onnx", "format": "onx"}]}', "export: no format 'onx'; did you mean 'onnx'?"),
        ('{"exports": [{"file": "none.onnx", "format": "onnx"}]}', "predict: no exported model at "),
        (
            '{"exports": [{"file": "{tmp}/it.onnx", "format": "onnx"}]}',
            "expects files in its own folder; received file=",
        ),
        ('{"exports": [{"file": "../it.onnx", "format": "onnx"}]}', OUTSIDE),
        ('{"exports": [{"file": "link.onnx", "format": "onnx"}]}', OUTSIDE),
        ('{"exports": [{"file": ".", "format": "onnx"}]}', "expects files in its own folder; received file='.'."),
    ],
    ids=range(15),
)
def test_damaged_and_hostile_records(exports, tmp_path, record, words):
    (tmp_path / "it.onnx").write_bytes((exports / "it.onnx").read_bytes())
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "link.onnx").symlink_to(tmp_path / "it.onnx")
    text = record.replace("{tmp}", str(tmp_path))
    (tmp_path / "export" / "export.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(Refusal) as caught:
        open_export(tmp_path / "export")
    assert words in str(caught.value)


def test_damaged_labels(exports, files):
    (files / "it.onnx").write_bytes((exports / "it.onnx").read_bytes())
    (files / "labels.txt").write_bytes(b"a\n\xff\nc\n")
    with pytest.raises(Refusal, match=r"^predict: .*labels.txt is not UTF-8 text\.$"):
        open_export(files / "it.onnx")
    (files / "labels.txt").write_text("a\nb\n")
    with pytest.raises(Refusal, match=r"^predict expects as many names of classes as outputs, 3; received names=2\.$"):
        predict(open_export(files / "it.onnx"), [files / "x.npy"])


def test_outputs_that_are_not_numbers_are_refused(files):
    """Sorted, NaN would make some class the most probable one."""
    outputs = np.array([[0.2, 0.8], [np.nan, 0.996], [0, 1]])
    with pytest.raises(Refusal, match=r"whose outputs are numbers; received file='.*x.npy', examples_with_nan=1\.$"):
        predict(Predictor((8, 8, 1), None, lambda x: outputs), [files / "x.npy"])


def test_images_are_read_like_training_data(tmp_path):
    """In their own depth, opaque and upright; the tests of `kzoo.data.image_file` cover the kinds of files."""
    deep = np.arange(24, dtype="uint16").reshape(4, 6) * 1000
    Image.fromarray(deep).save(tmp_path / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees clockwise
    Image.fromarray(deep.astype("uint8")).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_examples(tmp_path / "deep.png", (None, None, 1))[0, ..., 0], deep)
    turned = read_examples(tmp_path / "turned.png", (6, 4, 1))
    np.testing.assert_array_equal(turned[0, ..., 0], np.rot90(deep.astype("uint8"), -1))
    _, (outputs,) = predict(Predictor((4, 6, 1), None, lambda x: x[:, 0, :2, 0]), [tmp_path / "deep.png"])
    np.testing.assert_array_equal(outputs, [[0, 1000]])


def test_hidden_files_of_a_folder_are_left_out(small_model, files):
    (files / "data" / ".ipynb_checkpoints").mkdir()
    (files / "data" / ".ipynb_checkpoints" / "b.png").write_bytes((files / "data" / "b.PNG").read_bytes())
    (files / "data" / "._b.PNG").write_bytes(b"a resource fork")
    records, _ = predict(keras_predictor(small_model), [files / "data"])
    assert [r["file"].rpartition("/")[2] for r in records] == ["b.PNG", "a.jpg"]


def test_images_that_would_fill_the_memory(tmp_path, monkeypatch):
    Image.new("RGB", (8, 8)).save(tmp_path / "it.bmp")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(Refusal, match="^predict: .*it.bmp is an image of more than 20 pixels.$"):
        read_examples(tmp_path / "it.bmp", (8, 8, 3))


def test_models_that_cannot_be_opened(tmp_path):
    for name in ("bad.onnx", "bad.tflite"):
        (tmp_path / name).write_bytes(b"junk")
        with pytest.raises(Refusal, match=f"^predict: .*{name} cannot be opened: ") as caught:
            open_export(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(Refusal, match="^predict: no exported model at .*none"):
        open_export(tmp_path / "none")


def test_models_that_cannot_be_run(exports, monkeypatch):
    """As a damaged file that its runtime opens."""
    format, path = FORMATS["saved_model"], exports / "saved_model"
    shapes, _ = format.open(path)

    def fail(inputs):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(type(format), "open", lambda self, path: (shapes, fail))
    with pytest.raises(Refusal, match="^predict: .*saved_model cannot be run: two lines$"):
        open_export(path).run(np.zeros((1, 8, 8, 1), "float32"))


def test_models_of_several_inputs_are_refused(tmp_path):
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    FORMATS["onnx"].write(keras.Model([a, b], keras.layers.Add()([a, b])), tmp_path / "it.onnx")
    with pytest.raises(Refusal, match="^predict expects a model of one input; received inputs='a, b'.$"):
        open_export(tmp_path / "it.onnx")


@pytest.mark.parametrize("shape", [(4, 8), (4, 9, 8, 1), (0, 8, 8, 1), (4, 8, 8, 1, 1), ()], ids=str)
def test_arrays_of_other_shapes_are_refused(small_model, tmp_path, shape):
    np.save(tmp_path / "x.npy", np.zeros(shape))
    with pytest.raises(Refusal) as caught:
        predict(keras_predictor(small_model), [tmp_path / "x.npy"])
    assert "predict expects an array of shape (N, 8, 8, 1), N above 0; received file=" in str(caught.value)


def test_one_example_is_a_batch_of_one(small_model, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((8, 8, 1), "uint8"))
    assert len(predict(keras_predictor(small_model), [tmp_path / "x.npy"])[0]) == 1


def test_other_refusals(small_model, files):
    (files / "empty").mkdir()
    (files / "bad.png").write_bytes(b"no image")
    signals = Predictor((40, 1), None, None)
    for predictor, file, words in [
        (keras_predictor(small_model), "none", "existing files and folders; received file="),
        (keras_predictor(small_model), "empty", "a folder with .bmp, .gif"),
        (keras_predictor(small_model), "bad.png", "bad.png is not an image that can be read"),
        (signals, "data/b.PNG", "expects .npy files for examples of shape (40, 1), which are not images"),
        (Predictor((8, 8, 1), None, lambda x: np.zeros((len(x), 4, 4))), "x.npy", "a classifier"),
    ]:
        with pytest.raises(Refusal) as caught:
            predict(predictor, [files / file])
        assert words in str(caught.value) and "\n" not in str(caught.value)


def test_read_array(tmp_path):
    for dtype in ("uint8", "float64", "bool", "int32", "float16"):
        np.save(tmp_path / "x.npy", np.ones((2, 3), dtype))
        assert read_array(tmp_path / "x.npy").dtype == "float32"
    np.savez(tmp_path / "z.npz", a=np.ones(3))
    np.save(tmp_path / "text.npy", np.array(["a"]))
    np.save(tmp_path / "complex.npy", np.ones(2, complex))
    np.save(tmp_path / "object.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "empty.npy").touch()
    (tmp_path / "junk.npy").write_bytes(b"junk" * 100)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:-3])
    (tmp_path / "open.npy").write_bytes((tmp_path / "x.npy").read_bytes().replace(b"}", b"("))  # a tokenizer's error
    for name in (
        "open.npy",
        "none.npy",
        "z.npz",
        "text.npy",
        "complex.npy",
        "object.npy",
        "empty.npy",
        "junk.npy",
        "cut.npy",
        ".",
    ):
        with pytest.raises(Refusal, match="^predict") as caught:
            read_array(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_labels_and_files(exports, files):
    assert labels_of(exports / "saved_model") == list(LABELS) and labels_of(files) is None
    assert [path.name for path in list_files([files / "x.npy", files / "data"])] == ["x.npy", "b.PNG", "a.jpg"]


def test_predictions_table():
    records = [
        {"file": "a/b.npy", "index": 4, "top": [{"class": 7, "label": None, "score": 0.5}]},
        {"file": "\x1b[31m.png", "index": None, "top": [{"class": 7, "label": "\x1b[31m", "score": 0.25}]},
        {"file": "c.png", "index": None, "top": [{"class": 7, "label": "cat", "score": 0.25}]},
    ]
    console = Console(file=io.StringIO(), width=100, markup=False)
    console.print(predictions_table(records))
    text = console.file.getvalue()
    assert "\\x1b[31m" in text and "\x1b" not in text
    assert "b.npy 4" in text and "7  0.500" in text and "c.png" in text and "cat  0.250" in text
