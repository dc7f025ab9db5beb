"""A search: trials, each on disk when it ends, then the best setting trained like any run.

Started again, a search asks a new oracle and answers with the results on disk, until it comes to the trials that have
none: so it ends with the trials of an undisturbed search, whatever killed it.

Source: none.
"""

import functools
from pathlib import Path

from kzoo.checks import Refusal, is_integer, nearest, require
from kzoo.models.registry import describe
from kzoo.terminal import say
from kzoo.training import run as runs
from kzoo.training.config import differences, resolved
from kzoo.training.seed_run import STATE
from kzoo.training.yaml_file import read_yaml
from kzoo.tuning.chief import lead, role
from kzoo.tuning.hyperparameters import chosen, extremes
from kzoo.tuning.report import best_of, report
from kzoo.tuning.trial import check_in_child
from kzoo.tuning.trials import Trials
from kzoo.tuning.worker import Chief, work

RECORD = "search.yaml"  # the config that a search was begun with


def search(config, name, out="saved_models", overwrite=False, workers=None):
    """Search as `config.search` says, then train the best setting as the config says; returns (folder, metrics).

    The folder is as of `run`, with `trials.csv`, plots and `trials/` besides; `search.yaml` is the config begun with.
    `workers` processes of this machine run trials, one by default. Where KerasTuner's variables are set in the
    environment (docs/searches.md) this process is the chief, by default without workers of its own, or a worker that
    runs trials until none is left and returns None.
    Errors: Refusal as of `run`; if the config has no search, its space does not fit it, or every trial failed.
    """
    place = role()
    if config.search is None:
        raise Refusal("the config has no search: write which settings to try, as docs/configs.md says.")
    workers = (0 if place else 1) if workers is None else workers
    require(is_integer(workers, 0 if place else 1), "search", "workers, an integer above 0", workers=workers)
    if place and not place.leads:
        return help_search(config, name, out, place)
    whole = functools.partial(_search_and_train, workers=workers, place=place)
    return runs.run(config, name, out, overwrite, work=whole, record=RECORD)


def _search_and_train(config, folder, name, workers, place):
    check_space(config, folder)
    records = run_trials(config, folder / "trials", name, workers, place)
    best = best_of(records, config.search)
    report(config, folder, name)
    if best is None:
        reasons = "; ".join(dict.fromkeys(record["reason"] for record in records))
        raise Refusal(f"all {len(records)} trials failed: {reasons[:300]}. Start anew with --overwrite.")
    say(f"{name}: training the setting of trial {best['trial']} on all examples")
    metrics = runs.run_seeds(chosen(config, best["values"], name), folder, name)
    for state in (folder / "trials").rglob(STATE):
        state.unlink()
    return metrics


def check_space(config, folder):
    """Refuse what can be known to be wrong before anything is trained: unknown paths, values that nothing takes."""
    known = describe(config.model.name)["settings"]
    for path in config.search.space:
        part, key, *_ = path.split(".")
        if part == "model" and key not in known:
            near = nearest(key, known)
            raise Refusal(f"search.space.{path}: model {config.model.name!r} has no setting {key!r}; {near}")
    changed = [(f"search.space.{path}", resolved(tried)) for path, tried in extremes(config)]
    check_in_child([("search", resolved(config)), *changed], folder)


def run_trials(config, folder, name, workers=1, place=None):
    """The records of a search's trials, in order; those that are done already are read."""
    folder.mkdir(parents=True, exist_ok=True)
    trials = Trials(config, folder, name)
    if place is None and workers == 1:
        work(trials, config, folder, name)
    else:
        lead(trials, config, workers, *([place.host, place.port] if place else []))
    return trials.sorted()


def help_search(config, name, out, place):
    """Be a worker of a search that another process, perhaps on another machine, leads."""
    folder = Path(out) / f".{name}.partial"
    chief = Chief(place.address, folder / "trials")
    say(f"{name}: {place.id} asks the chief at {place.address} for trials")
    chief.wait()
    if not (folder / RECORD).is_file():
        raise Refusal(f"{folder / RECORD} is missing: chief and workers need one folder, by --out, that they share.")
    changed = differences(read_yaml(folder / RECORD), resolved(config))
    if changed:
        raise Refusal(f"the search at {folder} has another config: {'; '.join(changed)}.")
    work(chief, config, folder / "trials", name, place.id)
