"""The trials of a search: which trial a worker gets next, and what happens to its result.

The folder of a trial has `trial.json` from its start and `result.json` from its end. trial.json also contains the ask
and tell calls to the oracle since the previous trial started. Replayed in that order, they make the new oracle of a
resumed search propose the same trials, in whatever order these finished.
"""

import collections
import dataclasses
import json
import secrets
import threading
import time
from pathlib import Path
from typing import Any

from kzoo.checks import Refusal
from kzoo.files import write_atomically
from kzoo.json_record import read_record
from kzoo.terminal import say
from kzoo.training.run import RESULT, TRIAL_FILE
from kzoo.tuning.hyperparameters import baseline_values
from kzoo.tuning.oracle import ask, build_oracle, tell
from kzoo.tuning.report import best_trial, write_trials
from kzoo.tuning.trial import read_result, run_trial

TRIAL_KEYS = ("trial", "values", "epochs")  # the keys of trial.json that are also in result.json
PARENT, LOG = "past", "since"  # the other keys: the parent trial's number; the calls since the previous trial started
PLANNED = "planned"  # in the first trial.json: for how many trials the oracle was made
MAX_REPEATS = 20  # repeated proposals in a row after which the search space counts as exhausted
MAX_WORKER_DEATHS = 3  # in one trial


@dataclasses.dataclass
class Lease:
    """A worker's lease on a trial: lease id, content of trial.json, worker, time of the last heartbeat."""

    id: str
    trial: dict
    worker: str
    last_heartbeat: float = dataclasses.field(default_factory=time.monotonic)


