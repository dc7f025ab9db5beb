"""Runs the Python blocks of README."""

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.S)


@pytest.mark.parametrize("index", range(len(BLOCKS)))
def test_block_runs(index):
    code = "\n".join(line for line in BLOCKS[index].splitlines() if "load_model(" not in line)  # needs a finished run
    names = {}
    exec(compile(code, f"README block {index}", "exec"), names)  # noqa: S102
    assert "net" not in names or names["net"].count_params() > 0


def test_filters_keep_the_images_size():
    names = {}
    exec(compile(BLOCKS[1], "README block 1", "exec"), names)  # noqa: S102
    assert names["edges"].shape == (1, 280, 320, 6) and names["smooth"].shape == (1, 280, 320, 3)


def test_every_layer_is_named():
    from kzoo import layers

    missing = {name for name in layers.__all__ if f"`{re.sub('[123]D$', '', name)}`" not in README.read_text()}
    assert not missing, f"add to README's table of layers: {missing}"


def test_unpooled_maps_have_the_inputs_own_size():
    import numpy as np

    names = {}
    exec(compile(BLOCKS[0], "README block 0", "exec"), names)  # noqa: S102
    assert names["model"](np.ones((2, 15, 18, 3), "float32")).shape == (2, 7, 18, 3)
