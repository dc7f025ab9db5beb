"""Imports TensorFlow and Keras without their start-up notes; for the server of `kzoo.processes`, which imports this."""

import os

from kzoo.terminal import quiet

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # or each child process repeats the notes where there is no GPU
with quiet(show_on_error=True):
    import keras  # noqa: F401
    import tensorflow as tf  # noqa: F401
