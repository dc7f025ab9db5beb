"""Evaluates models on the splits of their data: during a run, and again for a finished run."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.table import Table

from kzoo.checks import Refusal, require
from kzoo.config.config import Config, check_config
from kzoo.config.stages import evaluation_config
from kzoo.config.yaml_file import read_yaml
from kzoo.data.examples import Examples
from kzoo.files import check_writable, file_lock, hidden
from kzoo.models.load_model import load_model
from kzoo.run_folder import find_run
from kzoo.terminal import say
from kzoo.training.data_fingerprint import check_fingerprint
from kzoo.training.evaluation_views import average_views, square_images
from kzoo.training.label_checks import label_errors
from kzoo.training.losses_and_metrics import label_checks
from kzoo.training.model_batches import map_inputs_and_targets
from kzoo.training.prediction_files import PREDICTIONS, write_predictions
from kzoo.training.predictions import Predictions
from kzoo.training.report import metric_label, metric_text
from kzoo.training.run_data import load_data
from kzoo.training.task_predictions import Recorder, predictions_for
from kzoo.training.trainer import RECORDED
from kzoo.training.trainer_building import build_trainer
from kzoo.types import PathLike
from kzoo.user_modules import name_missing_modules, say_changes

BATCH_BYTES = 2**26  # of the examples in one evaluation batch


def evaluate(
    trainer: keras.Model,
    split: Examples,
    config: Config,
    label: str = "evaluate",
    predictions: Predictions | None = None,
) -> dict[str, Any]:
    """Returns the loss and the metrics of a compiled model on a split, and for classes the error.

    predictions: those that the split's are added to, in the same pass; then the model is a `Trainer`.
    A metric that is not finite is None, because JSON has no NaN. Raises Refusal, which begins with `label`, if the loss
    is not finite: then the outputs are not numbers, and the error means nothing.
    """
    callbacks = []
    if predictions is not None:
        trainer.record_outputs(predictions.outputs)
        callbacks.append(Recorder(predictions))
    with split.errors(), label_errors():
        batches = evaluation_batches(trainer, split, config)
        scores = trainer.evaluate(batches, return_dict=True, verbose=0, callbacks=callbacks)
    scores.pop(RECORDED, None)
    error = {"error": round(1 - float(scores.pop("accuracy")), 6)} if "accuracy" in scores else {}
    keys = sorted(scores, key=lambda key: (key != "loss", not key.endswith("_loss"), key))
    scores = {**error, **{key: float(scores[key]) for key in keys}}
    if not np.isfinite(scores["loss"]):
        remedy = "try a smaller learning rate, with --overwrite"
        raise Refusal(f"{label}: training diverged to a loss of {scores['loss']}; {remedy}.")
    return {key: value if np.isfinite(value) else None for key, value in scores.items()}


def evaluate_views(
    model: keras.Model, splits: Mapping[str, Examples | None], config: Config, label: str = "evaluate"
) -> dict[str, dict[str, Any]]:
    """Returns what config.evaluation adds to the results of the test and validation splits, {} if it is not set.

    These are `evaluate`'s results for the mean outputs over several views, with "views_" in front of their names.
    """
    averaged, config = average_views(config, model), evaluation_config(config)
    if averaged is None or config.evaluation is None:
        return {}
    parts, squares = config.evaluation.frames, square_images(config)
    splits = load_data(squares or config, parts).splits() if parts or squares else splits
    tasks = next(split.tasks for split in splits.values() if split is not None)
    trainer, results = build_trainer(config, averaged, tasks), {}
    for name in ("test", "validation"):
        split = splits.get(name)
        if split is not None:
            scores = evaluate(trainer, split, config, label)
            results[name] = {f"views_{key}": value for key, value in scores.items()}
    return results


def evaluation_batches(model: keras.Model, split: Examples, config: Config) -> tf.data.Dataset:
    """Returns one pass over a split, in order, as batches of the model's inputs, targets and perhaps weights."""
    batches = split.once(evaluation_batch_size(split, config), weights=True)
    checks = label_checks(config, model, split.tasks)
    return map_inputs_and_targets(config, model, checks.watch(batches, split, split.checks.name))


def evaluation_batch_size(split: Examples, config: Config) -> int:
    """Returns the size of evaluation batches: at least that of training, up to 1,000 for small examples."""
    example_bytes = int(np.prod(split.input_shape)) * 4
    return max(config.data.batch_size, min(1000, BATCH_BYTES // example_bytes))


def evaluate_run(run: PathLike, write: bool = False) -> Table:
    """Returns a table of a finished run's results on each split of its data, computed again.

    write: whether predictions.csv, classes.csv and the pictures of mistakes are written into the run's folder.
    """
    folder = find_run(run).parent
    with _writing_to(folder) if write else contextlib.nullcontext():
        return _evaluate_run(folder, write)


@contextlib.contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """Context manager: no other process trains the run further. Raises Refusal if one does, or if it is read-only."""
    check_writable(folder / PREDICTIONS, "evaluate --write")
    whole = folder.parent if (folder.parent / "metrics.json").is_file() else folder  # of several seeds
    with file_lock(hidden(whole, "lock"), f"another process is training {whole}."):
        yield


def _evaluate_run(folder, write):
    config = check_config(read_yaml(folder / "config.yaml"), folder / "config.yaml")
    say_changes(folder)
    with name_missing_modules(folder):
        data, model = load_data(config), load_model(folder)
        check_fingerprint(config, folder, data, model)
        evaluated, splits = evaluation_config(config), data.splits()
        trainer = build_trainer(evaluated, model, data.tasks)
    first = next(name for name in ("test", "validation", "train") if name in splits)
    predictions = predictions_for(config, first, splits[first], model, data) if write else None
    require(predictions or not write, "evaluate --write", "outputs that a row can hold", outputs=model.output_shape)
    views = evaluate_views(model, splits, config, str(folder))
    rows: dict[str, tuple[int, dict[str, Any]]] = {}  # the size and the results of a split
    for name, split in ((name, splits[name]) for name in ("test", "validation", "train") if name in splits):
        recorded = predictions if name == first else None
        rows[name] = split.size, evaluate(trainer, split, evaluated, str(folder), recorded)
        if name in views:
            scores = {key.removeprefix("views_"): value for key, value in views[name].items()}
            rows[f"{name}, mean of views"] = split.size, scores
    if predictions is not None:
        written = write_predictions(predictions, splits[first], folder.name, folder)
        say(f"Written to {folder}/: {', '.join(written)}")
    table = Table(title=str(folder), title_justify="left")
    keys = list(dict.fromkeys(key for _, scores in rows.values() for key in scores))
    for column in ("split", "examples", *map(metric_label, keys)):
        table.add_column(column, justify="left" if column == "split" else "right")
    for row, (size, scores) in rows.items():
        table.add_row(row, f"{size:,}", *(metric_text(key, scores.get(key)) for key in keys))
    return table
