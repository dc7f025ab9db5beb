"""The cache of compiled programs: used by default, bounded, and ignored where it is damaged or cannot be used."""

import os
import subprocess
import sys
import time

import pytest

from kzoo import compilation_cache as module
from kzoo.checks import Refusal
from kzoo.compilation_cache import (
    describe,
    environment_fingerprint,
    is_whole,
    limit_in_bytes,
    tidy,
    use_compilation_cache,
)

COMPILE = """
from kzoo.tensorflow_import import import_tensorflow_quietly
import_tensorflow_quietly()
import tensorflow as tf
print(tf.function(lambda x: tf.sin(x) + 1, jit_compile=True)(tf.constant(0.5)).numpy())
"""
WHOLE = b"\x0a\x03abc"  # field 1 of three bytes


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("KZOO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    monkeypatch.delenv("KZOO_XLA_CACHE", raising=False)
    return tmp_path / "cache" / "xla"


def compile_one(**variables):
    """Compiles a program in a process of its own, as a command does, and checks its result."""
    env = {**os.environ, "XLA_FLAGS": "", **variables}
    done = subprocess.run([sys.executable, "-c", COMPILE], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and float(done.stdout) == pytest.approx(1.4794255), done.stderr


@pytest.mark.large
def test_programs_are_stored_loaded_and_survive_damage(root):
    compile_one()
    (file,) = root.glob("*/*.pb")
    stored = file.stat()
    compile_one()
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (stored.st_mtime_ns, stored.st_ino), "compiled again"
    file.write_bytes(file.read_bytes()[:-100])
    compile_one()
    assert is_whole(file) and file.stat().st_ino != stored.st_ino


def test_used_by_default(root):
    use_compilation_cache()
    folder = root / environment_fingerprint()
    assert f"directory={folder} " in os.environ["TF_XLA_FLAGS"] and folder.is_dir()
    assert describe() == f"{root}: 0 programs, 0 of at most 256 MiB"


@pytest.mark.parametrize(
    "variables", [{"KZOO_XLA_CACHE": "0"}, {"TF_XLA_FLAGS": "--tf_xla_persistent_cache_directory=x"}]
)
def test_turned_off(root, monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    use_compilation_cache()
    assert os.environ["TF_XLA_FLAGS"] == variables.get("TF_XLA_FLAGS", "") and not root.exists()
    assert describe().startswith("not used (KZOO_XLA_CACHE")


def test_other_flags_are_kept(monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_min_cluster_size=7")
    use_compilation_cache()
    assert os.environ["TF_XLA_FLAGS"].startswith("--tf_xla_min_cluster_size=7 --tf_xla_persistent_cache_directory=")


def test_a_folder_that_cannot_be_used(root, monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file")
    use_compilation_cache()
    assert os.environ["TF_XLA_FLAGS"] == ""
    (tmp_path / "cache").unlink()
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 2**20}))
    use_compilation_cache()
    assert os.environ["TF_XLA_FLAGS"] == ""


def test_a_limit_that_is_no_number(monkeypatch):
    for text in ("-1", "1.5", "much"):
        monkeypatch.setenv("KZOO_XLA_CACHE", text)
        with pytest.raises(Refusal, match=f"KZOO_XLA_CACHE expects a whole number of MiB.*received '{text}'"):
            limit_in_bytes()
    monkeypatch.setenv("KZOO_XLA_CACHE", "3")
    assert limit_in_bytes() == 3 * 2**20


def test_tidy(root):
    folder, now = root / "0123", time.time()
    folder.mkdir(parents=True)
    files = {"new.pb": (WHOLE, 0), "old.pb": (WHOLE, 30), "older.pb": (WHOLE, 60)}
    files |= {
        "empty.pb": (b"", 0),
        "cut.pb": (WHOLE[:-1], 0),
        "left.tmp": (WHOLE, 4000),
        "being_written.tmp": (b"x", 5),
    }
    for name, (content, age) in files.items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, (now - age, now - age))
    tidy(2 * len(WHOLE))
    assert {path.name for path in folder.iterdir()} == {"new.pb", "old.pb", "being_written.tmp"}
    tidy(1)
    assert {path.name for path in folder.iterdir()} == {"being_written.tmp"}


def test_another_environment_has_another_folder(monkeypatch):
    before = environment_fingerprint()
    assert before == environment_fingerprint()
    monkeypatch.setenv("XLA_FLAGS", "--xla_other")
    assert environment_fingerprint() != before
    monkeypatch.undo()
    monkeypatch.setattr(module, "processor", lambda: "another")
    assert environment_fingerprint() != before
