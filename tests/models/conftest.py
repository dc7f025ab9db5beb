"""Nets are given back after each test: some hold half a gigabyte of weights, in cycles that Python leaves for later."""

import gc

import pytest


@pytest.fixture(autouse=True)
def given_back():
    yield
    gc.collect()
