"""Child processes that start quickly: forked from a server process that has imported TensorFlow already.

The server touches no device, because a GPU does not survive a fork. Ctrl-C reaches it and its children too: they die of
it without a word, because the parent reports it.
"""

import multiprocessing
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext
from typing import Any

from kzoo.checks import Refusal
from kzoo.user_modules import UserModule, import_user_modules, request_modules


def forkserver(preload: Sequence[str] = ()) -> ForkServerContext:
    """Returns the multiprocessing context whose server imports TensorFlow and the modules `preload` once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kzoo.preload", *preload])
    multiprocessing.resource_tracker.ensure_running()  # it unblocks SIGINT when it starts
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until `kzoo.preload` has set what it does
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    return context


def exit_with_parent(function: Callable[..., Any], args: Sequence[Any], modules: Sequence[UserModule] = ()) -> None:
    """Calls a function in this child process, which dies of signals at once, and exits as soon as its parent does.

    modules: the user's, which are imported first, as the plugins are.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGHUP has its default action, or is ignored as by nohup
        signal.signal(number, signal.SIG_DFL)
    process = multiprocessing.parent_process()
    if process is not None:
        threading.Thread(target=lambda: (wait([process.sentinel]), os._exit(1)), daemon=True).start()
    try:
        request_modules(modules)
        import_user_modules(report=False)  # the parent did
    except Refusal as refusal:  # they were changed meanwhile
        sys.exit(f"kzoo: {refusal}")
    function(*args)
