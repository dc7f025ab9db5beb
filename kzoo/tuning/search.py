"""A search: runs its trials, then trains the best values like any run.

Each trial's result is on disk when it ends. A resumed search repeats the recorded calls to the oracle with these
results (`kzoo.tuning.trials`), so that it continues with the trials that an uninterrupted search would have run.
"""

import functools
from pathlib import Path

from kzoo.checks import Refusal, is_integer, nearest, require
from kzoo.config.comparison import differences
from kzoo.config.config import resolved
from kzoo.config.yaml_file import read_yaml
from kzoo.models.registry import describe
from kzoo.terminal import say
from kzoo.training import run as runs
from kzoo.training.callback_paths import place_callbacks
from kzoo.training.checkpoint import STATE
from kzoo.training.extension import SEARCH_FILE
from kzoo.tuning.chief import read_role, serve_trials
from kzoo.tuning.extension import OF_SEARCH, reuse_final_run
from kzoo.tuning.hyperparameters import boundary_configs, run_config
from kzoo.tuning.report import best_trial, write_report
from kzoo.tuning.trial import check_configs_in_process
from kzoo.tuning.trials import Trials
from kzoo.tuning.worker import ChiefClient, run_worker
from kzoo.user_modules import check_modules


def search(config, name, out="saved_models", overwrite=False, workers=None):
    """Searches as `config.search` says, then trains the best values like a run; returns (folder, metrics).

    The folder is that of a run, with `trials.csv`, plots, `trials/` and the search's config `search.yaml`.
    A finished search is extended if the config has more trials; it stays until the longer one is complete.
    `workers` local processes run trials, 1 by default. If KerasTuner's environment variables are set
    (docs/searches.md), this process is either the chief, by default without local workers, or a worker, which runs
    trials until none is left and returns None.
    Raises Refusal as `run` does, or if the config has no valid search, or if every trial failed.
    """
    role = read_role()
    if config.search is None:
        raise Refusal("the config has no search: add one with the settings to search, see docs/configs.md.")
    workers = (0 if role else 1) if workers is None else workers
    require(is_integer(workers, 0 if role else 1), "search", "workers, an integer above 0", workers=workers)
    if role and not role.is_chief:
        return join_search(config, name, out, role)
    work = functools.partial(_search_and_train, workers=workers, role=role)
    return runs.run(config, name, out, overwrite, work=work, record=SEARCH_FILE, extension=OF_SEARCH)


def _search_and_train(config, folder, name, workers, role):
    check_search_space(config, folder)
    results = run_trials(config, folder / "trials", name, workers, role)
    best = best_trial(results, config.search)
    write_report(config, folder, name)
    if best is None:
        reasons = "; ".join(dict.fromkeys(result["reason"] for result in results))
        raise Refusal(f"all {len(results)} trials failed: {reasons[:300]}. Start again with --overwrite.")
    chosen = run_config(config, best["values"], name)
    if reuse_final_run(chosen, folder):
        say(f"{name}: trial {best['trial']} is still the best, and its run stays as it is")
    else:
        say(f"{name}: training the values of trial {best['trial']} on all training examples")
    metrics = runs.run_seeds(chosen, folder, name)
    for state in (folder / "trials").rglob(STATE):
        state.unlink()
    return metrics


def check_search_space(config, folder):
    """Raises Refusal, before any training, if a setting does not exist or a value is invalid."""
    known = describe(config.model.name)["settings"]
    for path in config.search.space:
        part, key, *_ = path.split(".")
        if part == "model" and key not in known:
            near = nearest(key, known)
            raise Refusal(f"search.space.{path}: model {config.model.name!r} has no setting {key!r}; {near}")
    changed = [(f"search.space.{path}", resolved(boundary)) for path, boundary in boundary_configs(config)]
    check_configs_in_process([("search", resolved(config)), *changed], folder)


def run_trials(config, folder, name, workers=1, role=None):
    """Returns the results of a search's trials in order; runs those that are not finished."""
    folder.mkdir(parents=True, exist_ok=True)
    trials = Trials(config, folder, name)
    if role is None and workers == 1:
        run_worker(trials, config, folder, name)
    else:
        serve_trials(trials, config, workers, *([role.host, role.port] if role else []))
    return trials.sorted_results()


def join_search(config, name, out, role):
    """Runs trials of a search whose chief is another process, perhaps on another machine."""
    folder = Path(out) / f".{name}.partial"
    place_callbacks(config, folder)  # raises here and not as a failure of each trial
    chief = ChiefClient(role.address, folder / "trials")
    say(f"{name}: {role.id} connects to the chief at {role.address}")
    chief.connect()
    if not (folder / SEARCH_FILE).is_file():
        raise Refusal(f"{folder / SEARCH_FILE} is missing: chief and workers need one shared folder, given by --out.")
    changed = differences(read_yaml(folder / SEARCH_FILE), resolved(config))
    if changed:
        raise Refusal(f"the search at {folder} has another config: {'; '.join(changed)}.")
    check_modules(folder)
    run_worker(chief, config, folder / "trials", name, role.id)
