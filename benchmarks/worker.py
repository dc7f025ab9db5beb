"""Runs one peer's programs in its own process, so that no two frameworks share threads or memory."""

import importlib
import multiprocessing
import os
import time
import traceback

import numpy as np


class Worker:
    """A peer in its own process; each request waits for its result and raises the errors of that process."""

    def __init__(self, peer):
        here, there = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=_serve, args=(there, peer), daemon=True)
        self.process.start()
        there.close()
        self.pipe = here

    def ask(self, request, *arguments):
        """Returns the result of `prepare` or `times` in the process."""
        self.pipe.send((request, arguments))
        good, result = self.pipe.recv()
        if not good:
            raise RuntimeError(result)
        return result

    def stop(self):
        """Ends the process."""
        self.process.kill()
        self.process.join()


def _serve(pipe, peer):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    state = {"peer": peer}
    while True:
        request, arguments = pipe.recv()
        try:
            pipe.send((True, {"prepare": prepare, "times": times}[request](state, *arguments)))
        except Exception as error:  # noqa: BLE001 (sent to the parent, which continues with the other peers)
            pipe.send((False, f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-3)}"))


def prepare(state, family, case, kind):
    """Builds a program and runs it once; returns the seconds of that first call, and the output."""
    from benchmarks.frameworks import runner

    module = importlib.import_module(family)
    program = module.PEERS[state["peer"]](case, *module.arrays(case, np.random.default_rng(0)))
    started = time.perf_counter()
    state["run"] = runner(program, kind, case.dtype)
    result = state["run"]()
    seconds = time.perf_counter() - started
    while isinstance(result, (tuple, list)):  # the output comes first, before indices and gradients
        result = result[0]
    if program.framework == "plain":
        return seconds, None
    y = result.detach().float().numpy() if hasattr(result, "detach") else np.asarray(result)
    return seconds, y.astype("float32")


def times(state, seconds):
    """Returns the milliseconds of each call, made one after another for `seconds`, at least one."""
    run, found, started = state["run"], [], time.perf_counter()
    while not found or time.perf_counter() - started < seconds:
        start = time.perf_counter()
        run()
        found.append(1000 * (time.perf_counter() - start))
    return found
