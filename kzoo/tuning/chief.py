"""The chief of a search with several workers: leases trials to workers and runs none itself.

It uses KerasTuner's protocol, which has no authentication; so it listens only on this machine by default.

Source: O'Malley and others, KerasTuner, 2019: distributed tuning.
"""

import contextlib
import dataclasses
import ipaddress
import os
import time
from concurrent import futures

import grpc
import tensorflow as tf
from keras_tuner.src.protos import get_service, get_service_grpc

from kzoo.checks import Refusal
from kzoo.processes import exit_with_parent, forkserver
from kzoo.terminal import say
from kzoo.tuning.worker import REFUSAL, ChiefClient, run_worker, trial_message
from kzoo.user_modules import requested_modules

HOST = "127.0.0.1"
LEASE_TIMEOUT = 30  # seconds without a heartbeat after which a lease expires
SHUTDOWN_TIMEOUT = 10  # seconds for the workers to learn that no trial is left
POLL_INTERVAL = 0.2
MAX_FAILED_STARTS = 3  # of one local worker in a row
VARIABLES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


@dataclasses.dataclass
class Role:
    """The role of a process in a distributed search: its id, and the chief's host and port."""

    id: str
    host: str
    port: int

    @property
    def is_chief(self):
        """Whether this process is the chief."""
        return "chief" in self.id

    @property
    def address(self):
        """The chief's address."""
        return f"{self.host}:{self.port}"


def read_role(environment=os.environ):
    """Returns the `Role` that KerasTuner's environment variables give this process, None if they are not set.

    Raises Refusal if one of them is missing or the port is invalid.

    >>> read_role(dict(zip(VARIABLES, ["chief", "10.0.0.1", "8000"])))
    Role(id='chief', host='10.0.0.1', port=8000)
    """
    found = {name: environment[name] for name in VARIABLES if environment.get(name)}
    if not found:
        return None
    missing = [name for name in VARIABLES if name not in found]
    if missing:
        raise Refusal(f"{', '.join(found)} is set, {', '.join(missing)} is not: a search with a chief needs all three.")
    tuner_id, host, port = found.values()
    if not port.isdecimal() or not 0 < int(port) < 2**16:
        raise Refusal(f"{VARIABLES[2]} expects a port from 1 to 65535; received {port!r}.")
    return Role(tuner_id, host, int(port))


def serve_trials(trials, config, workers, host=HOST, port=0):
    """Serves `trials` until all are finished, to `workers` local processes and to workers that connect.

    Each local process gets its share of the cores and of the GPUs, and is replaced when it dies.
    Raises Refusal if the address is not available, or if a worker cannot continue.
    """
    servicer, server = Servicer(trials), grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    get_service_grpc().add_OracleServicer_to_server(servicer, server)
    try:
        port = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError:
        port = 0
    if port == 0:
        raise Refusal(f"a chief expects a free address of this machine; received {host}:{port}.")
    server.start()
    if not _is_loopback(host):
        say(f"{trials.name}: serving at {host}:{port} to anyone who can connect; the protocol has no authentication.")
    local_workers = [LocalWorker(index, f"{host}:{port}", trials, config, workers) for index in range(workers)]
    try:
        while not trials.all_finished():
            if servicer.refusal:
                raise servicer.refusal
            for worker in local_workers:
                worker.restart_if_dead(trials)
            now = time.monotonic()
            for lease in [x for x in trials.leases.copy().values() if now - x.last_heartbeat > LEASE_TIMEOUT]:
                with contextlib.suppress(KeyError):  # the lease has ended meanwhile
                    trials.expire(lease.id, f"worker {lease.worker} has not responded for {LEASE_TIMEOUT} seconds.")
            time.sleep(POLL_INTERVAL)
        servicer.wait_for_workers(dead={worker.name for worker in local_workers if worker.process.exitcode is not None})
    finally:
        for worker in local_workers:
            worker.stop()
        server.stop(grace=1).wait()


