"""Interruptions, full disks and faults: lines on stderr and exit codes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kzoo.checks import Refusal
from tests.cli.conftest import ROOT


@pytest.mark.parametrize(
    "command, words",
    [("train", "interrupted; the same command resumes from the last finished epoch."), ("list", "interrupted.")],
)
def test_interrupted(call, monkeypatch, command, words):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("kzoo.training.run.run", interrupted)
    monkeypatch.setattr("kzoo.index.find_models", interrupted)
    assert call(command) == (130, "", f"kzoo: {words}\n")


def test_a_disk_error_is_one_line(misuse, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "saved_models/.x.partial/state.npz.writing")

    monkeypatch.setattr("kzoo.training.run.run", full)
    assert misuse("train", "mnist1d_fc") == (
        "[Errno 28] No space left on device: 'saved_models/.x.partial/state.npz.writing'"
    )


def test_a_disk_error_of_tensorflow_is_one_line(misuse, monkeypatch):
    def full(*_):
        raise RuntimeError("cache/x.pb.tmp; No space left on device\n[Op:__inference_f_1]")

    monkeypatch.setattr("kzoo.training.run.run", full)
    assert misuse("train", "mnist1d_fc") == "cache/x.pb.tmp; No space left on device [Op:__inference_f_1]"


def test_out_of_memory_is_one_line(misuse, monkeypatch):
    monkeypatch.setattr("kzoo.training.run.run", lambda *_: np.empty(2**50))
    assert misuse("train", "mnist1d_fc").startswith("out of memory (Unable to allocate 8.00 PiB for an array")


def test_a_message_of_several_lines_becomes_one_line(misuse, monkeypatch):
    def refused(*_):
        raise Refusal("Keras says:\n  two\tthings")

    monkeypatch.setattr("kzoo.training.run.run", refused)
    assert misuse("train", "mnist1d_fc") == "Keras says: two things"


def test_a_fault_is_a_report_in_a_few_lines(call, fault):
    code, out, err = call("train", "mnist1d_fc")
    lines = err.splitlines()
    assert (code, out) == (1, "") and lines[:2] == [
        "kzoo: ZeroDivisionError: division",
        "  mnist1d_fc seed 0, epoch 3 of 10",
    ]
    assert len(lines) <= 7 and "Traceback" not in err
    assert lines[-1] == "the same command resumes from the last finished epoch"
    report = Path(lines[-2].rpartition(" ")[2]).read_text()
    assert report.startswith("command: kzoo train mnist1d_fc\n") and "ZeroDivisionError: division\nby zero" in report


def test_a_misuse_is_one_line_of_a_real_process(tmp_path):
    """Without the messages that TensorFlow prints when it starts."""
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    wrong = ["mnist1d_fc", "--dry-run", "--set", "model.units=-1", "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "kzoo", "train", *wrong]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("kzoo: ") and done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seconds", [0.8, 3])
def test_ctrl_c_is_one_line_of_a_real_process(tmp_path, seconds):
    """During the import of TensorFlow, and later."""
    command = [sys.executable, "-m", "kzoo", "train", "mnist1d_cnn", "--dry-run", "--out", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    if process.returncode != 0:  # 0: it finished first
        assert (process.returncode, err) == (130, "kzoo: interrupted.\n")
