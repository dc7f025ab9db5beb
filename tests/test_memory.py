"""The memory that is left, and refusals of what cannot fit."""

import resource
import subprocess
import sys

import numpy as np
import pytest

from kzoo import memory
from kzoo.checks import Refusal
from kzoo.memory import available_memory, check_memory, describe_out_of_memory, is_out_of_memory


def test_of_this_machine():
    found = available_memory()
    assert 0 < found < 2**44
    code = "import resource; from kzoo.memory import available_memory; b = available_memory();"
    code += "resource.setrlimit(resource.RLIMIT_DATA, (2**33, 2**33)); a = available_memory(); print(a < 2**33, a <= b)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "True True\n", done.stderr[-500:]
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY or found < 2**44


@pytest.mark.parametrize(
    "limit, used, reclaimable",
    [
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ],
    ids=["2", "1"],
)
def test_of_a_control_group(tmp_path, monkeypatch, limit, used, reclaimable):
    """Files that the kernel can drop from memory do not count as used."""
    for name, content in {limit: "3000\n", used: "2500\n", "memory.stat": f"anon 7\n{reclaimable} 600\n"}.items():
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(memory, "VERSIONS", ((tmp_path, limit, used, reclaimable),))
    assert available_memory() == 1100
    (tmp_path / limit).write_text("max\n")
    assert available_memory() > 3000
    (tmp_path / limit).write_text("1000\n")
    assert available_memory() == 0


def test_check_memory(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2**30)
    assert check_memory(2**30, "it") is None
    with pytest.raises(Refusal, match=r"^it needs at least 1\.5 GiB of memory; 1\.0 GiB are available\.$"):
        check_memory(1.5 * 2**30, "it")


def test_is_out_of_memory():
    import tensorflow as tf

    try:
        np.empty(2**50)
    except MemoryError as error:
        assert is_out_of_memory(error) and "(Unable to allocate 8.00 PiB for an array" in describe_out_of_memory(error)
    text = "OOM when allocating tensor with shape[9] and type float on /device:CPU:0 by allocator cpu"
    error = tf.errors.ResourceExhaustedError(None, None, text)  # tests/tuning/test_trial.py waits 10 s for a real one
    assert is_out_of_memory(error)
    assert "(allocating tensor with shape[9] and type float)" in describe_out_of_memory(error)
    assert not is_out_of_memory(OSError(28, "No space left on device"))
