"""Runs: one config, one or several seeds, and one folder that is complete or absent."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kzoo.checks import Refusal
from kzoo.config.comparison import config_sha256, differences
from kzoo.config.config import Config, resolved
from kzoo.config.yaml_file import read_yaml, write_yaml
from kzoo.export.model_card import seeds_card
from kzoo.files import copy_path, file_lock, hidden, recover, remove, replace_in_two_steps, write_atomically
from kzoo.json_record import read_record
from kzoo.run_folder import check_run_name
from kzoo.terminal import say
from kzoo.training.callback_paths import place_callbacks
from kzoo.training.checkpoint import STATE, Checkpoint
from kzoo.training.extension import OF_RUN, Extension, seed_folders
from kzoo.training.metrics_file import read_metrics
from kzoo.training.report import print_results, result_rows
from kzoo.training.seed_run import numeric_settings, run_seed, versions
from kzoo.types import PathLike
from kzoo.user_modules import RECORD, check_modules, record_modules

TRIAL_FILE, RESULT = "trial.json", "result.json"  # the records of a started and of a finished trial, in its folder
OLD_STATE = "state.pickle"  # the checkpoint of earlier versions, a pickle, which may hold code

Metrics = dict[str, Any]  # the content of metrics.json


def run(
    config: Config,
    name: str,
    out: PathLike = "saved_models",
    overwrite: bool = False,
    work: Callable[[Config, Path, str], Metrics] | None = None,
    record: str = "config.yaml",
    extension: Extension = OF_RUN,
) -> tuple[Path, Metrics]:
    """Trains as `config` says and returns (folder, metrics). The folder is `out/name/`, complete or absent.

    Work is done in `out/.name.partial/`, which is renamed when it is complete. After an interruption the same call
    resumes from the last epoch. With several seeds each has a folder `seed_N`, and metrics.json is their summary.
    A finished run is trained further if the config has more epochs; it stays until the longer one is complete. An
    interrupted run may be resumed with another number of epochs, at least as many as it has done.
    Arguments: work, a function (config, partial folder, name) -> metrics that does the work, by default `run_seeds`;
    record, the name of the file in the partial folder that stores the config with which the work was started;
    extension, how a finished or interrupted run may be extended.
    Raises Refusal if the run is finished, `overwrite` is false and the config does not extend it, if another process
    works on it, or if an interrupted run was started with another config; then the message lists the differences.
    """
    check_run_name(name)
    if work is None:
        config = config.model_copy(update={"search": None})  # it does not affect the training
    folder = Path(out, name)
    partial = hidden(folder, "partial")
    place_callbacks(config, partial)  # raises before anything is done
    folder.parent.mkdir(parents=True, exist_ok=True)
    locked = f"another process is training {name!r} here; choose another --run NAME."
    with file_lock(hidden(folder, "lock"), locked):
        recover(folder)
        if folder.exists() and not overwrite:
            kept = extension.files(config, folder)
            check_modules(folder)
            if not can_resume(partial):
                start_extended(config, folder, partial, record, kept)
        elif folder.exists() and not (folder / "metrics.json").is_file():
            raise Refusal(
                f"{folder} is not a run of kzoo, so --overwrite does not replace it: choose another --run NAME."
            )
        prepare_partial(config, partial, overwrite, record, extension)
        try:
            with numeric_settings(config.training):
                metrics = (work or run_seeds)(config, partial, name)
        except Refusal:
            if not can_resume(partial):
                remove(partial)
            raise
        # no exchange of the two: if a kill followed, the old run would be in `partial` and would be resumed
        replace_in_two_steps(partial, folder)
    return folder, metrics


def prepare_partial(
    config: Config, partial: Path, overwrite: bool, record: str = "config.yaml", extension: Extension = OF_RUN
) -> None:
    """Creates the partial folder, or keeps an interrupted run there of the same config or of one that it extends.

    An interrupted run that cannot be resumed is discarded if `overwrite` is true; otherwise Refusal is raised.
    """
    if can_resume(partial):
        try:
            check_resumable(config, partial, record, None if overwrite else extension)
            if overwrite:
                check_readable(config, partial)
            record_modules(partial)  # if its record was deleted to accept a change
            return
        except Refusal:
            if not overwrite:
                raise
    remove(partial)
    partial.mkdir()
    write_atomically(partial / record, write_yaml(resolved(config)))
    record_modules(partial)


def start_extended(config: Config, folder: Path, partial: Path, record: str, kept: Mapping[Path, Path]) -> None:
    """Makes `partial` an interrupted run of `config` that has done what the finished run in `folder` has.

    kept: the files that are copied, {path in `partial`: path in `folder`}.
    """
    new = hidden(folder, "new")
    remove(new)
    try:
        new.mkdir()
        for target, source in kept.items():
            copy_path(folder / source, new / target)
        write_atomically(new / record, write_yaml(resolved(config)))
        if (folder / RECORD).is_file():
            copy_path(folder / RECORD, new / RECORD)
        remove(partial)
        os.replace(new, partial)
    finally:
        remove(new)


def can_resume(partial: Path) -> bool:
    """Returns whether an interrupted run got far enough to be resumed: at least one epoch or trial."""
    return any(next(partial.rglob(file), None) for file in (STATE, OLD_STATE, "metrics.json", RESULT))


def check_resumable(config: Config, partial: Path, record: str, extension: Extension | None = None) -> None:
    """Raises Refusal if an interrupted run was started by another config, command or version of kzoo.

    A config that extends the run, as `extension` says, replaces that of the run.
    """
    remedy = "choose another --run NAME, or discard it with --overwrite."
    if old := next(partial.rglob(OLD_STATE), None):
        raise Refusal(f"{old} is the checkpoint of an earlier kzoo, which may hold code and is not read: {remedy}")
    if link := next((path for path in partial.rglob("*") if path.is_symlink()), None):
        raise Refusal(f"{link} is a link, which a run of kzoo does not have: {remedy}")
    if not (partial / record).is_file():
        raise Refusal(f"an interrupted run at {partial} is another command's: {remedy}")
    try:
        started_with = read_yaml(partial / record)
    except Refusal as refusal:
        raise Refusal(f"an interrupted run at {partial} cannot be resumed, because {refusal} Please {remedy}") from None
    changed = differences(started_with, resolved(config))
    allowed = () if extension is None else extension.changeable
    if extension and changed and all(each.startswith(allowed) for each in changed) and extension.fits(config, partial):
        write_atomically(partial / record, write_yaml(resolved(config)))
    elif changed:
        raise Refusal(
            f"an interrupted run at {partial} had another config: {'; '.join(changed)}. Use that config, {remedy}"
        )
    check_modules(partial)


def check_readable(config: Config, partial: Path) -> None:
    """Raises Refusal if one of the files that a resumed run reads is damaged."""
    for folder in seed_folders(config.training.seeds, partial):
        if (folder / "metrics.json").exists():
            read_metrics(folder / "metrics.json")
    for name in ("metrics.json", TRIAL_FILE, RESULT):
        for file in partial.glob(f"trials/**/{name}"):
            read_record(file)
    for file in partial.rglob(STATE):
        if not file.with_name("metrics.json").exists():
            Checkpoint(None, file)


def run_seeds(config: Config, partial: Path, name: str) -> Metrics:
    """Runs each seed that has not finished yet, and returns the run's metrics."""
    seeds = config.training.seeds
    if len(seeds) == 1:
        return finish_seed(config, seeds[0], partial, name)
    of_seeds = [finish_seed(config, seed, partial / f"seed_{seed}", f"{name} seed {seed}") for seed in seeds]
    metrics = summarize(config, of_seeds)
    write_atomically(partial / "README.md", seeds_card(name, metrics, result_rows(metrics)))
    write_atomically(partial / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    return metrics


def finish_seed(config: Config, seed: int, folder: Path, label: str) -> Metrics:
    """Returns the metrics of one seed, from its folder if an earlier process finished it."""
    finished = folder / "metrics.json"
    return read_metrics(finished) if finished.exists() else run_seed(config, seed, folder, label)


def summarize(config: Config, runs: Sequence[Metrics]) -> Metrics:
    """Returns the means over seeds, with the errors of each seed."""
    means: dict[str, Any] = {}
    for split in ("test", "train", "validation"):
        if split in runs[0]:
            means[split] = {key: mean([r[split][key] for r in runs]) for key in runs[0][split]}
            if "error" in means[split]:
                means[split]["errors"] = [r[split]["error"] for r in runs]
    shared: dict[str, Any] = {
        key: runs[0][key] for key in ("model", "data", "tasks", "published", "parameters") if key in runs[0]
    }
    return {
        **shared,
        **means,
        "epochs": max(r["epochs"] for r in runs),
        "steps": max(r["steps"] for r in runs),
        "seconds": round(float(np.mean([r["seconds"] for r in runs])), 2),
        "steps_per_second": round(float(np.mean([r["steps_per_second"] for r in runs])), 1),
        "last_epoch": _mean_speed([r.get("last_epoch") for r in runs]),
        "recipe": runs[0].get("recipe"),
        "export": summarize_exports([r["export"] for r in runs]),
        "seeds": config.training.seeds,
        "config_sha256": config_sha256(config),
        "versions": versions(),
    }


def _mean_speed(speeds):
    """Returns the means of the entries "last_epoch", None if a seed was finished by an earlier version without it."""
    return {key: mean([each[key] for each in speeds]) for key in speeds[0]} if all(speeds) else None


def summarize_exports(exports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns the largest differences of the exports of several seeds: of all formats, and of each.

    >>> summarize_exports([{"max_difference": None, "formats": {}}, {"max_difference": None, "formats": {}}])
    {'max_difference': None, 'formats': {}}
    """

    def largest(entries):
        return {
            "max_difference": max(
                (e["max_difference"] for e in entries if e["max_difference"] is not None), default=None
            )
        }

    of_formats = [export.get("formats", {}) for export in exports]
    return {**largest(exports), "formats": {name: largest([f[name] for f in of_formats]) for name in of_formats[0]}}


def mean(values: Sequence[float | None]) -> float | None:
    """Returns the mean, None if one of the values is None: a metric that is not a number.

    >>> mean([1, 2]), mean([1, None])
    (1.5, None)
    """
    return None if None in values else float(np.mean(values))  # type: ignore[arg-type]


def print_finished(title: str, folder: Path, metrics: Metrics) -> None:
    """Prints the results of a finished run and where they are."""
    print_results(title, metrics)
    say(f"Written to {folder}/: " + ", ".join(sorted(path.name for path in folder.iterdir())))
