"""One trial: an ordinary training in its own process, whose result is one small file however it ends."""

import dataclasses
import json
import signal
import sys
import time
import traceback

import numpy as np

from kzoo.checks import Refusal, nearest
from kzoo.config.config import check_config, resolved
from kzoo.config.stages import evaluation_config, stages_of
from kzoo.files import file_lock, write_atomically
from kzoo.json_record import read_record
from kzoo.processes import exit_with_parent, forkserver
from kzoo.training.callback_files import LostContent, copy_files
from kzoo.training.checkpoint import STATE, Checkpoint
from kzoo.training.data_fingerprint import FILE, keep_fingerprint
from kzoo.training.evaluation import evaluate
from kzoo.training.keras_objects import build_object
from kzoo.training.losses_and_metrics import build_metrics_by_output, result_names
from kzoo.training.model_batches import build_augmentation
from kzoo.training.model_building import build_model, count_parameters
from kzoo.training.report import write_history
from kzoo.training.run import RESULT, mean
from kzoo.training.run_data import load_data, load_mock_data
from kzoo.training.seed_run import numeric_settings, train_seed
from kzoo.training.stage_trainers import check_stages
from kzoo.training.tasks import is_classifier
from kzoo.training.trainer_building import build_callbacks
from kzoo.tuning.hparams_board import write_session
from kzoo.user_modules import requested_modules

HEARTBEAT_INTERVAL = 2.0  # seconds
STOPS = (-signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)  # the user stops the search, not only the trial


def run_trial(config, trial, folder, label, search, parent=None, heartbeat=None):
    """Runs a trial in its own process and returns its result, which is also written to `folder/result.json`.

    Arguments: config, the trial's config, or the Refusal that prevented one; trial, {trial, values, epochs}, which
    begin the result; search, the search's settings; parent, the folder of the trial whose training is continued;
    heartbeat, a function called every few seconds, which stops the process by raising an exception.
    Raises KeyboardInterrupt if a signal stopped the process, Refusal if it ended in another way without a result.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    if isinstance(config, Refusal):
        return _write_result(folder, _failed(trial, str(config), 0))
    args = resolved(config), trial, folder, label, search.model_dump(), parent
    code = call_in_process(_train_trial, *args, heartbeat=heartbeat)
    if code in STOPS:
        raise KeyboardInterrupt
    if code < 0:
        time.sleep(1)  # if the whole search is being killed, this process ends here and records no failure
        name = signal.Signals(-code).name
        hint = ", as when memory runs out" if -code == signal.SIGKILL else ""
        reason = f"its process was ended by {name}{hint}"
        return _write_result(folder, _failed(trial, reason, time.perf_counter() - start))
    if code > 0:
        raise Refusal(f"{label} ended with exit code {code}, see its output above; the same command resumes it.")
    return read_result(folder)


def read_result(folder):
    """Returns a finished trial's result. Raises Refusal if its file is damaged."""
    return read_record(folder / RESULT, _check_result, "delete it, and the same command runs that trial again")


def _check_result(result):
    if not {"trial", "values", "epochs", "status", "objective", "reason", "parameters", "seconds"} <= result.keys():
        raise ValueError("it is not the result of a trial")


def call_in_process(function, *args, heartbeat=None):
    """Calls a function in a process that dies with this one; returns its exit code, or minus the number of a signal."""
    process = forkserver(["kzoo.tuning.trial"]).Process(
        target=exit_with_parent, args=(function, args, requested_modules())
    )
    process.start()
    try:
        while process.exitcode is None:
            process.join(HEARTBEAT_INTERVAL)
            if heartbeat is not None and process.exitcode is None:
                heartbeat()
    finally:
        process.kill()
        process.join()
    return process.exitcode


def check_configs(configs):
    """Builds the parts of each config that need no data: optimizer, callbacks, augmentation and metrics.

    The model of the first is built too if the objective may be the loss or a metric of one of its outputs.

    Argument: pairs (where, settings). Raises Refusal, which begins with `where`, if one of them is invalid.
    """
    of_model: list[str] = []
    for where, settings in configs:
        try:
            config = check_config(settings)
            build_object("optimizer", config.training.optimizer, "training.optimizer")
            build_callbacks(config)
            build_augmentation(config)
            check_stages(config)
            metrics = build_metrics_by_output(config).get(None, [])
            measured = ["accuracy", "error", "loss"] if is_classifier(config) else ["loss"]
            known = [*measured, *(metric.name for metric in metrics)]
            objective = config.search.objective.removeprefix("val_")
            if objective not in known and not of_model:  # only the model knows its outputs, and arrays their task
                data = load_mock_data(config, 1)
                shape, classes = data.input_shape, data.classes
                of_model = result_names(
                    config, build_model(config, shape, classes, read_weights=False, tasks=data.tasks)
                )
            if objective not in (*known, *of_model):
                near = nearest(f"val_{objective}", [f"val_{name}" for name in (*known, *of_model)])
                raise Refusal(f"search.objective {config.search.objective!r} is not measured; {near}")
        except Refusal as refusal:
            raise Refusal(f"{where}: {refusal}") from None


