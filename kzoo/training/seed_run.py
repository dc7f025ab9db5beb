"""Trains with one seed, evaluates, exports, and writes everything into one folder."""

import contextlib
import json
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.checks import require
from kzoo.config.comparison import config_sha256
from kzoo.config.config import Config, resolved
from kzoo.config.recipe import recipe_length
from kzoo.config.stages import evaluation_config, stages_of
from kzoo.config.training_config import TrainingConfig
from kzoo.config.yaml_file import write_yaml
from kzoo.data.data_table import print_image_files
from kzoo.data.loader import Data
from kzoo.export.export_folder import leave_out_other_sizes
from kzoo.export.exporter import export
from kzoo.export.fixed_shape import fix_input_shape
from kzoo.export.inference_model import inference_model
from kzoo.export.model_card import model_info, run_card
from kzoo.export.preflight import check_exportable
from kzoo.export.registry import FORMATS
from kzoo.files import write_atomically, writing
from kzoo.task import Task, outputs_of, recorded
from kzoo.terminal import say
from kzoo.training import plots, report
from kzoo.training.batch_statistics import BatchStatistics, trained_norms
from kzoo.training.board_images import write_augmented_inputs, write_pictures
from kzoo.training.callback_checks import CallbackChecks
from kzoo.training.callback_files import CallbackFiles, EpochBoard
from kzoo.training.callback_paths import BOARD
from kzoo.training.checkpoint import STATE, Checkpoint, KeepBest
from kzoo.training.class_checks import check_classes
from kzoo.training.data_fingerprint import fingerprint_file, keep_fingerprint
from kzoo.training.epoch_timer import EpochTimer, last_epoch
from kzoo.training.evaluated_weights import EvaluatedWeights
from kzoo.training.evaluation import evaluate, evaluate_views, evaluation_batches
from kzoo.training.evaluation_views import average_views
from kzoo.training.fit_errors import FitErrors, note_on_error
from kzoo.training.label_checks import label_errors
from kzoo.training.losses_and_metrics import label_checks
from kzoo.training.model_batches import add_class_weights, map_inputs_and_targets, training_batches
from kzoo.training.model_building import build_model, count_parameters
from kzoo.training.prediction_files import class_table, write_filters, write_predictions
from kzoo.training.predictions import CountedPredictions
from kzoo.training.progress import ProgressBar
from kzoo.training.run_data import load_data, sample, verification_data
from kzoo.training.stage_trainers import StageTrainers
from kzoo.training.step_memory import check_step_memory
from kzoo.training.task_predictions import predictions_for
from kzoo.training.tasks import check_tasks, model_tasks, output_tasks
from kzoo.training.trainer_building import build_callbacks

PLOTTED = 1000  # examples whose numbers are in a picture


def run_seed(config: Config, seed: int, folder: Path, label: str) -> dict[str, Any]:
    """Trains, evaluates, exports and reports into `folder`; resumes a training that was interrupted there.

    Returns the metrics. Their file metrics.json is written last: if it exists, the folder is complete. The training's
    state stays there, so that the run can be trained further.
    """
    data = load_data(config)
    if seed == config.training.seeds[0]:
        print_image_files(data)
    folder.mkdir(parents=True, exist_ok=True)
    keep_fingerprint(fingerprint_file(config, folder), data.fingerprint)
    model, trainer, checkpoint = train_seed(config, seed, folder, label, data)
    say(f"{label}: evaluating and exporting")
    with note_on_error(f"{label}: training was complete; the error is in what follows it."):
        return _evaluate_and_export(config, seed, folder, label, data, model, trainer, checkpoint)


def train_seed(
    config: Config, seed: int, folder: Path, label: str, data: Data
) -> tuple[keras.Model, keras.Model, Checkpoint]:
    """Builds and trains; resumes a training that was interrupted in `folder`. Returns (model, trainer, checkpoint)."""
    folder.mkdir(parents=True, exist_ok=True)
    with data.errors():
        model, trainers = build_for_seed(config, seed, data)
        return model, *fit(seed, folder, label, data, model, trainers)


def build_for_seed(config: Config, seed: int, data: Data) -> tuple[keras.Model, StageTrainers]:
    """Sets the random seeds, and returns the model and its trainers after the checks that are made before training."""
    # After the data is loaded: the first run also prepares its files, which may draw random numbers.
    keras.utils.set_random_seed(seed)
    for split in data.splits().values():
        split.preload()
    model = build_model(config, data.input_shape, data.classes, data.train)
    check_classes(config, model, data)
    check_exports(config, model, data.tasks)
    average_views(config, model)  # raises if config.evaluation does not fit the model
    trainers = StageTrainers(config, model)
    check_tasks(config, model, data.tasks)
    for stage in trainers.stages:
        check_step_memory(stage.config, trainers.start(stage), data.train)
        label_checks(stage.config, model).check(data)
    return model, trainers


