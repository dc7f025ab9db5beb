"""Runs a case in a folder of its own and judges what became of it.

fine: accepted, and right as far as the case can tell. refused: one line that the user can act on. traceback: any other
exception, or a message that is not one readable line. wrong: accepted, but with a wrong or not finite result, or with a
file written, read or executed outside the case's folder. hang: over the limits of time or memory, or the process died;
`tests.hostile.workers` finds these.
"""

import contextlib
import io
import os
import re
import shutil
import socket
import time
import traceback
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from kzoo.checks import REPEATED, Refusal

VERDICTS = ("fine", "refused", "traceback", "hang", "wrong")
BAD = VERDICTS[2:]
LONGEST = 2000  # characters of a refusal
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")


class Case(NamedTuple):
    """What is hostile, in words, and the function that tries it: it raises `Wrong` if what was accepted is wrong."""

    what: str
    run: Callable[[], None]


class Verdict(NamedTuple):
    """What became of a case; text: the traceback, or the full message."""

    seed: int
    kind: str
    what: str
    verdict: str
    detail: str = ""
    text: str = ""
    seconds: float = 0.0  # of processor time


class Wrong(Exception):
    """What was accepted is wrong."""


class Unreadable(Exception):
    """The command line printed something other than its result or one line."""


def expect(right, what):
    """Raises `Wrong` with `what` unless `right`."""
    if not right:
        raise Wrong(what)


def kzoo(*args):
    """Runs `kzoo ARGS` in this process and returns its two outputs; raises Refusal where it exits with code 2."""
    from kzoo.cli.program import main

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors) for errors in ("strict", "backslashreplace"))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([*map(str, args)])
        except SystemExit as end:
            code = end.code
        out.flush(), err.flush()
    out, err = (stream.buffer.getvalue().decode() for stream in (out, err))
    if CONTROLS.search(out):
        raise Unreadable(f"control characters are printed: {CONTROLS.sub(repr_of, out)[:300]}")
    if code == 0:
        return out, err
    if code != 2:
        report = re.search(r"(/\S+\.txt)", err)
        text = Path(report[1]).read_text() if report and Path(report[1]).is_file() else ""
        raise Unreadable(f"exit code {code}: {err[:300]}", f"{err}\n{text}")
    line = err.splitlines()[-1] if err else ""
    if not line.startswith("kzoo: ") or "Traceback" in err:
        raise Unreadable(f"exit code 2 without a line: {err[:300]}", err)
    raise Refusal(line.removeprefix("kzoo: "))


def repr_of(match):
    return repr(match[0])[1:-1]


def judge(seed, base, stock):
    """Returns the verdict of one case, run in the folder `base/box`; what it needs is in the folder `stock`."""
    from tests.hostile.kinds import KINDS, kind_of

    kind, started = kind_of(seed), time.process_time()
    with in_box(base), no_network() as contacted:
        try:
            case = KINDS[kind](np.random.default_rng(seed), stock)
            (base / "what").write_text(case.what, errors="backslashreplace")
            before = outside(base)
            verdict, detail, text = attempt(case)
        finally:
            leaked = reset()
    changed = {name for name, state in {*before.items()} ^ {*outside(base).items()}}
    if changed or contacted:
        verdict, detail = "wrong", f"reached outside its folder: {', '.join([*sorted(changed), *contacted])}"
    elif leaked:
        verdict, detail = "wrong", f"left behind in the process: {leaked}"
    return Verdict(seed, kind, case.what, verdict, detail, text, time.process_time() - started)


def attempt(case):
    """Returns (verdict, detail, text) of running a case."""
    try:
        case.run()
    except Refusal as refusal:
        repeated = REPEATED.fullmatch(str(refusal))
        line = repeated[1] if repeated else str(refusal)
        if "\n" in line or CONTROLS.search(line) or len(line) > LONGEST:
            return "traceback", f"not one readable line: {len(line)} characters, {line[:200]!r}", line
        return "refused", line, line
    except Wrong as wrong:
        return "wrong", str(wrong), traceback.format_exc()
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:  # the allocation is refused; a command says it
        return "refused", type(error).__name__, str(error)
    except Unreadable as error:
        return "traceback", error.args[0], error.args[-1]
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        return "traceback", f"{type(error).__name__}: {str(error)[:300]}", traceback.format_exc()
    return "fine", "", ""


@contextlib.contextmanager
def in_box(base):
    """Context manager: changes to the empty folder `base/box`; next to it are a home and a file to stay away from."""
    shutil.rmtree(base / "box", ignore_errors=True)
    for name in ("box", "home", "outside"):
        (base / name).mkdir(parents=True, exist_ok=True)
    if not (base / "outside" / "secret.bin").exists():
        (base / "outside" / "secret.bin").write_bytes(secret().tobytes())
    os.environ |= {"HOME": str(base / "home"), "KZOO_CACHE_DIR": str(base / "cache"), "KERAS_HOME": str(base / "keras")}
    os.environ |= {"TFDS_DATA_DIR": str(base / "box" / "tfds"), "KZOO_DEBUG": "0"}
    os.chdir(base / "box")
    try:
        yield
    finally:
        os.chdir(base)


def secret():
    """Returns the numbers in outside/secret.bin, which nothing that is accepted may hold."""
    return np.full(4096, 1234.5, "float32")


def executed():
    """Returns the path of a folder that exists after hostile code was executed."""
    return Path.cwd().parent / "outside" / "executed"


def outside(base):
    """Returns the state of all files that a case must leave as they are."""
    paths = [path for name in ("home", "outside") for path in (base / name).rglob("*")]
    paths = [path for path in paths if ".cache" not in path.parts]  # ONNX Runtime and matplotlib write there
    return {str(path.relative_to(base)): path.lstat().st_mtime_ns for path in paths}


@contextlib.contextmanager
def no_network():
    """Context manager: yields a list of the addresses contacted, without those that only prove a host unreachable."""
    contacted, real = [], (socket.socket.connect, socket.create_connection, urllib.request.getproxies)

    def connect(self, address):
        contacted.append(str(address))
        raise OSError("no network in this test")

    def create_connection(*_, **__):
        raise OSError("no network in this test")

    socket.socket.connect, socket.create_connection, urllib.request.getproxies = connect, create_connection, dict
    try:
        yield contacted
    finally:
        socket.socket.connect, socket.create_connection, urllib.request.getproxies = real


def reset():
    """Restores the process for the next case. Returns in words what the case has left behind, if anything."""
    import keras
    from tensorflow.python.framework.config import disable_op_determinism

    policy = keras.config.dtype_policy().name
    keras.config.set_dtype_policy("float32")
    keras.utils.clear_session(free_memory=False)
    disable_op_determinism()
    return "" if policy == "float32" else f"the dtype policy {policy}"
