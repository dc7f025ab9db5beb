"""A run: one config, one or several seeds, one folder that is whole or absent.

Source: none.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np

from kzoo.checks import Refusal, require
from kzoo.files import file_lock, write_atomically
from kzoo.terminal import say
from kzoo.training import report
from kzoo.training.config import config_sha256, differences, resolved
from kzoo.training.seed_run import STATE, policy, run_seed, versions
from kzoo.training.yaml_file import read_yaml, write_yaml

RESULT = "result.json"  # of a search's trial


def run(config, name, out="saved_models", overwrite=False, work=None, record="config.yaml"):
    """Train as `config` says into `out/name/`; returns (folder, metrics).

    The work is done in `out/.name.partial/` and renamed when complete. Started again after an interruption it goes
    on from the last period. With several seeds each has a folder `seed_N`, and metrics.json their summary.
    `work(config, folder, name)` does it and returns the metrics, `run_seeds` unless another is given; `record` is the
    file that remembers the config it was begun with.
    Errors: ValueError if the run is finished and `overwrite` is false, if another process works on it, or if an
    interrupted run was begun with another config; the message says what changed.
    """
    plain = name and Path(name).name == name and not name.startswith(".") and name.isprintable()
    require(plain, "run", "a plain name", name=name)
    if work is None:
        config = config.model_copy(update={"search": None})  # it does not change how to train
    out = Path(out)
    final, partial, old = out / name, out / f".{name}.partial", out / f".{name}.old"
    out.mkdir(parents=True, exist_ok=True)
    taken = f"another process is training {name!r} here; choose another --run NAME."
    with file_lock(out / f".{name}.lock", taken):
        if old.exists():  # killed while one run took another's place
            shutil.rmtree(old) if final.exists() else os.replace(old, final)
        if final.exists() and not overwrite:
            raise Refusal(f"{final} is a finished run: choose another --run NAME or --out DIR, or --overwrite it.")
        if final.exists() and not (final / "metrics.json").is_file():
            raise Refusal(
                f"{final} is no run of kzoo, so it is not overwritten: choose another --run NAME or --out DIR."
            )
        begin(config, partial, overwrite, record)
        try:
            with policy(config.training):
                metrics = (work or run_seeds)(config, partial, name)
        except Refusal:
            if not trained(partial):
                shutil.rmtree(partial)
            raise
        if final.exists():
            os.replace(final, old)
        os.replace(partial, final)
        shutil.rmtree(old, ignore_errors=True)
    return final, metrics


def begin(config, partial, overwrite, record="config.yaml"):
    """Make the partial folder, or find it begun with the same config."""
    begun = partial / record
    if trained(partial):
        same_command = begun.is_file()
        changed = differences(read_yaml(begun), resolved(config)) if same_command else ["it was another command's"]
        if changed and not overwrite:
            raise Refusal(
                f"an interrupted run at {partial} had another config: {'; '.join(changed)}. "
                "Start it as it was, choose another --run NAME, or give it up with --overwrite."
            )
        if not changed:
            return
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir()
    write_atomically(begun, write_yaml(resolved(config)))


def trained(partial):
    """Whether an interrupted run has anything that is worth going on with."""
    return any(next(partial.rglob(file), None) for file in (STATE, "metrics.json", RESULT))


def run_seeds(config, partial, name):
    """Each seed's run, those that are whole left as they are; returns the run's metrics."""
    seeds = config.training.seeds
    if len(seeds) == 1:
        return whole_seed(config, seeds[0], partial, name)
    found = [whole_seed(config, seed, partial / f"seed_{seed}", f"{name} seed {seed}") for seed in seeds]
    metrics = summary(config, found)
    write_atomically(
        partial / "README.md", f"# {name}\n\nOne run a seed; `metrics.json` holds means and each seed's figures.\n"
    )
    write_atomically(partial / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    return metrics


def whole_seed(config, seed, folder, label):
    """One seed's metrics: those that an earlier process finished with, or else a run's."""
    done = folder / "metrics.json"
    if not done.exists():
        return run_seed(config, seed, folder, label)
    (folder / STATE).unlink(missing_ok=True)
    return json.loads(done.read_text())


def summary(config, runs):
    """Means over the seeds, and each seed's errors beside them."""
    means = {}
    for split in ("test", "train", "validation"):
        if split in runs[0]:
            means[split] = {key: float(np.mean([r[split][key] for r in runs])) for key in runs[0][split]}
            means[split]["errors"] = [r[split]["error"] for r in runs]
    shared = {key: runs[0][key] for key in ("model", "data", "published", "parameters")}
    return {
        **shared,
        **means,
        "epochs": max(r["epochs"] for r in runs),
        "steps": max(r["steps"] for r in runs),
        "seconds": round(float(np.mean([r["seconds"] for r in runs])), 2),
        "steps_per_second": round(float(np.mean([r["steps_per_second"] for r in runs])), 1),
        "export": {"max_difference": max((r["export"]["max_difference"] or 0.0) for r in runs)},
        "seeds": config.training.seeds,
        "config_sha256": config_sha256(config),
        "versions": versions(),
    }


def finished(title, folder, metrics):
    """Tell the person how the run ended."""
    report.print_table(title, metrics)
    say(f"Written to {folder}/: saved_model, model.keras, history.png, README.md")
