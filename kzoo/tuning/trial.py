"""One trial, an ordinary training in a process of its own, whose end, whatever it is, is one small file.

Source: none.
"""

import dataclasses
import fcntl
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from multiprocessing.connection import wait

import numpy as np

from kzoo.checks import Refusal, nearest
from kzoo.files import write_atomically
from kzoo.training.checkpoint import Checkpoint
from kzoo.training.config import check_config, resolved
from kzoo.training.keras_objects import build
from kzoo.training.model_building import build_augmentation, build_callbacks
from kzoo.training.report import write_history
from kzoo.training.run import RESULT
from kzoo.training.seed_run import STATE, evaluate, load_data, policy, train_seed

METHOD = "forkserver"
BEAT = 2.0  # seconds
INTERRUPTED = 130  # as of Ctrl-C, in a shell
STOPS = (INTERRUPTED, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)  # somebody ends the search, not the trial


def run_trial(config, trial, folder, label, search, past=None, beat=None):
    """Run a trial in a process of its own and return its record, which is then in `folder/result.json`.

    Arguments: config, the trial's, or the Refusal that it could not be made with; trial, what is known of it (a dict);
    search, the search's settings; past, the folder of a trial whose training is gone on with; beat, called now and then
    while the process runs, which it ends by raising something.
    Errors: KeyboardInterrupt if the trial was told to stop; Refusal if it ended otherwise without saying why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    if isinstance(config, Refusal):
        return _write(folder, _failed(trial, str(config), 0))
    work = resolved(config), trial, folder, label, search.model_dump(), past
    code = in_child(_work, *work, beat=beat)
    if code in STOPS:
        raise KeyboardInterrupt
    if code < 0:
        time.sleep(1)  # whoever kills all of a search's processes at once kills this one by then
        name = signal.Signals(-code).name
        more = ", as when memory runs out" if -code == signal.SIGKILL else ""
        return _write(folder, _failed(trial, f"its process was ended by {name}{more}", time.perf_counter() - began))
    if code > 0:
        raise Refusal(f"{label} ended with exit code {code}, for what it printed; the same command goes on with it.")
    return read_record(folder)


def read_record(folder):
    """A finished trial's record. Errors: Refusal if its file is damaged."""
    file = folder / RESULT
    try:
        record = json.loads(file.read_text())
        wanted = {"trial", "values", "epochs", "status", "objective", "reason", "parameters", "seconds"}
        if not isinstance(record, dict) or not wanted <= record.keys():
            raise ValueError("it holds something else")
    except ValueError as error:
        raise Refusal(f"{file} is damaged ({error}); delete it, and the same command runs that trial again.") from None
    return record


def in_child(function, *args, beat=None):
    """Call a function in a process that dies with this one, and return its exit code; a minus and a signal's number."""
    context = multiprocessing.get_context(METHOD)
    context.set_forkserver_preload(["kzoo_trials"])  # TensorFlow is imported once; this process's GPU stays unused
    process = context.Process(target=with_parent, args=(function, args))
    process.start()
    try:
        while process.exitcode is None:
            process.join(BEAT)
            if beat is not None and process.exitcode is None:
                beat()
    finally:
        process.kill()
        process.join()
    return process.exitcode


def check_parts(configs):
    """Build the parts of configs, pairs (where, settings), that can be built without data.

    Errors: Refusal that begins with `where`.
    """
    for where, settings in configs:
        try:
            config = check_config(settings)
            build("optimizer", config.training.optimizer, "training.optimizer")
            build_callbacks(config)
            build_augmentation(config)
            metrics = [build("metric", m, f"training.metrics.{i}") for i, m in enumerate(config.training.metrics)]
            known = ["val_" + name for name in ("accuracy", "error", "loss", *(metric.name for metric in metrics))]
            wanted = config.search.objective
            if wanted not in known:
                raise Refusal(f"search.objective {wanted!r} is not measured; {nearest(wanted, known)}")
        except Refusal as refusal:
            raise Refusal(f"{where}: {refusal}") from None


