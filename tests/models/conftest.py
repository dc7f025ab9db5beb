"""Frees models after each test: some hold half a gigabyte of weights, in reference cycles that Python collects late."""

import gc

import pytest


@pytest.fixture(autouse=True, scope="module")
def freeze_existing_objects():
    """Excludes objects that exist before a file's first test, mostly modules, from the collections after each test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def collect_garbage():
    yield
    gc.collect()
