"""Ctrl-C, SIGTERM and a closed terminal end the command in one line, also during imports and in libraries."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kzoo.interrupts import how_to_resume, interrupted_line, is_importing

ROOT = Path(__file__).parents[1]
START = """
import os, signal, sys, time
import kzoo.index
from kzoo import interrupts
from kzoo.__main__ import main

def strike(number=signal.SIGINT):
    os.kill(os.getpid(), number)
    time.sleep(0.01)

class AtImport:
    '''A finder that strikes when it is asked for a module, and swallows the exception, as `except:` does.'''
    def __init__(self, name):
        self.name = name
    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            try:
                strike()
            except BaseException:
                raise ImportError(name)

def run(find_models, grace=60):
    interrupts.GRACE = grace
    kzoo.index.find_models = find_models
    main(["list"])

def swallow(*_):
    try:
        strike()
    except BaseException:
        pass
"""


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", f"{START}\n{code}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", ["kzoo.cli", "typer", "keras", "tensorflow.python.framework.ops"])
def test_during_an_import(name):
    """Also where the import is within `try: ... except:`, as some of TensorFlow's are, and with stderr redirected."""
    got = run(f"sys.meta_path.insert(0, AtImport({name!r})); main(['train', 'mnist1d_fc', '--dry-run'])")
    assert got == (130, "", "kzoo: interrupted.\n")


SWALLOWED = {
    "once": "swallow(); time.sleep(60)",
    "twice": "swallow(); swallow(); time.sleep(60)",
    "in a destructor": "type('It', (), {'__del__': lambda self: strike()})(); time.sleep(60)",
    "and an error raised": "swallow(); raise ValueError('of a library')",
    "at the end": "swallow(); return []",
}


@pytest.mark.parametrize("case", SWALLOWED)
def test_swallowed(case):
    """A library that catches KeyboardInterrupt does not go on."""
    got = run(f"def work(*_): {SWALLOWED[case]}\nrun(work, grace={0.2 if case == 'once' else 60})")
    assert (got[0], got[2]) == (130, "kzoo: interrupted.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["int", "term", "hup"])
def test_the_command_unwinds(number):
    code = f"""
def work(*_):
    try:
        strike({int(number)})
        time.sleep(60)
    finally:
        print("unwound")

run(work)"""
    assert run(code) == (128 + number, "unwound\n", "kzoo: interrupted.\n")


def test_in_native_code():
    """Python would handle the signal only when a call of native code returns."""
    code = """
import ctypes, threading
threading.Timer(0.1, strike).start()
run(lambda *_: ctypes.CDLL(None).sleep(60), grace=0.1)"""
    assert run(code) == (130, "", "kzoo: interrupted.\n")


def test_an_ignored_signal_stays_ignored():
    """As of nohup, and of background jobs of scripts."""
    got = run("signal.signal(signal.SIGINT, signal.SIG_IGN); run(lambda *_: strike() or sys.exit(7))")
    assert got == (7, "", "")


def test_lines():
    assert interrupted_line(["tune", "it"]).startswith("kzoo: interrupted; the same command resumes from")
    assert how_to_resume(["--debug", "tune"]) and not how_to_resume(["export", "mnist1d_cnn"])
    for option in ("--overfit=8", "--find-lr", "--dry-run"):
        assert not how_to_resume(["train", "it", option])
    assert not how_to_resume(["tune", "it", "--report"])


def test_is_importing():
    assert not is_importing(None) and not is_importing(sys._getframe())
