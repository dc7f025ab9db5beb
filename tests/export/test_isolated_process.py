"""Outputs of a process in which only the runtime can be imported, and the error messages where it fails."""

import subprocess
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.export import isolated_process
from kzoo.export.isolated_process import BLOCKED, run_isolated
from kzoo.export.registry import FORMATS
from kzoo.export.verification_inputs import Batch

CHECK = """
import sys
from kzoo.export import isolated_process
{before}
isolated_process.main(*sys.argv[1:])
for name in ("kzoo", "kzoo.layers", "keras", "keras.layers"):
    try:
        __import__(name)
    except ImportError:
        continue
    sys.exit(f"{{name}} was imported")
"""


def run_main(tmp_path, format, before=""):
    """Calls `main`, after some Python, on the arrays in x.npz."""
    files = [str(tmp_path / name) for name in ("model", "x.npz", "y.npz")]
    command = [sys.executable, "-c", CHECK.format(before=before), format, *files]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.large
def test_named_inputs_and_outputs(tmp_path):
    class Sums(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 2), name="x"), tf.TensorSpec((None, 2), name="y")])
        def serve(self, x, y):
            return {"difference": x - y, "sum": x + y}

    module = Sums()
    tf.saved_model.save(module, str(tmp_path / "it"), signatures={"serving_default": module.serve})
    x, y = np.ones((3, 2), "float32"), np.full((3, 2), 5, "float32")
    batches = [Batch("serving_default", {"y": y[:n], "x": x[:n]}, [None, None]) for n in (1, 3)]
    found = run_isolated(tmp_path / "it", batches, FORMATS["saved_model"])
    assert [[a.tolist() for a in outputs] for outputs in found] == [
        [np.full((n, 2), value).tolist() for value in (6.0, -4.0)] for n in (1, 3)
    ]


def test_neither_kzoo_nor_keras_can_be_imported(tmp_path):
    class Doubled(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 3), name="x")])
        def serve(self, x):
            return 2 * x

    module = Doubled()
    tf.saved_model.save(module, str(tmp_path / "model"), {"serving_default": module.serve})
    x = np.arange(6, dtype="float32").reshape(-1, 3)
    np.savez(tmp_path / "x.npz", **{"0/serving_default/x": x})
    done = run_main(tmp_path, "saved_model")
    assert done.returncode == 0, done.stderr[-1000:]
    np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["0/0"], 2 * x)


def test_other_runtimes_are_refused(small_model, tmp_path):
    FORMATS["onnx"].write(small_model, tmp_path / "model")
    np.savez(tmp_path / "x.npz", **{"0/serving_default/input": np.zeros((2, 8, 8, 1), "float32")})
    assert run_main(tmp_path, "onnx").returncode == 0
    smuggled = 'format = isolated_process.FORMATS["onnx"]\n'
    smuggled += "format.open = lambda path, real=format.open: sys.modules.update(torch=sys) or real(path)"
    done = run_main(tmp_path, "onnx", smuggled)
    assert done.returncode == 1 and "onnxruntime, torch was imported instead of only onnxruntime" in done.stderr
    allowed = f'{smuggled}\nformat.runtime_imports = ("torch",)'  # as if the runtime needed it
    assert run_main(tmp_path, "onnx", allowed).returncode == 0
    done = run_main(tmp_path, "onnx", "sys.modules['keras'] = sys")  # as if kzoo had imported it
    assert done.returncode == 1 and "keras, kzoo was imported instead of only kzoo" in done.stderr
    kzoo_within = 'format = isolated_process.FORMATS["onnx"]\nformat.open = lambda path: __import__("kzoo.layers")'
    done = run_main(tmp_path, "onnx", kzoo_within)
    assert done.returncode == 1 and "ModuleNotFoundError" in done.stderr


def test_runtimes_and_packages_are_blocked():
    assert {"kzoo", "keras", "tf_keras", "tensorflow", "jax", "torch", "tf2onnx"} <= BLOCKED
    assert {found.runtime for found in FORMATS.values()} <= BLOCKED


def test_a_model_that_does_not_run_is_refused(tmp_path):
    with pytest.raises(Refusal, match="^export: the ONNX at .*nowhere does not run in an isolated process: ") as caught:
        run_isolated(tmp_path / "nowhere", [], FORMATS["onnx"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("code, words", [(-9, "ended by SIGKILL, as when memory"), (-11, "by SIGSEGV"), (1, "no m")])
def test_a_process_without_a_message(tmp_path, monkeypatch, code, words):
    ended = types.SimpleNamespace(returncode=code, stderr="")
    monkeypatch.setattr(isolated_process.subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(Refusal, match=words):
        run_isolated(tmp_path, [], FORMATS["saved_model"])


def test_current_folder_is_not_imported_from(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refusal) as caught:
        run_isolated(tmp_path / "nowhere", [], FORMATS["onnx"])
    assert "wrong numpy" not in str(caught.value)
