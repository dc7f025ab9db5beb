"""The zoo as tables."""

import pytest

from kzoo.analysis.catalogue import models_table, settings_table
from kzoo.checks import Refusal
from kzoo.models.registry import describe, list_models


def cells(table):
    return list(zip(*(column.cells for column in table.columns)))


def test_models():
    table = models_table("mnist1d_[cf]*")
    assert [column.header for column in table.columns] == ["name", "input", "parameters", "what", "source"]
    found = {row[0]: row[1:] for row in cells(table)}
    assert sorted(found) == list_models("mnist1d_[cf]*") and table.title == f"{len(found)} models"
    size, count, what, source = found["mnist1d_cnn"]
    assert (size, count, source) == ("40 x 1", "2,050", "Prince 2023") and what.startswith("Signals (B, 40, 1)")


def test_unknown_patterns_are_refused():
    for pattern in ("mnist1d_cn", "", "nielsen_9*"):
        with pytest.raises(Refusal, match=f"no model matches {pattern!r}".replace("*", r"\*")):
            models_table(pattern)


def test_settings():
    table = settings_table(describe("nielsen_6"))
    assert dict(cells(table))["fc_units"] == "(1000, 1000)" and dict(cells(table))["name"] == "'nielsen_6'"
