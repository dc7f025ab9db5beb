"""A process that runs one peer's programs on request, so that no two frameworks share threads or memory.

Source: none.
"""

import importlib
import multiprocessing
import os
import time
import traceback

import numpy as np


class Worker:
    """A peer in a process of its own; each call waits for the answer and raises what went wrong there."""

    def __init__(self, peer):
        here, there = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=_serve, args=(there, peer), daemon=True)
        self.process.start()
        there.close()
        self.pipe = here

    def ask(self, request, *arguments):
        """The answer of one of the functions below."""
        self.pipe.send((request, arguments))
        good, answer = self.pipe.recv()
        if not good:
            raise RuntimeError(answer)
        return answer

    def stop(self):
        """End the process."""
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
        except Exception as error:  # noqa: BLE001 (told to the parent, which goes on with the other peers)
            pipe.send((False, f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-3)}"))


def prepare(state, family, case, kind):
    """Build and run a program once; returns the seconds of that first call, and the output."""
    from benchmarks.frameworks import runner

    module = importlib.import_module(family)
    program = module.PEERS[state["peer"]](case, *module.arrays(case, np.random.default_rng(0)))
    begun = time.perf_counter()
    state["run"] = runner(program, kind, case.dtype)
    result = state["run"]()
    seconds = time.perf_counter() - begun
    while isinstance(result, (tuple, list)):  # the output is first, before places and gradients
        result = result[0]
    if program.framework == "plain":
        return seconds, None
    y = result.detach().float().numpy() if hasattr(result, "detach") else np.asarray(result)
    return seconds, y.astype("float32")


def times(state, seconds):
    """Milliseconds of call after call, for so many seconds, but at least one."""
    run, found, begun = state["run"], [], time.perf_counter()
    while not found or time.perf_counter() - begun < seconds:
        start = time.perf_counter()
        run()
        found.append(1000 * (time.perf_counter() - start))
    return found
