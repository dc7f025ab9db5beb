"""Finds the model for `kzoo export` and `kzoo predict` by name: a finished run, a model of the zoo, or an export."""

from pathlib import Path
from typing import Any, NamedTuple

import keras

from kzoo.checks import Refusal
from kzoo.export.inference_model import inference_model
from kzoo.export.keras_runner import KerasRunner
from kzoo.export.predictor import Predictor, is_export, labels_of, open_export
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

RESULTS = ("test", "validation", "train", "published", "recipe", "epochs", "steps", "seed", "config_sha256", "versions")


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
    """Returns the `Predictor` of an exported model's path or of a run. Raises Refusal if it is neither.

    An export in the folder of a run reads images as the run does.
    """
    if is_export(name):
        predictor, folder = open_export(name), Path(name).parent
        return predictor._replace(**_of_run(folder)) if (folder / "model.keras").is_file() else predictor
    model = inference_model(load_model(name))
    run = KerasRunner(model)
    of_run = {} if str(name).endswith(".keras") else _of_run(find_run(name).parent)
    return Predictor(run.shape, None, run)._replace(**of_run)


def _of_run(folder):
    """Returns the entries of a `Predictor` that a run's folder says."""
    found = {"labels": labels_of(folder / "saved_model")}
    return {**found, "resize": _read_config(folder).data.resizing} if (folder / "config.yaml").is_file() else found


def _read_config(folder):
    return check_config(read_yaml(folder / "config.yaml"), folder / "config.yaml")