def check_configs_in_process(configs, folder):
    """Calls `check_configs` in its own process, because building the parts allocates GPU memory."""
    file = folder / "refusal.txt"
    code = call_in_process(_write_refusal, configs, file)
    if file.exists():
        text = file.read_text()
        file.unlink()
        raise Refusal(text)
    if code:
        raise Refusal(f"the search's settings could not be checked: exit code {code}, see the output above.")


def _write_refusal(configs, file):
    try:
        check_configs(configs)
    except Refusal as refusal:
        write_atomically(file, str(refusal))


def _train_trial(settings, trial, folder, label, search, parent):
    """Runs in the trial's process: trains with each seed, evaluates, and writes the result."""
    start = time.perf_counter()
    with file_lock(folder / "lock"):  # the process of a killed search may still be running for a moment
        try:
            config = check_config(settings, label)
            keep_state = search["algorithm"] == "hyperband"
            with numeric_settings(config.training):
                runs = [_train_seed(config, seed, folder, label, parent, keep_state) for seed in search["seeds"]]
            result = _completed(trial, runs, search["objective"])
        except OSError:  # such as a full disk, which is not a failure of the trial
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            if not isinstance(error, Refusal):
                reason = f"{type(error).__name__}: {reason}"
                write_atomically(folder / "traceback.txt", traceback.format_exc())
            result = _failed(trial, reason, time.perf_counter() - start)
        _write_result(folder, result, search["objective"])


def _train_seed(config, seed, folder, label, parent, keep_state):
    """Trains with one seed and returns the metrics on the validation split; of a finished training, only reads them."""
    name, trials = f"seed_{seed}", folder.parent
    folder, parent = folder / name, parent and parent / name
    metrics_file = folder / "metrics.json"
    folder.mkdir(parents=True, exist_ok=True)
    data = dataclasses.replace(load_data(config), test=None)  # a refusal of it is a failure of the trial
    try:
        if metrics_file.exists():
            return read_record(metrics_file, _check_metrics)
        if parent and (parent / STATE).exists() and not (folder / STATE).exists():
            copy_files(parent, folder)
            write_atomically(folder / STATE, (parent / STATE).read_bytes())
        Checkpoint(None, folder / STATE)
        with file_lock(trials / "data.lock"):  # other trials may be starting
            keep_fingerprint(trials / FILE, {f"files of {data.name}": data.fingerprint["files"]})
    except Refusal as refusal:  # a damaged file or other data is not a failure of the trial
        sys.exit(str(refusal))
    try:
        _, trainer, checkpoint = train_seed(config, seed, folder, label, data)
    except LostContent as refusal:  # no failure of the trial either
        sys.exit(str(refusal))
    losses = [row["loss"] for row in checkpoint.history]
    if not np.isfinite(losses).all():
        epoch = int(np.argmin(np.isfinite(losses))) + 1
        raise Refusal(f"training diverged to a loss of {losses[epoch - 1]} in epoch {epoch}")
    scores = evaluate(trainer, data.validation, evaluation_config(config))
    metrics = {
        "validation": {**({"accuracy": round(1 - scores["error"], 6)} if "error" in scores else {}), **scores},
        "parameters": count_parameters(trainer),
        "epochs": len(losses),
        "seconds": round(checkpoint.seconds, 2),
    }
    write_history(checkpoint.history, folder, [stage.first for stage in stages_of(config)])
    write_atomically(metrics_file, json.dumps(metrics, indent=2) + "\n")
    if not keep_state:
        (folder / STATE).unlink(missing_ok=True)
    return metrics


def _check_metrics(metrics):
    if not {"validation", "parameters", "seconds"} <= metrics.keys():
        raise ValueError("it is not of a trial's training")


def _completed(trial, runs, objective):
    name = objective.removeprefix("val_")
    value = mean([run["validation"][name] for run in runs])
    if value is None or not np.isfinite(value):
        raise Refusal(f"{objective} is {value}")
    cost = {"parameters": runs[0]["parameters"], "seconds": round(sum(run["seconds"] for run in runs), 2)}
    return {**trial, "status": "completed", "reason": None, "objective": value, **cost}


def _failed(trial, reason, seconds):
    cost = {"parameters": None, "seconds": round(seconds, 2)}
    return {**trial, "status": "failed", "reason": reason, "objective": None, **cost}


def _write_result(folder, result, objective=None):
    write_session(folder, result, objective)
    write_atomically(folder / RESULT, json.dumps(result, indent=2) + "\n")
    if result["status"] == "failed":
        for state in folder.rglob(STATE):
            state.unlink()
    return result
