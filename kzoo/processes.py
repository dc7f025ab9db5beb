"""Child processes that start quickly: forked from a server process that has imported TensorFlow already.

The server touches no device, because a GPU does not survive a fork.
"""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext


def forkserver(preload: Sequence[str] = ()) -> ForkServerContext:
    """Returns the multiprocessing context whose server imports TensorFlow and the modules `preload` once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kzoo.preload", *preload])
    return context