def fit_batches(config: Config, seed: int, data: Data, model: keras.Model, start: int = 0) -> tf.data.Dataset:
    """Returns the endless batches that `fit` takes, as inputs, targets and perhaps weights, from step `start` on."""
    dataset = training_batches(config, model, data.train, seed, steps_per_epoch(config, data), start)
    dataset = label_checks(config, model).watch(dataset, data.train, "train")
    dataset = add_class_weights(config, model, data.train, dataset, data.class_names)
    dataset = map_inputs_and_targets(config, model, dataset)
    if config.training.steps_per_call > 1:
        dataset = dataset.batch(config.training.steps_per_call, drop_remainder=True)
    return dataset


def check_exports(config: Config, model: keras.Model, tasks: Sequence[Task] = ()) -> None:
    """Raises Refusal, before training, if the model cannot be exported to one of the config's formats."""
    exported = exported_model(config, model, tasks) if config.export.formats else model
    for name in config.export.formats:
        check_exportable(exported, FORMATS[name])


def exported_model(config: Config, model: keras.Model, tasks: Sequence[Task] = ()) -> keras.Model:
    """Returns the inference model, with inputs of the shape that the config's exports have."""
    return fix_input_shape(inference_model(model, outputs_of(tasks)), config.export.batch_size, config.export.size)


def fit(
    seed: int, folder: Path, label: str, data: Data, model: keras.Model, trainers: StageTrainers
) -> tuple[keras.Model, Checkpoint]:
    """Trains from the folder's checkpoint to the end and leaves the weights to keep in `model`.

    Each stage starts from the checkpoint of the one before, as a resumed training does. A callback that stops the
    training ends it with the stage. Returns (trainer of the last stage, checkpoint).
    """
    for stage in trainers.stages:
        checkpoint = _fit_stage(stage, seed, folder, label, data, model, trainers)
        if checkpoint.stopped and checkpoint.epoch <= stage.last:
            break
    return trainers.start(trainers.stages[-1]), checkpoint


def _fit_stage(stage, seed, folder, label, data, model, trainers):
    """Trains one stage, or nothing if a later one has started; returns the checkpoint."""
    config, trainer = stage.config, trainers.start(stage)
    training, steps, count = config.training, steps_per_epoch(config, data), len(trainers.stages)
    given = build_callbacks(config, folder)
    callbacks = [callback for callback in given if not isinstance(callback, keras.callbacks.SwapEMAWeights)]
    if training.keep != "last":
        accurate = len(data.tasks) == 1 and output_tasks(config, model, data.tasks)[0].of_classes
        monitor = "val_accuracy" if accurate else "val_loss"
        callbacks.append(KeepBest(model, last=training.keep == "last_best", monitor=monitor))
    board = EpochBoard(folder / BOARD, write_graph=False)
    files = CallbackFiles([*callbacks, board], folder)
    checkpoint = Checkpoint(model, folder / STATE, callbacks, files, stage.first)
    start = checkpoint.epoch
    ended = start > stage.last or (start == stage.last and not checkpoint.stopped)
    if ended and stage is not trainers.stages[-1]:
        return checkpoint
    files.restore(checkpoint.state and checkpoint.state["files"])
    # after the checkpoint, so that a resumed run does not send an epoch again
    senders = [callback for callback in callbacks if isinstance(callback, keras.callbacks.RemoteMonitor)]
    writers = [callback for callback in callbacks if callback not in senders]
    dataset = fit_batches(config, seed, data, model, start * steps)
    validation = data.validation and evaluation_batches(model, data.validation, config)
    evaluated = EvaluatedWeights(_batch_statistics(config, seed, data, model))
    if count > 1:
        label = f"{label} stage {stage.number + 1}/{count}"
    if start == 0:
        write_augmented_inputs(config, model, data.train, seed, folder / BOARD)
    if start > stage.first:
        say(f"{label}: resuming after epoch {start} of {training.epochs}")
    timer = EpochTimer(steps, training.steps_per_call)
    bar = ProgressBar(label, training.epochs, config.data.batch_size, timer, start)
    checks = CallbackChecks(given, validation is not None)
    errors = FitErrors(label, training.steps_per_call)
    with label_errors(), errors, contextlib.closing(bar), contextlib.closing(files):
        trainer.fit(
            dataset,
            epochs=start if checkpoint.stopped else stage.last,
            initial_epoch=start,
            steps_per_epoch=steps // training.steps_per_call,
            validation_data=validation,
            callbacks=[errors, checks, evaluated, timer, *writers, board, bar, evaluated.restore, checkpoint, *senders],
            shuffle=False,  # the dataset is shuffled already
            verbose=0,
        )
    checkpoint.rate = timer.rate
    return checkpoint


