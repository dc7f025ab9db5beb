"""The chief of a search with several workers: it gives trials out, again where a worker is gone, and trains none.

It speaks KerasTuner's protocol, which knows no authentication: on this machine alone unless told otherwise.

Source: O'Malley and others, KerasTuner, 2019: distributed tuning.
"""

import contextlib
import dataclasses
import ipaddress
import multiprocessing
import os
import time
from concurrent import futures

import grpc
import tensorflow as tf
from keras_tuner.src.protos import get_service, get_service_grpc

from kzoo.checks import Refusal
from kzoo.terminal import say
from kzoo.tuning.trial import METHOD, with_parent
from kzoo.tuning.worker import REFUSED, Chief, message, work

HOST = "127.0.0.1"
SILENCE = 30  # seconds without a sign of life after which a worker is gone
LEAVE = 10  # seconds for workers to hear that nothing is left
PAUSE = 0.2
NAMES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


@dataclasses.dataclass
class Role:
    """What KerasTuner's variables of the environment make of a process: its id, and the chief's host and port."""

    id: str
    host: str
    port: int

    @property
    def leads(self):
        """Whether it is the chief."""
        return "chief" in self.id

    @property
    def address(self):
        """The chief's."""
        return f"{self.host}:{self.port}"


def role(environment=os.environ):
    """The Role of this process; None without KerasTuner's variables. Errors: Refusal if some are missing or no port.

    >>> role({"KERASTUNER_TUNER_ID": "chief", "KERASTUNER_ORACLE_IP": "10.0.0.1", "KERASTUNER_ORACLE_PORT": "8000"})
    Role(id='chief', host='10.0.0.1', port=8000)
    """
    found = {name: environment[name] for name in NAMES if environment.get(name)}
    if not found:
        return None
    missing = [name for name in NAMES if name not in found]
    if missing:
        raise Refusal(f"{', '.join(found)} is set, {', '.join(missing)} is not: a search with a chief needs all three.")
    who, host, port = found.values()
    if not port.isdecimal() or not 0 < int(port) < 2**16:
        raise Refusal(f"{NAMES[2]} expects a port from 1 to 65535; received {port!r}.")
    return Role(who, host, int(port))


def lead(trials, config, workers, host=HOST, port=0):
    """Serve `trials` until all are done, to `workers` processes on this machine and whoever else asks.

    Each of the processes has its share of the cores, and a GPU where there is one. One that dies is replaced.
    Errors: Refusal if the address cannot be had, or a worker cannot go on.
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
        say(f"{trials.name}: served at {host}:{port} to whoever reaches it, as the protocol knows no authentication.")
    crew = [Local(place, f"{host}:{port}", trials, config, workers) for place in range(workers)]
    try:
        while not trials.finished():
            if servicer.refusal:
                raise servicer.refusal
            for local in crew:
                local.look_after(trials)
            now = time.monotonic()
            for given in [given for given in trials.given.copy().values() if now - given.seen > SILENCE]:
                with contextlib.suppress(KeyError):  # it ended just now
                    trials.lose(given.id, f"worker {given.worker} has been silent for {SILENCE} seconds.")
            time.sleep(PAUSE)
        servicer.wait_for_leave(gone={local.worker for local in crew if local.process.exitcode is not None})
    finally:
        for local in crew:
            local.close()
        server.stop(grace=1).wait()


class Servicer(get_service_grpc().OracleServicer):
    """KerasTuner's service: trials are asked for, reported on and ended. Attribute: refusal, why it cannot go on."""

    def __init__(self, trials):
        self.trials, self.refusal, self.asked = trials, None, {}

    def CreateTrial(self, request, context):  # noqa: N802 (the protocol's name)
        """The next trial of a worker; its status tells whether there is one, may be later, or never."""
        with self._refusals(context):
            given = self.trials.give(request.tuner_id)
            done = given is None and self.trials.finished()
            status = "RUNNING" if given else "STOPPED" if done else "IDLE"
            self.asked.pop(request.tuner_id, None) if done else self.asked.update({request.tuner_id: time.monotonic()})
            return get_service().CreateTrialResponse(trial=message(given.id if given else "", status))

    def GetTrial(self, request, context):  # noqa: N802
        """A sign of life of a trial: RUNNING if it is still that worker's."""
        status = "RUNNING" if self.trials.seen(request.trial_id) else "INVALID"
        return get_service().GetTrialResponse(trial=message(request.trial_id, status))

    def EndTrial(self, request, context):  # noqa: N802
        """The end of a trial, whose result lies in its folder; INVALID if the search cannot go on."""
        number = request.trial.trial_id.partition("-")[0]
        refused = self.trials.folder / number / REFUSED
        with self._refusals(context):
            if refused.exists():
                text = refused.read_text()
                refused.unlink()
                raise Refusal(text)
            self.trials.end(request.trial.trial_id)
        return get_service().EndTrialResponse()

    @contextlib.contextmanager
    def _refusals(self, context):
        try:
            yield
        except Refusal as refusal:
            self.refusal = refusal
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(refusal))

    def wait_for_leave(self, gone):
        """Wait until every worker that asked knows that nothing is left, if it is alive."""
        until = time.monotonic() + LEAVE
        while self.asked.keys() - gone and time.monotonic() < until:
            time.sleep(PAUSE)


class Local:
    """A worker on this machine: a process with its share of the cores and GPUs, replaced when it dies."""

    def __init__(self, place, address, trials, config, workers):
        self.worker, self.deaths = f"worker{place}", 0
        log = trials.folder / f"{self.worker}.log"
        self.arguments = (address, trials.folder, trials.name, self.worker, config, log, *share(place, workers))
        self._start()

    def _start(self):
        context = multiprocessing.get_context(METHOD)
        context.set_forkserver_preload(["kzoo_trials"])
        self.process = context.Process(name=self.worker, target=with_parent, args=(_serve_local, self.arguments))
        self.process.start()

    def look_after(self, trials):
        """Replace the process if it has died, and give its trial back."""
        if self.process.exitcode is None:
            return
        why = f"{self.worker} ended with exit code {self.process.exitcode}."
        held = [given for given in trials.given.copy().values() if given.worker == self.worker]
        for given in held:
            trials.lose(given.id, why)
        self.deaths = 0 if held else self.deaths + 1
        if self.deaths > 2:
            raise Refusal(
                f"{why} It did so {self.deaths} times, without a trial; {self.arguments[5]} has what it said."
            )
        if not trials.finished():
            self._start()

    def close(self):
        """Let it end, or end it."""
        self.process.join(1)
        self.process.kill()
        self.process.join()


def share(place, workers):
    """The cores and the GPU, None if there is none, of one of several workers on this machine.

    >>> len(share(0, 1)[0]) == len(os.sched_getaffinity(0))
    True
    """
    cores = sorted(os.sched_getaffinity(0))
    mine = cores[place * len(cores) // workers : (place + 1) * len(cores) // workers] or [cores[place % len(cores)]]
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = shown.split(",") if shown else [str(i) for i in range(len(tf.config.list_physical_devices("GPU")))]
    return mine, gpus[place % len(gpus)] if gpus else None


def _serve_local(address, folder, name, worker, config, log, cores, gpu):
    """A local worker's process: its trials' processes have what it sets here."""
    with open(log, "a", buffering=1) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.sched_setaffinity(0, cores)
    if gpu is not None:
        os.environ |= {"CUDA_VISIBLE_DEVICES": gpu, "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    work(Chief(address, folder), config, folder, name, worker)


def _is_loopback(host):
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
