"""Finds the model for `kzoo export` and `kzoo predict` by name: a finished run, a model of the zoo, or an export."""

from pathlib import Path
from typing import Any, NamedTuple

import keras

from kzoo.checks import Refusal, require
from kzoo.config.config import check_config
from kzoo.config.yaml_file import read_yaml
from kzoo.export.inference_model import inference_model
from kzoo.export.input_file import read_inputs
from kzoo.export.keras_runner import KerasRunner
from kzoo.export.predictor import Predictor, is_export, labels_of, open_export
from kzoo.index import is_keras_file
from kzoo.models.load_model import load_model
from kzoo.models.registry import find, kzoo_has
from kzoo.models.registry import model as zoo_model
from kzoo.run_folder import find_run, find_run_or_model
from kzoo.task import Task, outputs_of, read_tasks
from kzoo.terminal import say
from kzoo.training.data_fingerprint import check_fingerprint
from kzoo.training.metrics_file import read_metrics
from kzoo.training.run_data import VERIFICATION_EXAMPLES, load_data, verification_data
from kzoo.types import PathLike
from kzoo.user_modules import name_missing_modules

RESULTS = ("test", "validation", "train", "published", "recipe", "epochs", "steps", "seed", "config_sha256", "versions")


class Exportable(NamedTuple):
    """What an export needs: the inference model, a phrase on its origin, and the data and results of its run.

    trained: whether the weights are trained; None: unknown.
    """

    model: keras.Model
    origin: str
    data: dict[str, Any]  # keyword arguments of `kzoo.export.exporter.export`
    results: dict[str, Any] | None  # of metrics.json
    trained: bool | None = None
    tasks: tuple[Task, ...] = ()  # of the outputs, () for one of classes


def find_exportable(name: PathLike, weights: str | None = None, inputs: PathLike | None = None) -> Exportable:
    """Returns the run `name` (a folder, or a name under saved_models/), a .keras file's model, or the zoo's model.

    Arguments: weights, for the zoo's model, as those of `kzoo.model`; without them it has initial weights, the same at
    each call; inputs, an .npz file with inputs of a .keras file's or the zoo's model, which exports are verified on.
    Raises Refusal with the nearest names if there is no such run or model.
    """
    path = str(name)
    folder = None if weights is not None else find_run_or_model(path)
    if folder is not None:
        require(inputs is None, "export --inputs", "a .keras file or a model of the zoo, not a run", name=path)
        return _find_run(folder)
    if is_keras_file(path):
        require(weights is None, "export --weights", "a model of the zoo, not a .keras file", name=path)
        model, trained = load_model(path, compile=False), None
    else:
        keras.utils.set_random_seed(0)  # further formats of it are of the same model
        model, trained = inference_model(zoo_model(path, weights=weights)), weights is not None
    return Exportable(model, origin_of(path, weights), _read_examples(inputs, model), None, trained)


def _read_examples(file, model):
    """Returns the inputs in an .npz file, at most as many as exports are verified on, as an argument of `export`."""
    if file is None:
        return {}
    arrays = read_inputs(file, model)
    count = len(next(iter(arrays.values())))
    if count > VERIFICATION_EXAMPLES:
        say(f"Verifying on the first {VERIFICATION_EXAMPLES:,} of {count:,} inputs in {file}")
    arrays = {key: x[:VERIFICATION_EXAMPLES] for key, x in arrays.items()}
    return {"examples": arrays if len(arrays) > 1 else next(iter(arrays.values()))}


def _find_run(folder):
    """Returns the `Exportable` of a finished run."""
    metrics = read_metrics(folder / "metrics.json")
    tasks = read_tasks(metrics)
    model = inference_model(load_model(folder), outputs_of(tasks))
    config = _read_config(folder)
    source = config.data.name or config.data.folder or config.data.arrays
    origin = f"The run `{folder.name}` of kzoo: `{config.model.name}` trained on `{source}`"
    results = {key: metrics[key] for key in RESULTS if key in metrics}
    try:
        with name_missing_modules(folder):
            loaded = load_data(config)
        check_fingerprint(config, folder, loaded, model)
        data = verification_data(loaded)
    except Refusal as refusal:
        say(f"Exporting without the data of the run: {refusal}")
        origin = f"{origin}; its data is not available"
        data = {"labels": labels_of(folder / "saved_model"), "resize": config.data.resizing}
    return Exportable(model, origin, data, results, True, tasks)


def origin_of(name: str, weights: str | None = None) -> str:
    """Returns a phrase on where a model comes from, by its name and weights.

    >>> origin_of("vgg16")
    "The model `vgg16` of kzoo's zoo, with initial weights"
    """
    if is_keras_file(name):
        return f"The model in the file `{Path(name).name}`"
    builder, _ = find(name)
    zoo = "kzoo's zoo" if kzoo_has(builder) else f"`{builder.__module__}`"
    return f"The model `{name}` of {zoo}, with {f'the weights `{weights}`' if weights else 'initial weights'}"


def open_predictor(name: PathLike) -> Predictor:
    """Returns the `Predictor` of an exported model's path or of a run. Raises Refusal if it is neither.

    An export in the folder of a run reads images as the run does.
    """
    if is_export(name):
        predictor, folder = open_export(name), Path(name).parent
        return predictor._replace(**_of_run(folder)) if (folder / "model.keras").is_file() else predictor
    of_run = {} if str(name).endswith(".keras") else _of_run(find_run(name).parent)
    run = KerasRunner(inference_model(load_model(name), outputs_of(of_run.get("tasks", ()))))
    return Predictor(run.shape, None, run)._replace(**of_run)


def _of_run(folder):
    """Returns the entries of a `Predictor` that a run's folder says."""
    found: dict[str, Any] = {"labels": labels_of(folder / "saved_model")}
    if (folder / "metrics.json").is_file():
        found["tasks"] = read_tasks(read_metrics(folder / "metrics.json"))
    return {**found, "resize": _read_config(folder).data.resizing} if (folder / "config.yaml").is_file() else found


def _read_config(folder):
    return check_config(read_yaml(folder / "config.yaml"), folder / "config.yaml")
