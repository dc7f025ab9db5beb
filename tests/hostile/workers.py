"""Warm processes that judge cases, each case with a limit of time and of memory that the parent enforces.

A worker is forked from a server that has imported TensorFlow. One that was killed, died or found a fault is replaced.
"""

import contextlib
import faulthandler
import os
import resource
import shutil
import signal
import tempfile
import time
from pathlib import Path

from kzoo.processes import forkserver
from tests.hostile.judge import BAD, Verdict
from tests.hostile.stock import make_stock, silence

CPU_SECONDS, WALL_SECONDS, MEMORY = 30, 90, 6 * 2**30  # limits of one case
CASES = 400  # of one worker, whose memory grows with what it compiles
PRELOAD = "tests.hostile.preload"
PAGE, TICK = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def stock():
    """Context manager: yields the folder of files that cases copy."""
    with tempfile.TemporaryDirectory(prefix="kzoo_hostile_") as folder:
        process = forkserver([PRELOAD]).Process(target=make_stock, args=(Path(folder, "stock"),))
        process.start()
        process.join()
        if process.exitcode:
            raise RuntimeError("the files that cases start from could not be made")
        yield Path(folder, "stock")


class Worker:
    """One process at a time that judges cases; context manager."""

    def __init__(self, stock):
        self.stock, self.base = Path(stock), Path(tempfile.mkdtemp(prefix="kzoo_hostile_"))
        self.context, self.process, self.left = forkserver([PRELOAD]), None, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    def judge(self, seed):
        """Returns the verdict of a case."""
        if self.process is None or self.left == 0:
            self.stop()
            self._start()
        self.left -= 1
        self.pipe.send(seed)
        problem = self._wait()
        verdict = None
        with contextlib.suppress(EOFError):
            verdict = self.pipe.recv() if problem is None else None
        if verdict is None:
            verdict = self._hang(seed, problem)
        if verdict.verdict in BAD:
            self.stop()
        return verdict

    def stop(self):
        """Ends the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.pipe.close()
            self.process = None

    def _start(self):
        self.pipe, theirs = self.context.Pipe()
        self.process = self.context.Process(target=serve, args=(theirs, self.base, self.stock), daemon=False)
        self.process.start()
        theirs.close()
        self.left = CASES
        self.pipe.poll(WALL_SECONDS)
        self.pipe.recv()  # it is ready

    def _wait(self):
        """Waits for the verdict. Returns in words the limit that was exceeded, or None."""
        started, before = time.monotonic(), self._usage()[0]
        while not self.pipe.poll(0.05):
            seconds, memory = self._usage()
            if seconds - before > CPU_SECONDS:
                return f"over {CPU_SECONDS} s of processor time"
            if time.monotonic() - started > WALL_SECONDS:
                return f"over {WALL_SECONDS} s"
            if memory > MEMORY:
                return f"over {MEMORY / 2**30:g} GiB of memory"
        return None

    def _usage(self):
        """Returns the process's processor time in seconds and its memory in bytes."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0, 0
        return (int(fields[11]) + int(fields[12])) / TICK, int(fields[21]) * PAGE

    def _hang(self, seed, problem):
        """Ends the process, which writes where it was, and returns the verdict."""
        from tests.hostile.kinds import kind_of

        if problem:
            os.kill(self.process.pid, signal.SIGABRT)
        self.process.join(10)
        detail = problem or f"the process ended with exit code {self.process.exitcode}"
        what, trace = (self.base / name for name in ("what", "trace"))
        text = trace.read_text(errors="replace") if trace.exists() else ""
        return Verdict(seed, kind_of(seed), what.read_text() if what.exists() else "", "hang", detail, text)


def serve(pipe, base, stock):
    """Judges the cases whose numbers arrive, until the pipe is closed."""
    os.setsid()  # Ctrl-C in the terminal is the parent's
    for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[variable]
    silence()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))  # kzoo knows how much is left of it
    with open(base / "trace", "w") as trace:
        faulthandler.enable(trace)
        from tests.hostile.judge import judge

        pipe.send("ready")
        with contextlib.suppress(EOFError):
            while True:
                pipe.send(judge(pipe.recv(), base, stock))
