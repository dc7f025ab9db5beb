"""The script of the bare process: it answers for a SavedModel while neither kzoo nor Keras can be imported."""

import subprocess
import sys

import numpy as np
import tensorflow as tf

from kzoo.export import reload_saved_model

ASK = """
import runpy, sys
main = runpy.run_path(sys.argv[1])["main"]
main(*sys.argv[2:])
for name in ("kzoo", "kzoo.layers", "keras", "keras.layers"):
    try:
        __import__(name)
    except ImportError:
        continue
    sys.exit(f"{name} was imported")
"""


def test_answers_where_nothing_can_be_imported(tmp_path):
    class Doubled(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 3))])
        def serve(self, x):
            return 2 * x

    tf.saved_model.save(Doubled(), str(tmp_path / "model"))
    x = np.arange(3 * 1001, dtype="float32").reshape(-1, 3)
    np.save(tmp_path / "x.npy", x)
    files = [tmp_path / name for name in ("model", "x.npy", "y.npy")]
    command = [sys.executable, "-c", ASK, reload_saved_model.__file__, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), 2 * x)
