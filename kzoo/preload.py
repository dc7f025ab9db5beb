"""Imports TensorFlow and Keras without their start-up notes; for the server of `kzoo.processes`, which imports this."""

import os
import signal

from kzoo.tensorflow_import import import_tensorflow
from kzoo.terminal import quiet

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the server, also while it imports, and its children
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # `kzoo.processes` starts it with SIGINT blocked
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # or each child process repeats the notes where there is no GPU
with quiet(show_on_error=True):
    import_tensorflow()
