"""Finds the model for `kzoo export` and `kzoo predict` by name: a finished run, a model of the zoo, or an export."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from kzoo.checks import Refusal, require
from kzoo.export.inference_model import inference_model
from kzoo.export.predict import Predictor, is_export, labels_of, open_export, predict
from kzoo.files import atomic_replace, check_writable
from kzoo.models.load_model import load_model
from kzoo.models.registry import model as zoo_model
from kzoo.run_folder import find_run, find_run_or_model
from kzoo.terminal import say
from kzoo.training.config import check_config
from kzoo.training.data_fingerprint import check_fingerprint
from kzoo.training.metrics_file import read_metrics
from kzoo.training.run_data import load_data, verification_data
from kzoo.training.yaml_file import read_yaml
from kzoo.types import PathLike

RESULTS = ("test", "validation", "train", "published", "epochs", "seed", "config_sha256", "versions")


class Exportable(NamedTuple):
    """What an export needs: the inference model, a phrase on its origin, and the data and results of its run."""

    model: keras.Model
    origin: str
    data: dict[str, Any]  # keyword arguments of `kzoo.export.exporter.export`
    results: dict[str, Any] | None  # of metrics.json


def find_exportable(name: PathLike) -> Exportable:
    """Returns the run `name` (a folder, or a name under saved_models/), or the model of that name, untrained.

    Raises Refusal with the nearest names if there is neither.
    """
    folder = find_run_or_model(str(name))
    if folder is None:
        origin = f"The model `{name}` of kzoo's zoo, with initial weights"
        return Exportable(inference_model(zoo_model(str(name))), origin, {}, None)
    model = inference_model(load_model(folder))
    config = _read_config(folder)
    source = config.data.name or config.data.folder or config.data.arrays
    origin = f"The run `{folder.name}` of kzoo: `{config.model.name}` trained on `{source}`"
    metrics = read_metrics(folder / "metrics.json")
    results = {key: metrics[key] for key in RESULTS if key in metrics}
    try:
        loaded = load_data(config)
        check_fingerprint(config, folder, loaded, model)
        data = verification_data(loaded)
    except Refusal as refusal:
        say(f"Exporting without the data of the run: {refusal}")
        origin = f"{origin}; its data is not available"
        data = {"labels": labels_of(folder / "saved_model"), "resize": config.data.resizing}
    return Exportable(model, origin, data, results)


def open_predictor(name: PathLike) -> Predictor:
    """Returns the `Predictor` of an exported model's path or of a run. Raises Refusal if it is neither."""
    if is_export(name):
        return open_export(name)
    model = inference_model(load_model(name))
    labels, resize = None, "stretch"
    if not str(name).endswith(".keras"):
        folder = find_run(name).parent
        labels = labels_of(folder / "saved_model")
        resize = _read_config(folder).data.resizing if (folder / "config.yaml").is_file() else resize
    return Predictor(model.input_shape[1:], labels, lambda x: model.predict(x, batch_size=len(x), verbose=0), resize)


def _read_config(folder):
    return check_config(read_yaml(folder / "config.yaml"), folder / "config.yaml")


def predict_files(
    name: PathLike,
    files: Sequence[PathLike],
    top: int = 3,
    out: PathLike | None = None,
    overwrite: bool = False,
    maps: PathLike | None = None,
) -> list[dict[str, Any]]:
    """Returns `kzoo.export.predict.predict`'s records for a run or an export; writes all outputs to the .npy `out`.

    maps: the folder for the label maps of a model with a class for each pixel.
    Raises Refusal, before anything is predicted, if `out` is no .npy file, cannot be written, or exists and `overwrite`
    is false.
    """
    if out is not None:
        out = Path(out)
        require(out.suffix == ".npy", "predict --out", "the path of an .npy file", out=str(out))
        free = not out.exists() or (overwrite and out.is_file())
        require(free, "predict --out", "a path where there is nothing, or a file and --overwrite", out=str(out))
        check_writable(out, "predict --out")
    records, outputs = predict(open_predictor(name), files, top, maps, overwrite)
    if out is not None:
        shapes = {output.shape[1:] for output in outputs}
        require(len(shapes) == 1, "predict --out", "label maps of one size (--maps writes any)", shapes=sorted(shapes))
        with atomic_replace(out, "predict") as partial:
            np.save(partial, np.concatenate(outputs))
    return records
