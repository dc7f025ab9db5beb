"""Times a family's cases: all peers in turn, round after round, so that other jobs affect all of them."""

import fnmatch
import importlib
import statistics

import numpy as np

from benchmarks.floor import Machine
from benchmarks.worker import Worker

CLOSE = {"float32": 1e-3, "bfloat16": 5e-2}  # of the largest output: the peers compute the same thing


def machine(seconds=3.0):
    """Returns the bandwidth and rate of this machine."""
    from benchmarks import floor

    worker, speeds = Worker("tensorflow"), {}
    for case in floor.CASES:
        worker.ask("prepare", floor.__name__, case, "forward")
        cost = floor.cost(case, "forward")
        best = min(worker.ask("times", seconds)) / 1000
        speeds[case.name] = (cost.bytes if case.name == "copy" else cost.flops) / best
    worker.stop()
    return Machine(speeds["copy"], speeds["matrix product"])


def measure(family, speeds, wanted=None, pattern="*", rounds=5, seconds=0.3, say=print):
    """Yields a row for each peer of each case and kind; `wanted` holds parts of peers' names, None for all.

    A row's `times` are the medians of the rounds, in milliseconds; `error` says why a peer has none; `items` are what a
    call processes, a count and its unit, where the family has a function of that name.
    """
    module = importlib.import_module(family)
    peers = [peer for peer in module.PEERS if peer == "kzoo" or wanted is None or any(w in peer for w in wanted)]
    workers = {}
    for case in module.CASES:
        if not fnmatch.fnmatchcase(case.name, pattern):
            continue
        for kind in case.kinds:
            say(f"{family.rpartition('.')[2]}: {case.name}, {kind}")
            found = {peer: {"family": family, "case": case.name, "kind": kind, "peer": peer} for peer in peers}
            outputs = {}
            for peer in peers:
                try:
                    workers[peer] = workers.get(peer) or Worker(peer)
                    found[peer]["first"], outputs[peer] = workers[peer].ask("prepare", family, case, kind)
                    found[peer]["times"] = []
                except (RuntimeError, EOFError, OSError) as error:
                    found[peer]["error"] = (str(error) or type(error).__name__).splitlines()[0]
                    workers.pop(peer).stop()
            different = getattr(module, "DIFFERENT", ())
            check({peer: y for peer, y in outputs.items() if peer not in different and y is not None}, case)
            running = [peer for peer in peers if "times" in found[peer]]
            for _ in range(rounds):
                for peer in running:
                    found[peer]["times"].append(statistics.median(workers[peer].ask("times", seconds)))
            known = {"floor": speeds.milliseconds(module.cost(case, kind))}
            known |= {"items": module.items(case)} if hasattr(module, "items") else {}
            yield from (row | known for row in found.values())
    for worker in workers.values():
        worker.stop()


def check(outputs, case):
    """Raises an error if peers do not compute the same result."""
    if "kzoo" not in outputs:
        return  # its row holds the error
    want = outputs["kzoo"]
    for peer, y in outputs.items():
        if y.shape != want.shape:
            raise ValueError(f"{case.name}: {peer} gives {y.shape}, kzoo {want.shape}")
        worst = np.abs(y - want).max() / max(np.abs(want).max(), 1e-30)
        if worst > CLOSE[case.dtype]:
            raise ValueError(f"{case.name}: {peer} differs from kzoo by {worst:.1e} of the largest output")
