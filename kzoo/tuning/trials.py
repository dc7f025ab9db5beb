"""The trials of a search: which is given out next, and what becomes of it.

A trial's folder has `trial.json` from when it is begun, and `result.json` from its end. The first also says what the
oracle was asked and told since the trial before, so that a search that goes on can ask a new oracle the same in the
same order, whoever finished first, and comes to the same trials.

Source: none.
"""

import collections
import dataclasses
import json
import secrets
import threading
import time
from pathlib import Path

from kzoo.checks import Refusal
from kzoo.files import write_atomically
from kzoo.terminal import say
from kzoo.training.run import RESULT
from kzoo.tuning.hyperparameters import own_values
from kzoo.tuning.oracle import ask, build_oracle, tell
from kzoo.tuning.report import best_of, write_csv
from kzoo.tuning.trial import read_record, run_trial

BEGUN = "trial.json"
FACTS = ("trial", "values", "epochs")  # of a trial: its number, settings and periods
REPEATS = 20  # settings proposed again, in a row, after which a space is taken for exhausted
ATTEMPTS = 3  # workers that may die of one trial


@dataclasses.dataclass
class Given:
    """A trial that a worker runs: an id of this one time, what trial.json holds, who runs it, when it was last seen."""

    id: str
    trial: dict
    worker: str
    seen: float = dataclasses.field(default_factory=time.monotonic)


