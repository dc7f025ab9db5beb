"""Processes forked from a server that has imported TensorFlow, without its start-up messages."""

import multiprocessing
import os
import sys

from kzoo.processes import forkserver


def send_state(connection):
    modules = [name for name in ("tensorflow", "keras") if name in sys.modules]
    connection.send(
        (modules, os.environ.get("TF_CPP_MIN_LOG_LEVEL"), os.getppid() == multiprocessing.parent_process().pid)
    )


def test_children_find_tensorflow_imported(capfd):
    context = forkserver()
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=send_state, args=(sender,))
    child.start()
    modules, level, forked_here = receiver.recv()
    child.join()
    assert modules == ["tensorflow", "keras"] and level == "3" and not forked_here
    assert "oneDNN" not in capfd.readouterr().err and child.exitcode == 0