def _batch_statistics(config, seed, data, model):
    """Returns the `BatchStatistics` of a model over the first epoch's batches, or None, as the config says."""
    if not config.training.recompute_statistics or not trained_norms(model):  # a stage may freeze all
        return None
    steps = steps_per_epoch(config, data)
    count = min(steps, data.train.size // config.data.batch_size)
    batches = training_batches(config, model, data.train, seed, steps).take(count)
    return BatchStatistics(model, map_inputs_and_targets(config, model, batches).map(lambda inputs, *_: inputs))


def steps_per_epoch(config: Config, data: Data) -> int:
    """Returns the optimizer steps per epoch."""
    size = config.data.batch_size
    require(size <= data.train.size, "data.batch_size", f"at most the {data.train.size} examples", batch_size=size)
    steps = config.training.steps_per_epoch or data.train.size // size
    per_call = config.training.steps_per_call
    expected = f"a divisor of the {steps} steps per epoch"
    require(steps % per_call == 0, "training.steps_per_call", expected, steps_per_call=per_call)
    return steps


def _evaluate_and_export(config, seed, folder, label, data, model, trainer, checkpoint):
    history, steps, stages = checkpoint.history, steps_per_epoch(config, data), stages_of(config)
    starts, evaluated = [stage.first for stage in stages], evaluation_config(config)
    splits = {"test": data.test, "train": data.train, "validation": data.validation}
    reported = next(name for name in ("test", "validation", "train") if splits[name] is not None)
    predictions = predictions_for(config, reported, splits[reported], model, data)
    if predictions is None:
        say(f"{label}: no predictions.csv, which has no row for outputs of this shape")
    scores = {
        name: evaluate(trainer, split, evaluated, label, predictions if name == reported else None)
        for name, split in splits.items()
        if split is not None
    }
    for name, of_views in evaluate_views(model, splits, config, label).items():
        scores[name] |= of_views
    with writing(folder / "model.keras"):
        model.save(folder / "model.keras")
    for_inference, formats = inference_model(model, outputs_of(data.tasks)), config.export.formats
    verify_on = verification_data(data) if formats else {}
    exported = exported_model(config, model, data.tasks) if formats else model
    if config.export.size is not None:
        verify_on = leave_out_other_sizes(exported, verify_on, say)
    reports = [
        export(
            exported,
            folder / FORMATS[name].file,
            name,
            **verify_on,
            integer=config.export.integer and FORMATS[name].quantized,
        )
        for name in formats
    ]
    named = [task for task in output_tasks(config, model, data.tasks) if task.name]  # in the order of the outputs
    tasks = named or model_tasks(config, data.tasks, data.input_shape)
    metrics = {
        "model": config.model.name,
        "data": data.name,
        **recorded(tasks),
        **scores,
        "published": config.published and config.published.model_dump(),
        "recipe": recipe_length(config, data.train.size),
        "parameters": count_parameters(model),
        "epochs": len(history),
        "steps": len(history) * steps,
        "seconds": round(checkpoint.seconds, 2),
        "steps_per_second": round(len(history) * steps / checkpoint.seconds, 1),
        "last_epoch": last_epoch(checkpoint.rate, config.data.batch_size),
        "export": export_metrics(reports),
        "seed": seed,
        "config_sha256": config_sha256(config),
        "versions": versions(),
    }
    report.write_history(history, folder, starts)
    plots.plot_history(history, scores, metrics["published"], label, folder / "history.png", starts)
    write_filters(for_inference, folder)
    tables = class_table(predictions) if isinstance(predictions, CountedPredictions) else []
    written: list[str] = []
    if predictions is not None:
        written = write_predictions(predictions, splits[reported], label, folder)
        write_pictures(folder / BOARD / "pictures", {"confusion": folder / "confusion.png"}, len(history))
    if any(task.kind in ("regression", "image") for task in tasks):
        some = sample(splits[reported], PLOTTED)
        plots.plot_tasks(for_inference, *some, tasks, f"{label}: {reported} examples", folder)
    write_atomically(folder / "config.yaml", write_yaml(resolved(config)))
    info = model_info(for_inference, "", data.class_names, tasks=tasks)
    sizes = {name: split.size for name, split in splits.items() if split is not None}
    about = report.training_text(config, sizes, metrics["epochs"], metrics["steps"])
    rows, drawn = report.result_rows(metrics), report.pictures(folder)
    card = run_card(label, info, metrics, rows, reports, about, tables, drawn, written)
    write_atomically(folder / "README.md", card)
    write_atomically(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    return metrics


def export_metrics(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns the entry "export" of metrics.json."""
    differences = [each["max_difference"] for each in reports if FORMATS[each["format"]].tolerance is not None]
    keys = ("max_difference", "bytes", "agreement", "accuracy")
    formats = {each["format"]: {key: each[key] for key in keys if key in each} for each in reports}
    return {"max_difference": max(differences, default=None), "formats": formats}


@contextlib.contextmanager
def numeric_settings(training: TrainingConfig) -> Iterator[None]:
    """Context manager: sets Keras's dtype policy, and makes TensorFlow deterministic if asked; restores the policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(training.dtype_policy)
    if training.deterministic:
        tf.config.experimental.enable_op_determinism()
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def versions() -> dict[str, str]:
    """Returns the versions of the packages that a run's results depend on."""
    import kzoo

    found = {"kzoo": kzoo.__version__, "keras": keras.__version__, "tensorflow": tf.__version__}
    return {**found, "numpy": np.__version__, "python": platform.python_version()}