class Trials:
    """The trials of a search and their files in `folder`; public methods may be called from several threads.

    Attributes: started, the content of each trial.json in order; results, {number: result} of finished trials; leases,
    {id: Lease} of running trials.
    Raises Refusal if a file is damaged, or if a trial on disk is not what the oracle proposes.
    """

    def __init__(self, config, folder, name):
        self.config, self.search, self.folder, self.name = config, config.search, Path(folder), name
        self.started, self.results = _read_started(self.folder), _read_results(self.folder)
        # an extended search goes on with the oracle that it was started with
        planned = self.started[0].get(PLANNED) if self.started else None
        self.oracle, self.lock = build_oracle(config, planned or self.search.trials), threading.RLock()
        for number, result in self.results.items():
            trial = self.started[number] if number < len(self.started) else {}
            if any(result[key] != trial.get(key) for key in TRIAL_KEYS):
                raise _mismatch(self.folder / f"{number:04d}", result["values"], trial.get("values", "a started trial"))
        self.waiting = [trial for trial in self.started if trial["trial"] not in self.results]
        self.leases, self._deaths = {}, collections.Counter()
        self._numbers = {}  # {Proposal.key: number of the trial}
        self._oracle_numbers = {}  # {id of the oracle's trial: number of the trial}
        self._untold = collections.defaultdict(list)  # {number: the oracle's trials that wait for its result}
        self._log, self._told = [], set()  # the ask and tell calls since the last trial started; the numbers told
        self._replayed, self._exhausted = 0, False
        self._start_time, self._finished_now = time.perf_counter(), 0

    def acquire(self, worker):
        """Returns a `Lease` on the next trial, or None if there is none now, or none at all (`all_finished`)."""
        with self.lock:
            trial = self.waiting.pop(0) if self.waiting else self._next_trial()
            if trial is None:
                return None
            lease = Lease(f"{trial['trial']:04d}-{secrets.token_hex(4)}", trial, worker)
            self.leases[lease.id] = lease
            return lease

    def heartbeat(self, lease_id):
        """Renews a lease; returns False if it has expired."""
        with self.lock:
            if lease_id in self.leases:
                self.leases[lease_id].last_heartbeat = time.monotonic()
            return lease_id in self.leases

    def finish(self, lease_id):
        """Ends a lease and reads the result of its trial; does nothing if the lease has expired."""
        with self.lock:
            lease = self.leases.get(lease_id)
            if lease is None:
                return
            number = lease.trial["trial"]
            if (self.folder / f"{number:04d}" / RESULT).exists():
                del self.leases[lease_id]
                self._add_result(number)
            else:
                self.expire(lease_id, "its result is not in its folder.")

    def abort(self, lease_id, refusal):
        """Ends a lease without a result, because the search has to stop; the worker then raises `refusal`."""
        with self.lock:
            self.waiting.append(self.leases.pop(lease_id).trial)

    def expire(self, lease_id, reason):
        """Ends a lost worker's lease; its trial is run again, or fails if it has lost MAX_WORKER_DEATHS workers."""
        with self.lock:
            trial = self.leases.pop(lease_id).trial
            number = trial["trial"]
            self._deaths[number] += 1
            if self._deaths[number] < MAX_WORKER_DEATHS:
                self.waiting.append(trial)
                say(f"{self.name}: trial {number} is run again: {reason}")
                return
            failure = Refusal(f"{MAX_WORKER_DEATHS} workers died of it: {reason}")
            facts = {key: trial[key] for key in TRIAL_KEYS}
            run_trial(failure, facts, self.folder / f"{number:04d}", self.name, self.search)
            self._add_result(number)

    def all_finished(self):
        """Returns whether no trial is running and none is left to start."""
        with self.lock:
            if not self.leases and not self.waiting:
                self.waiting += filter(None, [self._next_trial()])
            return not self.leases and not self.waiting

    def sorted_results(self):
        """Returns the results of the finished trials in the order of their numbers."""
        with self.lock:
            return [self.results[number] for number in sorted(self.results)]

    def _add_result(self, number):
        self.results[number] = result = read_result(self.folder / f"{number:04d}")
        self._finished_now += 1
        if self._replayed == len(self.started):
            self._tell(number)
        write_trials(self.sorted_results(), self.search, self.folder.parent / "trials.csv")
        self._print_progress(result)

    def _next_trial(self):
        """Starts a trial; returns None if none may start, or if the oracle waits for results."""
        hours, seconds = self.search.hours, sum(result["seconds"] for result in self.results.values())
        in_time = hours is None or seconds < hours * 3600
        if not self._replay() or not in_time or len(self.started) >= self.search.trials or self._exhausted:
            return None
        if not self.started:
            return self._start(self._baseline())
        for _ in range(MAX_REPEATS):
            proposal = self._ask()
            if proposal is None or proposal.key not in self._numbers:
                return proposal and self._start(proposal)
            number = self._register_repeat(proposal)
            if number in self.results:
                self._tell(number)
        self._exhausted = True
        return None

    def _start(self, proposal):
        number = len(self.started)
        trial = {"trial": number, "values": proposal.values, "epochs": proposal.epochs}
        trial |= {PARENT: proposal.parent, LOG: self._log}
        if not self.started:
            trial[PLANNED] = self.search.trials
        folder = self.folder / f"{number:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / TRIAL_FILE, json.dumps(trial, indent=2) + "\n")
        self.started.append(trial)
        self._register(proposal, number)
        return trial

    def _register(self, proposal, number):
        """Notes that a proposal was started as this trial."""
        self._numbers[proposal.key] = number
        if proposal.oracle_trial is not None:
            self._untold[number].append(proposal.oracle_trial)
            self._oracle_numbers[proposal.oracle_trial.trial_id] = number
        self._log, self._replayed = [], self._replayed + 1

    def _register_repeat(self, proposal):
        """Notes that the oracle proposed an earlier trial again; returns that trial's number."""
        number = self._numbers[proposal.key]
        self._untold[number].append(proposal.oracle_trial)
        self._oracle_numbers[proposal.oracle_trial.trial_id] = number
        self._log.append(["ask", number])
        return number

    def _tell(self, number):
        for trial in self._untold.pop(number, []):
            tell(self.oracle, trial, self.results[number]["objective"], self.results[number]["reason"])
        self._told.add(number)
        self._log.append(["tell", number])

    def _ask(self):
        proposed = ask(self.oracle, self.config, worker=secrets.token_hex(8))
        if proposed is None:
            return None
        trial, values, epochs, parent = proposed
        parent = None if parent is None else self._oracle_numbers[parent]
        return Proposal(values, epochs or self._default_epochs(), parent, trial)

    def _baseline(self):
        """Returns the proposal of trial 0: the config's own values."""
        return Proposal(baseline_values(self.config), self._default_epochs())

    def _default_epochs(self):
        """Returns the epochs of a trial for which the oracle proposes none; None if they are in the search space."""
        epochs = self.search.max_epochs or self.config.training.epochs
        return None if "training.epochs" in self.search.space else epochs

    def _replay(self):
        """Replays the recorded ask/tell log into the oracle; returns False if a logged result must be recomputed."""
        if self._replayed == len(self.started):
            return True
        while self._replayed < len(self.started):
            trial = self.started[self._replayed]
            for call, number in trial[LOG][len(self._log) :]:
                if call == "ask":
                    self._replay_ask(self.started[number])
                elif number in self.results:
                    self._tell(number)
                else:
                    return False
            self._replay_ask(trial)
        for number in sorted(self.results.keys() - self._told):
            self._tell(number)
        return True

    def _replay_ask(self, trial):
        """Asks the oracle for a trial that it proposed before. Raises Refusal if it proposes another one."""
        number, repeat = trial["trial"], trial["trial"] < self._replayed
        proposal = self._ask() if number or repeat else self._baseline()
        if proposal is None or proposal.key != Proposal(trial["values"], trial["epochs"]).key:
            raise _mismatch(self.folder / f"{number:04d}", trial["values"], proposal and proposal.values)
        if repeat:
            self._register_repeat(proposal)
        else:
            self._register(proposal, number)

    def _print_progress(self, result):
        search, left = self.search, self.search.trials - len(self.results)
        value = f"{search.objective} {result['objective']:.4f}" if result["reason"] is None else result["reason"]
        best = best_trial(self.sorted_results(), search)
        best_text = f"; best {best['objective']:.4f}, trial {best['trial']}" if best else ""
        minutes = (time.perf_counter() - self._start_time) / self._finished_now * left / 60
        say(f"{self.name}: trial {result['trial']}, {left} left: {value}{best_text}; about {minutes:.1f} min to go")


@dataclasses.dataclass
class Proposal:
    """A proposed trial: its values, epochs, parent trial (whose training it continues) and KerasTuner's trial."""

    values: dict
    epochs: int | None
    parent: int | None = None
    oracle_trial: Any = None

    @property
    def key(self):
        """A text that is equal for equal trials."""
        return json.dumps([self.values, self.epochs], sort_keys=True)


def _read_started(folder):
    """Returns the content of all trial.json files in order."""
    started: list[dict] = []
    remedy = "delete its folder and the later ones, and the same command runs these trials again"

    def check(trial):
        if {*TRIAL_KEYS, PARENT, LOG} - trial.keys() or trial["trial"] != len(started):
            raise ValueError(f"it does not belong to trial {len(started)}")

    for file in sorted(folder.glob(f"*/{TRIAL_FILE}")):
        started.append(read_record(file, check, remedy))
    return started


def _read_results(folder):
    return {int(file.parent.name): read_result(file.parent) for file in sorted(folder.glob(f"*/{RESULT}"))}


def _mismatch(folder, found, expected):
    return Refusal(
        f"{folder} is a trial of {found}, not of {expected}: earlier results were deleted, or KerasTuner's version "
        "differs. Delete it and the later ones, and the same command runs them again."
    )