class Trials:
    """The trials of a search, those on disk with them; what is public may be called from several threads.

    Attributes: begun, what is known of each trial, in order; records, {number: record} of those that ended; given,
    {id: Given} of those that somebody runs.
    Errors: Refusal if what is on disk is damaged, or is not what the oracle proposes.
    """

    def __init__(self, config, folder, name):
        self.config, self.search, self.folder, self.name = config, config.search, Path(folder), name
        self.oracle, self.lock = build_oracle(config), threading.RLock()
        self.begun, self.records = _read_begun(self.folder), _read_records(self.folder)
        for number, record in self.records.items():
            begun = self.begun[number] if number < len(self.begun) else {}
            if any(record[what] != begun.get(what) for what in FACTS):
                raise _another(self.folder / f"{number:04d}", record["values"], begun.get("values", "any begun"))
        self.waiting = [trial for trial in self.begun if trial["trial"] not in self.records]
        self.given, self._deaths = {}, collections.Counter()
        self._known, self._numbers, self._asked = {}, {}, collections.defaultdict(list)
        self._since, self._told, self._replayed, self._exhausted = [], set(), 0, False
        self._started, self._trained = time.perf_counter(), 0

    def give(self, worker):
        """A `Given` for `worker` to run; None if there is none at the moment, or, where all is `finished`, at all."""
        with self.lock:
            trial = self.waiting.pop(0) if self.waiting else self._propose()
            if trial is None:
                return None
            given = Given(f"{trial['trial']:04d}-{secrets.token_hex(4)}", trial, worker)
            self.given[given.id] = given
            return given

    def seen(self, given_id):
        """Note that a trial is still run; False if it is no longer whose who says so."""
        with self.lock:
            if given_id in self.given:
                self.given[given_id].seen = time.monotonic()
            return given_id in self.given

    def end(self, given_id):
        """Take up the result of a trial that was given; if it was given to another since, that one's will come."""
        with self.lock:
            given = self.given.get(given_id)
            if given is None:
                return
            number = given.trial["trial"]
            if (self.folder / f"{number:04d}" / RESULT).exists():
                del self.given[given_id]
                self._record(number)
            else:
                self.lose(given_id, "its result is not in its folder.")

    def refuse(self, given_id, refusal):
        """A worker of this process cannot go on with the search: the trial waits, and the worker raises the refusal."""
        with self.lock:
            self.waiting.append(self.given.pop(given_id).trial)

    def lose(self, given_id, why):
        """Give a trial out again whose worker is gone; when too many are gone of it, it is a failed one."""
        with self.lock:
            trial = self.given.pop(given_id).trial
            number = trial["trial"]
            self._deaths[number] += 1
            if self._deaths[number] < ATTEMPTS:
                self.waiting.append(trial)
                say(f"{self.name}: trial {number} is given out again: {why}")
                return
            failed, facts = Refusal(f"{ATTEMPTS} workers died of it: {why}"), {what: trial[what] for what in FACTS}
            run_trial(failed, facts, self.folder / f"{number:04d}", self.name, self.search)
            self._record(number)

    def finished(self):
        """Whether no trial is run, and none is left to give."""
        with self.lock:
            if not self.given and not self.waiting:
                self.waiting += filter(None, [self._propose()])
            return not self.given and not self.waiting

    def sorted(self):
        """The records, by number."""
        with self.lock:
            return [self.records[number] for number in sorted(self.records)]

    def _record(self, number):
        self.records[number] = record = read_record(self.folder / f"{number:04d}")
        self._trained += 1
        if self._replayed == len(self.begun):
            self._tell(number)
        write_csv(self.sorted(), self.search, self.folder.parent / "trials.csv")
        self._say(record)

    def _propose(self):
        """A trial that is begun now; None if none may be, or if the oracle waits for the end of others."""
        hours, spent = self.search.hours, sum(record["seconds"] for record in self.records.values())
        in_time = hours is None or spent < hours * 3600
        if not self._replay() or not in_time or len(self.begun) >= self.search.trials or self._exhausted:
            return None
        if not self.begun:
            return self._begin(Proposal(own_values(self.config), self._most()))
        for _ in range(REPEATS):
            proposal = self._ask()
            if proposal is None or proposal.key not in self._known:
                return proposal and self._begin(proposal)
            number = self._repeat(proposal)
            if number in self.records:
                self._tell(number)
        self._exhausted = True
        return None

    def _begin(self, proposal):
        number = len(self.begun)
        trial = {"trial": number, "values": proposal.values, "epochs": proposal.epochs}
        trial |= {"past": proposal.past, "since": self._since}
        folder = self.folder / f"{number:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / BEGUN, json.dumps(trial, indent=2) + "\n")
        self.begun.append(trial)
        self._note(proposal, number)
        return trial

    def _note(self, proposal, number):
        """A trial of the oracle's proposal is begun, or was."""
        self._known[proposal.key] = number
        if proposal.asked is not None:
            self._asked[number].append(proposal.asked)
            self._numbers[proposal.asked.trial_id] = number
        self._since, self._replayed = [], self._replayed + 1

    def _repeat(self, proposal):
        """The number of the trial whose setting the oracle proposed once more."""
        number = self._known[proposal.key]
        self._asked[number].append(proposal.asked)
        self._numbers[proposal.asked.trial_id] = number
        self._since.append(["ask", number])
        return number

    def _tell(self, number):
        for trial in self._asked.pop(number, []):
            tell(self.oracle, trial, self.records[number]["objective"], self.records[number]["reason"])
        self._told.add(number)
        self._since.append(["tell", number])

    def _ask(self):
        proposed = ask(self.oracle, self.config, worker=secrets.token_hex(8))
        if proposed is None:
            return None
        trial, values, epochs, past = proposed
        return Proposal(values, epochs or self._most(), None if past is None else self._numbers[past], trial)

    def _most(self):
        """Periods of a trial, where neither the oracle nor the space says how many."""
        most = self.search.max_epochs or self.config.training.epochs
        return None if "training.epochs" in self.search.space else most

    def _replay(self):
        """Ask and tell the oracle what it was; False if a result that it was told is to be made again first."""
        if self._replayed == len(self.begun):
            return True
        while self._replayed < len(self.begun):
            trial = self.begun[self._replayed]
            for what, number in trial["since"][len(self._since) :]:
                if what == "ask":
                    self._expect(self.begun[number])
                elif number in self.records:
                    self._tell(number)
                else:
                    return False
            self._expect(trial)
        for number in sorted(self.records.keys() - self._told):
            self._tell(number)
        return True

    def _expect(self, trial):
        """Ask the oracle for what it proposed once."""
        number, repeated = trial["trial"], trial["trial"] < self._replayed
        proposal = self._ask() if number or repeated else Proposal(own_values(self.config), self._most())
        if proposal is None or proposal.key != Proposal(trial["values"], trial["epochs"]).key:
            raise _another(self.folder / f"{number:04d}", trial["values"], proposal and proposal.values)
        if repeated:
            self._repeat(proposal)
        else:
            self._note(proposal, number)

    def _say(self, record):
        search, left = self.search, self.search.trials - len(self.records)
        ended = f"{search.objective} {record['objective']:.4f}" if record["reason"] is None else record["reason"]
        best = best_of(self.sorted(), search)
        told = f"; best {best['objective']:.4f}, trial {best['trial']}" if best else ""
        minutes = (time.perf_counter() - self._started) / self._trained * left / 60
        say(f"{self.name}: trial {record['trial']}, {left} left: {ended}{told}; about {minutes:.1f} min to go")


@dataclasses.dataclass
class Proposal:
    """A setting to try: its values, periods, the trial it goes on with, and KerasTuner's trial where it was asked."""

    values: dict
    epochs: int | None
    past: int | None = None
    asked: object = None

    @property
    def key(self):
        """What tells it from others."""
        return json.dumps([self.values, self.epochs], sort_keys=True)


def _read_begun(folder):
    """What was begun, in order."""
    found = []
    for number, file in enumerate(sorted(folder.glob(f"*/{BEGUN}"))):
        try:
            trial = json.loads(file.read_text())
            if {*FACTS, "past", "since"} - trial.keys() or trial["trial"] != number:
                raise ValueError(f"it is not that of trial {number}")
        except (ValueError, AttributeError) as error:
            raise Refusal(
                f"{file} is damaged ({error}); delete its folder and those after it, and the same command runs "
                "these trials again."
            ) from None
        found.append(trial)
    return found


def _read_records(folder):
    return {int(file.parent.name): read_record(file.parent) for file in sorted(folder.glob(f"*/{RESULT}"))}


def _another(folder, had, wanted):
    return Refusal(
        f"{folder} is a trial of {had}, not of {wanted}: results before it were deleted or KerasTuner is another. "
        "Delete it and those after it, and the same command runs them again."
    )
