"""Run by itself in a fresh process: reload a SavedModel where there is neither kzoo nor Keras, and run it.

Usage: python reload_saved_model.py SAVED_MODEL INPUTS.npy OUTPUTS.npy

Source: none.
"""

import sys


def main(path, inputs, outputs):
    """Write what the SavedModel at `path` answers to the array in file `inputs` into file `outputs`."""
    sys.modules["kzoo"] = sys.modules["keras"] = None  # importing either raises from here on
    import numpy as np
    import tensorflow as tf

    loaded = tf.saved_model.load(path)  # keep it: its functions do not keep its variables
    x = np.load(inputs)
    answers = [loaded.serve(tf.constant(x[i : i + 500])).numpy() for i in range(0, len(x), 500)]
    np.save(outputs, np.concatenate(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
