"""A worker of a search: runs trials one after another, which it gets from its own process or from a chief.

It talks to a chief in KerasTuner's protocol; the trials' files are in a folder that chief and workers share.

Source: O'Malley and others, KerasTuner, 2019: distributed tuning.
"""

import json
import time

import grpc
from keras_tuner.engine.trial import Trial
from keras_tuner.src.protos import get_service, get_service_grpc

from kzoo.checks import Refusal
from kzoo.config.config import resolved
from kzoo.config.yaml_file import write_yaml
from kzoo.files import write_atomically
from kzoo.training.run import TRIAL_FILE
from kzoo.tuning.hyperparameters import run_config, trial_config
from kzoo.tuning.trial import run_trial
from kzoo.tuning.trials import PARENT, TRIAL_KEYS, Lease

POLL_INTERVAL = 0.5  # seconds between requests for a trial
HEARTBEAT_TIMEOUT = 10  # seconds for a chief to answer a heartbeat
RECONNECT_TIMEOUT = 600  # seconds for a lost chief to come back
RUN_CONFIG = "config.yaml"  # in a trial's folder: the config with which `kzoo train` trains the trial's values
REFUSAL = "refusal.txt"  # in a trial's folder: why the whole search has to stop


class LeaseExpired(Exception):
    """The trial that is running belongs to another worker now."""


def run_worker(trials, config, folder, name, worker="0"):
    """Runs trials of a search in `folder` until none is left; `trials` are `Trials`, or a `ChiefClient`.

    Raises Refusal or KeyboardInterrupt as `run_trial` does.
    """
    while True:
        lease = trials.acquire(worker)
        if lease is not None:
            run_lease(lease, trials, config, folder, name)
        elif trials.all_finished():
            return
        else:
            time.sleep(POLL_INTERVAL)


def run_lease(lease, trials, config, folder, name):
    """Runs the trial of a lease and reports its end, unless the lease has expired."""
    trial = lease.trial
    label, trial_folder = f"{name} trial {trial['trial']}", folder / f"{trial['trial']:04d}"
    epochs = {} if trial["epochs"] is None else {"training.epochs": trial["epochs"]}
    try:
        trained = trial_config(config, {**trial["values"], **epochs}, label)
        write_atomically(trial_folder / RUN_CONFIG, write_yaml(resolved(run_config(config, trial["values"], label))))
    except Refusal as refusal:
        trained = refusal
    parent = None if trial[PARENT] is None else folder / f"{trial[PARENT]:04d}"

    def heartbeat():
        if not trials.heartbeat(lease.id):
            raise LeaseExpired

    try:
        facts = {key: trial[key] for key in TRIAL_KEYS}
        run_trial(trained, facts, trial_folder, label, config.search, parent, heartbeat)
    except LeaseExpired:
        return
    except Refusal as refusal:
        trials.abort(lease.id, refusal)
        raise
    trials.finish(lease.id)


class ChiefClient:
    """A client of a chief with the methods of `Trials`. Arguments: address, "host:port"; folder, of the trials."""

    def __init__(self, address, folder):
        self.address, self.folder, self.search_finished = address, folder, False
        self.stub = get_service_grpc().OracleStub(grpc.insecure_channel(address))

    def connect(self):
        """Waits until the chief responds."""
        self._call("GetTrial", get_service().GetTrialRequest(trial_id=""))

    def acquire(self, worker):
        """As `Trials.acquire`."""
        response = self._call("CreateTrial", get_service().CreateTrialRequest(tuner_id=worker))
        trial = Trial.from_proto(response.trial)
        self.search_finished = trial.status == "STOPPED"
        if trial.status != "RUNNING":
            return None
        file = self.folder / trial.trial_id.partition("-")[0] / TRIAL_FILE
        if not file.exists():
            raise Refusal(f"{file} is missing: chief and workers need one shared folder, given by --out.")
        return Lease(trial.trial_id, json.loads(file.read_text()), worker)

    def all_finished(self):
        """Returns whether the chief's last response was that no trial is left."""
        return self.search_finished

    def heartbeat(self, lease_id):
        """As `Trials.heartbeat`; returns True if the chief does not respond, because it may come back."""
        try:
            request = get_service().GetTrialRequest(trial_id=lease_id)
            response = self.stub.GetTrial(request, timeout=HEARTBEAT_TIMEOUT)
        except grpc.RpcError:
            return True
        return Trial.from_proto(response.trial).status == "RUNNING"

    def finish(self, lease_id, status="COMPLETED"):
        """As `Trials.finish`."""
        self._call("EndTrial", get_service().EndTrialRequest(trial=trial_message(lease_id, status)))

    def abort(self, lease_id, refusal):
        """Tells the chief that the search has to stop."""
        write_atomically(self.folder / lease_id.partition("-")[0] / REFUSAL, str(refusal))
        self.finish(lease_id, "INVALID")

    def _call(self, method, request):
        try:
            return getattr(self.stub, method)(request, wait_for_ready=True, timeout=RECONNECT_TIMEOUT)
        except grpc.RpcError as error:
            raise Refusal(f"the search's chief at {self.address} does not respond: {error.code().name}.") from None


def trial_message(lease_id, status):
    """Returns the protocol's message of a trial."""
    import keras_tuner

    return Trial(keras_tuner.HyperParameters(), lease_id, status).to_proto()