class Servicer(get_service_grpc().OracleServicer):  # type: ignore[misc]
    """KerasTuner's service. Attributes: refusal, why the search cannot continue; workers, the ids of active workers."""

    def __init__(self, trials):
        self.trials, self.refusal, self.workers = trials, None, set()

    def CreateTrial(self, request, context):  # noqa: N802 (the protocol's name)
        """Returns a worker's next trial as RUNNING; IDLE if there may be one later, STOPPED if none is left."""
        with self._refusals(context):
            lease = self.trials.acquire(request.tuner_id)
            stopped = lease is None and self.trials.all_finished()
            status = "RUNNING" if lease else "STOPPED" if stopped else "IDLE"
            (self.workers.discard if stopped else self.workers.add)(request.tuner_id)
            return get_service().CreateTrialResponse(trial=trial_message(lease.id if lease else "", status))

    def GetTrial(self, request, context):  # noqa: N802
        """Takes a heartbeat; returns RUNNING if the lease is valid, otherwise INVALID."""
        status = "RUNNING" if self.trials.heartbeat(request.trial_id) else "INVALID"
        return get_service().GetTrialResponse(trial=trial_message(request.trial_id, status))

    def EndTrial(self, request, context):  # noqa: N802
        """Ends a trial, whose result or refusal is in its folder."""
        number = request.trial.trial_id.partition("-")[0]
        file = self.trials.folder / number / REFUSAL
        with self._refusals(context):
            if file.exists():
                text = file.read_text()
                file.unlink()
                raise Refusal(text)
            self.trials.finish(request.trial.trial_id)
        return get_service().EndTrialResponse()

    @contextlib.contextmanager
    def _refusals(self, context):
        try:
            yield
        except Refusal as refusal:
            self.refusal = refusal
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(refusal))

    def wait_for_workers(self, dead):
        """Waits until every live worker has been told that no trial is left."""
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT
        while self.workers - dead and time.monotonic() < deadline:
            time.sleep(POLL_INTERVAL)


class LocalWorker:
    """A worker process on this machine with its share of the cores and of the GPUs, replaced when it dies."""

    def __init__(self, index, address, trials, config, workers):
        self.name, self.failed_starts = f"worker{index}", 0
        self.log = trials.folder / f"{self.name}.log"
        resources = worker_resources(index, workers)
        self.arguments = (address, trials.folder, trials.name, self.name, config, self.log, *resources)
        self._start()

    def _start(self):
        context = forkserver(["kzoo.tuning.trial"])
        args = (_run_local, self.arguments, requested_modules())
        self.process = context.Process(name=self.name, target=exit_with_parent, args=args)
        self.process.start()

    def restart_if_dead(self, trials):
        """Starts a new process if the old one has died, and expires its lease.

        Raises Refusal after MAX_FAILED_STARTS deaths in a row without a trial.
        """
        if self.process.exitcode is None:
            return
        reason = f"{self.name} ended with exit code {self.process.exitcode}."
        leases = [lease for lease in trials.leases.copy().values() if lease.worker == self.name]
        for lease in leases:
            trials.expire(lease.id, reason)
        self.failed_starts = 0 if leases else self.failed_starts + 1
        if self.failed_starts == MAX_FAILED_STARTS:
            raise Refusal(f"{reason} It did so {MAX_FAILED_STARTS} times without a trial; its output is in {self.log}.")
        if not trials.all_finished():
            self._start()

    def stop(self):
        """Waits a second for the process to exit, then kills it."""
        self.process.join(1)
        self.process.kill()
        self.process.join()


def worker_resources(index, workers):
    """Returns (cores, GPU or None) of one of several workers on this machine.

    >>> len(worker_resources(0, 1)[0]) == len(os.sched_getaffinity(0))
    True
    """
    cores = sorted(os.sched_getaffinity(0))
    share = cores[index * len(cores) // workers : (index + 1) * len(cores) // workers] or [cores[index % len(cores)]]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = visible.split(",") if visible else [str(i) for i in range(len(tf.config.list_physical_devices("GPU")))]
    return share, gpus[index % len(gpus)] if gpus else None


def _run_local(address, folder, name, worker, config, log, cores, gpu):
    """Runs in a local worker's process; the processes of its trials inherit what it sets."""
    with open(log, "a", buffering=1) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.sched_setaffinity(0, cores)
    if gpu is not None:
        os.environ |= {"CUDA_VISIBLE_DEVICES": gpu, "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    run_worker(ChiefClient(address, folder), config, folder, name, worker)


def _is_loopback(host):
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
