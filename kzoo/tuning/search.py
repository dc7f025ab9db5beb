"""A search: trials one after another, each on disk when it ends, then the best setting trained like any run.

Started again, a search asks a new oracle and answers with the results on disk, until it comes to the trial that has
none: so it ends with the trials of an undisturbed search, whatever killed it.

Source: none.
"""

import json
import time

from kzoo.checks import Refusal, nearest
from kzoo.models.registry import describe
from kzoo.training import run as runs
from kzoo.training.config import resolved
from kzoo.training.report import say
from kzoo.training.run import RESULT
from kzoo.training.seed_run import STATE
from kzoo.tuning.oracle import ask, build_oracle, tell
from kzoo.tuning.report import best_of, report, write_csv
from kzoo.tuning.space import extremes, own_values, trial_config, with_values
from kzoo.tuning.trial import check_in_child, read_record, run_trial

RECORD = "search.yaml"  # the config that a search was begun with
REPEATS = 20  # settings proposed again, in a row, after which a space is taken for exhausted


def search(config, name, out="saved_models", overwrite=False):
    """Search as `config.search` says, then train the best setting as the config says; returns (folder, metrics).

    The folder is as of `run`, with `trials.csv`, plots and `trials/` besides; `search.yaml` is the config begun with.
    Errors: Refusal as of `run`; if the config has no search, its space does not fit it, or every trial failed.
    """
    if config.search is None:
        raise Refusal("the config has no search: write which settings to try, as docs/configs.md says.")
    return runs.run(config, name, out, overwrite, work=_search_and_train, record=RECORD)


def _search_and_train(config, folder, name):
    check_space(config, folder)
    records = run_trials(config, folder / "trials", name)
    best = best_of(records, config.search)
    report(config, folder, name)
    if best is None:
        reasons = "; ".join(dict.fromkeys(record["reason"] for record in records))
        raise Refusal(f"all {len(records)} trials failed: {reasons[:300]}. Start anew with --overwrite.")
    say(f"{name}: training the setting of trial {best['trial']} on all examples")
    chosen = with_values(config, best["values"], name).model_copy(update={"search": None})
    metrics = runs.run_seeds(chosen, folder, name)
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


def run_trials(config, folder, name):
    """The records of a search's trials, in order; those that are done already are read."""
    search, oracle = config.search, build_oracle(config)
    most = search.max_epochs or config.training.epochs
    state = Trials(config, folder, name)
    state.take(own_values(config), None if "training.epochs" in search.space else most)
    numbers, repeats = {}, 0  # KerasTuner's ids to ours, which count what is trained
    while state.wanted() and repeats < REPEATS:
        proposed = ask(oracle, config)
        if proposed is None:
            break
        trial, values, epochs, past = proposed
        before = len(state.records)
        record = state.take(values, epochs or (None if "training.epochs" in search.space else most), numbers.get(past))
        repeats = repeats + 1 if len(state.records) == before else 0
        numbers[trial.trial_id] = record["trial"]
        tell(oracle, trial, record["objective"], record["reason"])
    return state.records


class Trials:
    """The trials of a search so far. Attributes: records, one a setting, in order."""

    def __init__(self, config, folder, name):
        self.config, self.folder, self.name = config, folder, name
        self.records, self._known = [], {}
        self._began, self._trained = time.perf_counter(), 0

    def wanted(self):
        """Whether another trial may begin."""
        hours, spent = self.config.search.hours, sum(record["seconds"] for record in self.records)
        return len(self.records) < self.config.search.trials and (hours is None or spent < hours * 3600)

    def take(self, values, epochs, past=None):
        """The record of a setting: known, on disk, or of a trial that is run now."""
        key = json.dumps([values, epochs], sort_keys=True)
        if key in self._known:
            return self._known[key]
        number = len(self.records)
        trial = {"trial": number, "values": values, "epochs": epochs}
        folder = self.folder / f"{number:04d}"
        if (folder / RESULT).exists():
            record = read_record(folder)
            if any(record[what] != trial[what] for what in trial):
                raise Refusal(
                    f"{folder} is a trial of {record['values']}, not of {values}: results before it were deleted or "
                    "KerasTuner is another. Delete it and those after it, and the same command runs them again."
                )
        else:
            record = self._run(trial, folder, past)
        self._known[key] = record
        self.records.append(record)
        write_csv(self.records, self.config.search, self.folder.parent / "trials.csv")
        return record

    def _run(self, trial, folder, past):
        search, label = self.config.search, f"{self.name} trial {trial['trial']}"
        epochs = {} if trial["epochs"] is None else {"training.epochs": trial["epochs"]}
        try:
            config = trial_config(self.config, {**trial["values"], **epochs}, label)
        except Refusal as refusal:
            config = refusal
        past = None if past is None else self.folder / f"{past:04d}"
        record = run_trial(config, trial, folder, label, search, past)
        self._trained += 1
        self._say(record)
        return record

    def _say(self, record):
        search = self.config.search
        ended = f"{search.objective} {record['objective']:.4f}" if record["reason"] is None else record["reason"]
        best = best_of([*self.records, record], search)
        told = f"; best {best['objective']:.4f}, trial {best['trial']}" if best else ""
        left = search.trials - record["trial"] - 1
        minutes = (time.perf_counter() - self._began) / self._trained * left / 60
        say(f"{self.name}: trial {record['trial']}, {left} left: {ended}{told}; about {minutes:.1f} min to go")
