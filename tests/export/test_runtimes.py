"""The script of the bare process: it answers for a model while nothing but the model's runtime can be imported."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from kzoo.export import runtimes
from kzoo.export.onnx import write_onnx
from kzoo.export.runtimes import STRANGERS, match, ordered

ASK = """
import runpy, sys
found = runpy.run_path(sys.argv[1])
{before}
found["main"](*sys.argv[2:])
for name in ("kzoo", "kzoo.layers", "keras", "keras.layers"):
    try:
        __import__(name)
    except ImportError:
        continue
    sys.exit(f"{{name}} was imported")
"""


def ask(tmp_path, format, before=""):
    """Run the script, after some Python, on the arrays in x.npz."""
    files = [str(tmp_path / name) for name in ("model", "x.npz", "y.npz")]
    command = [sys.executable, "-P", "-c", ASK.format(before=before), runtimes.__file__, format, *files]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_saved_model(tmp_path):
    class Doubled(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 3), name="x")])
        def serve(self, x):
            return 2 * x

    module = Doubled()
    tf.saved_model.save(module, str(tmp_path / "model"), {"serving_default": module.serve})
    x = np.arange(6, dtype="float32").reshape(-1, 3)
    np.savez(tmp_path / "x.npz", **{"0/serving_default/x": x})
    done = ask(tmp_path, "saved_model")
    assert done.returncode == 0, done.stderr[-1000:]
    np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["0/0"], 2 * x)


def test_a_second_runtime_is_told(net, tmp_path):
    write_onnx(net, tmp_path / "model")
    np.savez(tmp_path / "x.npz", **{"0/serving_default/input": np.zeros((2, 8, 8, 1), "float32")})
    assert ask(tmp_path, "onnx").returncode == 0
    smuggled = 'found["main"].__globals__["OPENERS"]["onnx"] = (lambda p, real=found["onnx"]: '
    smuggled += 'sys.modules.update(torch=sys) or real(p), "onnxruntime")'
    done = ask(tmp_path, "onnx", smuggled)
    assert done.returncode == 1 and "torch, onnxruntime was imported, not onnxruntime alone" in done.stderr


def test_runtimes_are_strangers_to_each_other():
    assert {runtime for _, runtime in runtimes.OPENERS.values()} <= set(STRANGERS)
    assert len(set(STRANGERS)) == len(STRANGERS)


def test_match():
    found = match(["b", "a"], {"a": 1, "b": 2})
    assert found == {"b": 2, "a": 1} and list(found) == ["b", "a"]
    assert match(["x", "y"], {"a": 1, "b": 2}) == {"x": 1, "y": 2}
    with pytest.raises(ValueError, match="zip"):
        match(["x"], {"a": 1, "b": 2})


def test_ordered():
    assert ordered({"output_10": 11, "output_2": 3, "output_1": 2}) == [2, 3, 11]
