"""Nets are given back after each test: some hold half a gigabyte of weights, in cycles that Python leaves for later."""

import gc

import pytest


@pytest.fixture(autouse=True, scope="module")
def settled():
    """What is there before a file's first test, modules above all, is not walked through after each of its tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def given_back():
    yield
    gc.collect()
