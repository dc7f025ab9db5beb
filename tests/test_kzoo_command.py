"""The command's first step: TensorFlow's start-up notes are kept back, and shown when something fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kzoo_command import quiet_stderr

ROOT = Path(__file__).parents[1]


def test_keeps_native_notes_back(capfd):
    with quiet_stderr():
        os.write(2, b"a note of native code\n")
    print("after", file=sys.stderr, flush=True)
    assert capfd.readouterr().err == "after\n"


def test_shows_them_if_the_block_fails(capfd):
    with pytest.raises(RuntimeError), quiet_stderr():
        os.write(2, b"the reason\n")
        raise RuntimeError
    print("after", file=sys.stderr, flush=True)
    assert capfd.readouterr().err == "the reason\nafter\n"


def test_a_misuse_is_one_line_of_a_real_process(tmp_path):
    """Whatever TensorFlow has to say at its start, and whatever its log level was."""
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    code = "import sys; from kzoo_command import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "train", "--set", "training.epochs=0", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    config = Path("zoo_configs", "mnist1d_cnn.yaml")
    assert done.stderr == f"kzoo: {config}: training.epochs expects an integer above 0; received 0.\n"
    assert not (tmp_path / "out").exists()