def check_in_child(configs, folder):
    """`check_parts` in a process of its own, as building them takes hold of a GPU."""
    said = folder / "refusal.txt"
    code = in_child(_check, configs, said)
    if said.exists():
        text = said.read_text()
        said.unlink()
        raise Refusal(text)
    if code:
        raise Refusal(f"the search's settings could not be checked: exit code {code}, for what it printed.")


def _check(configs, said):
    try:
        check_parts(configs)
    except Refusal as refusal:
        write_atomically(said, str(refusal))


def with_parent(function, args):
    """Call a function in this process, which ends when its parent does."""
    parent = multiprocessing.parent_process().sentinel
    threading.Thread(target=lambda: (wait([parent]), os._exit(1)), daemon=True).start()
    try:
        function(*args)
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)


def _work(settings, trial, folder, label, search, past):
    """The child's part: train once a seed, evaluate, write the record."""
    began = time.perf_counter()
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the child of a search that was killed may need a moment to notice
        try:
            config = check_config(settings, label)
            keep = search["algorithm"] == "hyperband"
            with policy(config.training):
                runs = [_train(config, seed, folder, label, past, keep) for seed in search["seeds"]]
            record = _completed(trial, runs, search["objective"])
        except OSError:  # a full disk is no fault of the trial's
            raise
        except Exception as error:
            kind = "" if isinstance(error, Refusal) else f"{type(error).__name__}: "
            record = _failed(trial, kind + " ".join(str(error).split())[:300], time.perf_counter() - began)
        _write(folder, record)


def _train(config, seed, folder, label, past, keep):
    """Metrics of a trial's training with one seed, on held out examples: from its folder if it is done."""
    inside = f"seed_{seed}"
    folder, past = folder / inside, past and past / inside
    done = folder / "metrics.json"
    if done.exists():
        return json.loads(done.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    if past and (past / STATE).exists() and not (folder / STATE).exists():
        write_atomically(folder / STATE, (past / STATE).read_bytes())
    try:
        Checkpoint(None, folder / STATE)
    except Refusal as refusal:  # a damaged file is no fault of the trial's either
        sys.exit(str(refusal))
    data = dataclasses.replace(load_data(config), test=None)
    _, trainer, checkpoint = train_seed(config, seed, folder, label, data)
    losses = [row["loss"] for row in checkpoint.history]
    if not np.isfinite(losses).all():
        period = int(np.argmin(np.isfinite(losses))) + 1
        raise Refusal(f"training diverged to a loss of {losses[period - 1]} in period {period}")
    scores = evaluate(trainer, data.validation, config)
    metrics = {
        "validation": {"accuracy": round(1 - scores["error"], 6), **scores},
        "parameters": trainer.count_params(),
        "epochs": len(losses),
        "seconds": round(checkpoint.seconds, 2),
    }
    write_history(checkpoint.history, folder)
    write_atomically(done, json.dumps(metrics, indent=2) + "\n")
    if not keep:
        (folder / STATE).unlink(missing_ok=True)
    return metrics


def _completed(trial, runs, objective):
    name = objective.removeprefix("val_")
    value = float(np.mean([run["validation"][name] for run in runs]))
    if not np.isfinite(value):
        raise Refusal(f"{objective} is {value}")
    figures = {"parameters": runs[0]["parameters"], "seconds": round(sum(run["seconds"] for run in runs), 2)}
    return {**trial, "status": "completed", "reason": None, "objective": value, **figures}


def _failed(trial, reason, seconds):
    figures = {"parameters": None, "seconds": round(seconds, 2)}
    return {**trial, "status": "failed", "reason": reason, "objective": None, **figures}


def _write(folder, record):
    write_atomically(folder / RESULT, json.dumps(record, indent=2) + "\n")
    if record["status"] == "failed":
        for state in folder.rglob(STATE):
            state.unlink()
    return record
