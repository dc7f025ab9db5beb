"""Processes forked from a server that has imported TensorFlow, without its start-up messages."""

import multiprocessing
import os
import signal
import sys
import time

import pytest

from kzoo.processes import exit_with_parent, forkserver


def send_state(connection):
    modules = [name for name in ("tensorflow", "keras") if name in sys.modules]
    silent = signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    forked_here = os.getppid() == multiprocessing.parent_process().pid
    connection.send((modules, os.environ.get("TF_CPP_MIN_LOG_LEVEL"), forked_here, silent))


def strike(number):
    os.kill(os.getpid(), number)
    time.sleep(10)  # another thread may receive the signal a moment later


def test_children_find_tensorflow_imported(capfd):
    """SIGINT has its default action, or Ctrl-C while the server imports TensorFlow would print a traceback."""
    context = forkserver()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=send_state, args=(sender,))
    child.start()
    modules, level, forked_here, silent = receiver.recv()
    child.join()
    assert modules == ["tensorflow", "keras"] and level == "3" and not forked_here and silent
    assert "oneDNN" not in capfd.readouterr().err and child.exitcode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["int", "term", "hup"])
def test_signals_end_a_child_at_once(capfd, number):
    child = forkserver().Process(target=exit_with_parent, args=(strike, (number,)))
    child.start()
    child.join()
    assert child.exitcode == -number and capfd.readouterr().err == ""
