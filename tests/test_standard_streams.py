"""Closed and full standard streams, in real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kzoo.standard_streams import point_to_null_device

ROOT = Path(__file__).parents[1]


def run(redirection, *args):
    """Runs kzoo in a shell with a redirection; returns (exit code, stdout and stderr as far as they are open)."""
    line = f'exec "$0" -m kzoo "$@" {redirection}'
    command = ["sh", "-c", line, sys.executable, *args]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("redirection", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
@pytest.mark.parametrize("args, code", [(["list", "nielsen_4*"], 0), (["list", "nothing"], 2)], ids=["right", "wrong"])
def test_closed(redirection, args, code):
    got, out, err = run(redirection, *args)
    assert got == code and "Traceback" not in err
    assert ("3 models" in out) == (code == 0 and "1>" not in redirection)
    assert ("no model matches" in err) == (code == 2 and "2>" not in redirection)


def test_files_do_not_get_the_number_of_a_closed_stream():
    code = """
import os, sys
from kzoo.standard_streams import open_closed_streams
open_closed_streams()
with open(sys.argv[1], "w") as file:
    print("a message", file=sys.stderr)
    os._exit(file.fileno() < 3 or os.fstat(file.fileno()).st_size)"""
    for redirection in ("2>&-", "0<&- 1>&- 2>&-"):
        line = f'exec "$0" -c "$1" "$2" {redirection}'
        done = subprocess.run(["sh", "-c", line, sys.executable, code, os.devnull], cwd=ROOT, check=False)
        assert done.returncode == 0


@pytest.mark.parametrize("args", [["list"], ["list", "--json"], ["--help"], ["--version"]], ids=" ".join)
def test_full(args):
    """Of stdout, one line and exit code 2; of stderr, the exit code of the command."""
    assert run(">/dev/full", *args) == (2, "", "kzoo: [Errno 28] No space left on device\n")
    assert run(">/dev/full 2>&1", *args) == (2, "", "")


def test_point_to_null_device(tmp_path):
    with open(tmp_path / "it", "w") as file:
        point_to_null_device(file.fileno())
        file.write("text")
    assert (tmp_path / "it").read_text() == ""
