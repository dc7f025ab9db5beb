"""The `kzoo` command's first step: import TensorFlow without its start-up notes, then hand over to `kzoo.cli`.

It stands outside the package because importing anything of `kzoo` imports Keras, and with it TensorFlow.

Source: none.
"""

import contextlib
import gc
import logging
import os
import sys
import tempfile


@contextlib.contextmanager
def quiet_stderr():
    """Keep what is written to the process's stderr, native code's too, and show it only if the block fails."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        real = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(real, kept.read())
            raise
        finally:
            os.dup2(real, 2)
            os.close(real)


def main(args=None):
    """Run the command line; `args` default to the process's own."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # later notes: warnings of TensorFlow's own, not the user's
    logging.getLogger("absl").setLevel("ERROR")  # TensorFlow Datasets warns of its own deprecations
    with quiet_stderr():
        import tensorflow as tf

        from kzoo.cli import main as command

        tf.config.list_physical_devices()  # looks for GPUs, and complains where there is no driver
    gc.freeze()  # what is imported stays: collections need not look through it, which takes a third of `kzoo list`
    command(args)
