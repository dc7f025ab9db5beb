"""A worker of a search: runs the trials that it is given, one after another, by its own process or by a chief.

A chief is asked over KerasTuner's protocol; trials lie in a folder that chief and workers share.

Source: O'Malley and others, KerasTuner, 2019: distributed tuning.
"""

import json
import time

import grpc
from keras_tuner.engine.trial import Trial
from keras_tuner.src.protos import get_service, get_service_grpc

from kzoo.checks import Refusal
from kzoo.files import write_atomically
from kzoo.training.config import resolved
from kzoo.training.yaml_file import write_yaml
from kzoo.tuning.hyperparameters import chosen, trial_config
from kzoo.tuning.trial import run_trial
from kzoo.tuning.trials import BEGUN, FACTS, Given

PAUSE = 0.5  # seconds before asking again for a trial
ANSWER = 10  # seconds for a chief to answer whose worker is busy anyway
RETURN = 600  # seconds for a chief to come back that is gone
WHOLE = "config.yaml"  # in a trial's folder: its setting as a run of its own, on all examples
REFUSED = "refusal.txt"  # in a trial's folder: why the whole search has to stop


class Lost(Exception):
    """The trial that is run was given to another worker."""


def work(trials, config, folder, name, worker="0"):
    """Run trials of a search in `folder` until none is left; `trials` are `Trials`, or a `Chief` that has them.

    Errors: Refusal or KeyboardInterrupt as of `run_trial`.
    """
    while True:
        given = trials.give(worker)
        if given is not None:
            run_given(given, trials, config, folder, name)
        elif trials.finished():
            return
        else:
            time.sleep(PAUSE)


def run_given(given, trials, config, folder, name):
    """Run a trial and say that it ended, unless it is another's by then."""
    trial = given.trial
    label, own = f"{name} trial {trial['trial']}", folder / f"{trial['trial']:04d}"
    epochs = {} if trial["epochs"] is None else {"training.epochs": trial["epochs"]}
    try:
        tried = trial_config(config, {**trial["values"], **epochs}, label)
        write_atomically(own / WHOLE, write_yaml(resolved(chosen(config, trial["values"], label))))
    except Refusal as refusal:
        tried = refusal
    past = None if trial["past"] is None else folder / f"{trial['past']:04d}"

    def beat():
        if not trials.seen(given.id):
            raise Lost

    try:
        run_trial(tried, {what: trial[what] for what in FACTS}, own, label, config.search, past, beat)
    except Lost:
        return
    except Refusal as refusal:
        trials.refuse(given.id, refusal)
        raise
    trials.end(given.id)


class Chief:
    """A search's `Trials`, asked for over the network. Arguments: address, "host:port"; folder, where trials lie."""

    def __init__(self, address, folder):
        self.address, self.folder, self.stopped = address, folder, False
        self.stub = get_service_grpc().OracleStub(grpc.insecure_channel(address))

    def wait(self):
        """Wait until the chief answers."""
        self._call("GetTrial", get_service().GetTrialRequest(trial_id=""))

    def give(self, worker):
        """As of `Trials`."""
        answer = self._call("CreateTrial", get_service().CreateTrialRequest(tuner_id=worker))
        trial = Trial.from_proto(answer.trial)
        self.stopped = trial.status == "STOPPED"
        if trial.status != "RUNNING":
            return None
        begun = self.folder / trial.trial_id.partition("-")[0] / BEGUN
        if not begun.exists():
            raise Refusal(f"{begun} is missing: chief and workers need one folder, by --out, that they share.")
        return Given(trial.trial_id, json.loads(begun.read_text()), worker)

    def finished(self):
        """Whether the chief had said, when it was asked last, that none is left."""
        return self.stopped

    def seen(self, given_id):
        """As of `Trials`; True where the chief does not answer, which may come back."""
        try:
            answer = self.stub.GetTrial(get_service().GetTrialRequest(trial_id=given_id), timeout=ANSWER)
        except grpc.RpcError:
            return True
        return Trial.from_proto(answer.trial).status == "RUNNING"

    def end(self, given_id, status="COMPLETED"):
        """As of `Trials`."""
        self._call("EndTrial", get_service().EndTrialRequest(trial=message(given_id, status)))

    def refuse(self, given_id, refusal):
        """Tell the chief that the search cannot go on."""
        write_atomically(self.folder / given_id.partition("-")[0] / REFUSED, str(refusal))
        self.end(given_id, "INVALID")

    def _call(self, method, request):
        try:
            return getattr(self.stub, method)(request, wait_for_ready=True, timeout=RETURN)
        except grpc.RpcError as error:
            raise Refusal(f"the search's chief at {self.address} does not answer: {error.code().name}.") from None


def message(given_id, status):
    """KerasTuner's message about a trial."""
    import keras_tuner

    return Trial(keras_tuner.HyperParameters(), given_id, status).to_proto()
