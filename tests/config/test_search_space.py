"""The grammar of search.space, through the configs that contain it."""

import pytest

from kzoo.config.config import check_config
from kzoo.config.search_space import possible_values, when_values
from tests.config.settings import SMALL, refusal


@pytest.mark.parametrize(
    "path, entry, words",
    [
        ("trainin.epochs", {"int": [1, 2]}, "is not a setting to search; did you mean 'training.epochs'"),
        ("training.epoch", {"int": [1, 2]}, "is not a setting to search; did you mean 'training.epochs'"),
        ("modl.filters", {"int": [1, 2]}, "is not a setting to search; did you mean 'model.filters'"),
        ("search.trials", {"int": [1, 2]}, "is not a setting to search;"),
        ("model", {"int": [1, 2]}, "is not a setting to search;"),
        ("model.", {"int": [1, 2]}, "is not a setting to search;"),
        ("model.a", 5, "expects a mapping; received 5."),
        (
            "model.a",
            {},
            "expects one of int, float (each with or without step), log, choice and boolean; received entry={}.",
        ),
        ("model.a", {"in": [1, 2]}, "expects one of int, float"),
        ("model.a", {"int": [1, 2], "log": [1, 2]}, "expects one of int, float"),
        ("model.a", {"log": [1, 2], "step": 1}, "expects one of int, float"),
        ("model.a", {"int": [2, 1]}, "expects int: [low, high], two integers with low < high; received int=[2, 1]."),
        ("model.a", {"int": [1, 1]}, "expects int: [low, high], two integers with low < high; received int=[1, 1]."),
        ("model.a", {"int": [1, 2.5]}, "expects int: [low, high], two integers with low < high;"),
        ("model.a", {"int": [False, True]}, "expects int: [low, high], two integers with low < high;"),
        ("model.a", {"int": [1, 2, 3]}, "expects int: [low, high], two integers with low < high;"),
        ("model.a", {"int": 3}, "expects int: [low, high], two integers with low < high; received int=3."),
        ("model.a", {"int": [1, 9], "step": 0}, "expects step above 0, as integers; received step=0."),
        ("model.a", {"int": [1, 9], "step": 1.5}, "expects step above 0, as integers; received step=1.5."),
        ("model.a", {"float": [0, 1], "step": "x"}, "expects step above 0, as numbers; received step='x'."),
        ("model.a", {"float": ["0", 1]}, "expects float: [low, high], two numbers with low < high;"),
        ("model.a", {"float": [0, float("inf")]}, "expects float: [low, high], two numbers with low < high;"),
        ("model.a", {"log": [0, 1]}, "expects log: [low, high], two numbers with 0 < low < high; received log=[0, 1]."),
        ("model.a", {"choice": []}, "expects choice: a list of different values; received choice=[]."),
        ("model.a", {"choice": [1, 1]}, "expects choice: a list of different values; received choice=[1, 1]."),
        ("model.a", {"choice": "ab"}, "expects choice: a list of different values; received choice='ab'."),
        ("model.a", {"boolean": False}, "expects boolean: true; received boolean=False."),
        (
            "data.validation",
            {"float": [0, 1]},
            "is not a setting to search; every trial takes it from search.validation.",
        ),
        (
            "training.seeds.0",
            {"int": [0, 1]},
            "is not a setting to search; every trial takes it from search.seeds.",
        ),
        (
            "model.a",
            {"int": [1, 2], "when": {}},
            "expects when: one setting and its value or values",
        ),
    ],
)
def test_refused_spaces(path, entry, words):
    got = refusal(check_config, {**SMALL, "search": {"trials": 1, "space": {path: entry}}}, "c.yaml")
    assert got.startswith(f"c.yaml: search.space.{path} {words}"), got


@pytest.mark.parametrize(
    "when, words",
    [
        (
            {"model.d": 1},
            "expects a setting of an int, choice, boolean or stepped float; received when=",
        ),
        ({"model.c": 5}, "expects values of model.c, among ['x', 'y']; received value=5."),
        ({"model.c": ["x", 5]}, "expects values of model.c, among ['x', 'y']; received value=5."),
        ({"model.c": []}, "expects at least one value of model.c; received when={'model.c': []}."),
        ({"model.x": 1}, "expects a setting that precedes it in the space; received 'model.x'; "),
    ],
)
def test_refused_conditions(when, words):
    space = {
        "model.c": {"choice": ["x", "y"]},
        "model.d": {"log": [1, 2]},
        "model.a": {"int": [1, 2], "when": when},
    }
    got = refusal(check_config, {**SMALL, "search": {"trials": 1, "space": space}}, "c.yaml")
    assert got.startswith(f"c.yaml: search.space.model.a.when {words}"), got


def test_values():
    assert possible_values({"choice": ["a", None]}) == ["a", None] and possible_values({"boolean": True}) == [
        False,
        True,
    ]
    assert possible_values({"int": [8, 31], "step": 8}) == [8, 16, 24] and possible_values({"int": [1, 3]}) == [1, 2, 3]
    assert possible_values({"log": [1, 2]}) is None and possible_values({"float": [0, 1]}) is None
    assert when_values({"model.a": 1}) == [1] and when_values({"model.a": [1, 2]}) == [1, 2]
