"""`kzoo list`."""

import json

import pytest

from kzoo.models.registry import list_models


def test_list(call):
    code, out, _ = call("list", "m*")
    assert code == 0 and all(name in out for name in list_models("m*")) and "2,050" in out
    code, out, _ = call("list", "nielsen_4*")
    assert code == 0 and "3 models" in out and "mnist1d" not in out and "0.63 %" in out and "1.27 %" in out
    code, out, err = call("list", "--family", "mnist1d", "--json")
    found = json.loads(out)
    assert code == 0 and [one["name"] for one in found] == list_models("mnist1d*")
    assert found[0]["configs"][0] == {
        "config": "mnist1d_cnn",
        "published": 0.17,
        "measured": pytest.approx(0.1457, abs=0.05),
    }
