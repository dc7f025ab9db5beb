"""Finds the cases that the test files of ops and layers define."""

import functools
import importlib
import pathlib
import re

TESTS = pathlib.Path(__file__).parent


@functools.cache
def collect(name):
    """Returns the entries of every dictionary `name`, OP_CASES or LAYER_CASES, in the test files of ops and layers.

    Other test files are not imported: those that call `collect` themselves would import each other.
    """
    cases = {}
    for path in sorted([*TESTS.glob("ops/test_*.py"), *TESTS.glob("layers/test_*.py")]):
        if re.search(rf"^{name} = {{", path.read_text(), re.MULTILINE):
            found = getattr(importlib.import_module(f"tests.{path.parent.name}.{path.stem}"), name)
            assert not found.keys() & cases.keys(), f"{path} defines a case of another file: {found.keys() & cases}"
            cases |= found
    return cases
