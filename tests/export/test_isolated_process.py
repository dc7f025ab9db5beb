"""Answers from a process of its own, and its last words where it fails."""

import subprocess
import types

import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.export import isolated_process
from kzoo.export.isolated_process import max_difference, run_isolated
from kzoo.export.verification_inputs import Case


def test_answers(tmp_path):
    class Sums(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 2), name="x"), tf.TensorSpec((None, 2), name="y")])
        def serve(self, x, y):
            return {"difference": x - y, "sum": x + y}

    module = Sums()
    tf.saved_model.save(module, str(tmp_path / "it"), signatures={"serving_default": module.serve})
    x, y = np.ones((3, 2), "float32"), np.full((3, 2), 5, "float32")
    cases = [Case("serving_default", {"y": y[:n], "x": x[:n]}, [None, None]) for n in (1, 3)]
    found = run_isolated(tmp_path / "it", cases)
    assert [[a.tolist() for a in answers] for answers in found] == [
        [np.full((n, 2), value).tolist() for value in (6.0, -4.0)] for n in (1, 3)
    ]


def test_one_that_does_not_run_is_refused(tmp_path):
    with pytest.raises(Refusal, match="^export: the ONNX at .*nowhere does not run in a bare process: .*") as caught:
        run_isolated(tmp_path / "nowhere", [], "onnx")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("code, words", [(-9, "ended by SIGKILL, as when memory"), (-11, "by SIGSEGV"), (1, "no m")])
def test_a_process_that_says_nothing(tmp_path, monkeypatch, code, words):
    ended = types.SimpleNamespace(returncode=code, stderr="")
    monkeypatch.setattr(isolated_process.subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(Refusal, match=words):
        run_isolated(tmp_path, [])
    assert subprocess.run is isolated_process.subprocess.run


def test_max_difference():
    assert max_difference(np.array([0.0, 4.0]), np.array([1.0, 4.0])) == 0.25
    assert max_difference(np.zeros(3), np.zeros(3)) == 0 and np.isnan(max_difference([1.0], [np.nan]))
    assert max_difference(np.array([-8.0]), np.array([-6.0])) == 0.25
    assert max_difference(np.zeros((2, 1)), np.zeros((1, 2))) == np.inf and max_difference([], []) == 0
