"""`kzoo export`: its help, models and .keras files; test_train.py exports a run."""

import json

import keras
import pytest


def test_export_help_names_every_format(call):
    from kzoo.export.registry import FORMATS

    out = " ".join(call("export", "--help")[1].split())
    assert ", ".join(FORMATS) in out


def test_models_with_weights_and_without(call, tmp_path):
    """A format that is added keeps the other; another model is refused."""
    code, out, err = call("export", "mnist1d_cnn", "--format", "onnx", "--weights", "mnist1d")
    assert code == 0 and "NOT TRAINED" not in out and "with the weights `mnist1d`." in err.replace("\n", " ")
    code, out, _ = call("export", "mnist1d_cnn", "--formats", "litert", "--weights", "mnist1d")
    assert code == 0 and "model.onnx" in out and "model.tflite" in out
    assert {"model.onnx", "model.tflite"} < {path.name for path in (tmp_path / "exports" / "mnist1d_cnn").iterdir()}
    code, out, err = call("export", "mnist1d_cnn", "--format", "onnx")
    assert code == 2 and "is an export of another model, with other weights: " in err
    code, out, _ = call("export", "mnist1d_cnn", "--format", "onnx", "--overwrite")
    assert code == 0 and "NOT TRAINED: the weights are initial values" in out
    assert out.endswith("the outputs mean nothing. Trained ones: --weights mnist1d.\n")
    assert json.loads((tmp_path / "exports" / "mnist1d_cnn" / "export.json").read_text())["trained"] is False


def test_a_keras_file(call, misuse, tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "mine.keras")
    code, out, err = call("export", "mine.keras", "--format", "onnx")
    assert code == 0 and "exports/mine" in out and "The model in the file `mine.keras`." in err
    assert "litert_int8 expects representative examples" in misuse("export", "mine.keras", "--format", "litert_int8")
    assert misuse("export", "none.keras") == "no file none.keras."
    assert misuse("export", "mine.keras", "--inputs", "x.npz").startswith("export --inputs: x.npz cannot be read")


@pytest.mark.parametrize("args", [["vgg15", "--weights", "imagenet"], ["vgg15"]])
def test_unknown_models(misuse, args):
    assert "did you mean 'vgg" in misuse("export", *args)
