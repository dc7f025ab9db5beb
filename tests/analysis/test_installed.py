"""What is installed of what kzoo and its extras need: requirements, their extras, versions and what is missing."""

import importlib.metadata
import tomllib
from pathlib import Path

import pytest

from kzoo.analysis import installed
from kzoo.analysis.installed import PURPOSES, describe_extra, extras, needed

ROOT = Path(__file__).resolve().parents[2]
METADATA = {
    "kzoo": (
        "1",
        [
            "keras>=3",
            'onnx>=1.20; extra == "export"',
            'other; extra == "export"',
            'big[gpu]; extra == "gpu"',
            'kzoo[export,gpu]; extra == "test"',
            'keras; extra == "test"',
            'old; python_version < "3" and extra == "test"',
        ],
    ),
    "keras": ("3.1", ["h5>=2"]),
    "onnx": ("1.2", []),
    "big": ("2", ['nvidia-x==1; extra == "gpu"', 'nvidia-y; extra == "tpu"', "h5"]),
    "h5": ("1", None),
}


@pytest.fixture
def environment(monkeypatch):
    def found(package):
        if package not in METADATA:
            raise importlib.metadata.PackageNotFoundError(package)
        return METADATA[package]

    monkeypatch.setattr(importlib.metadata, "version", lambda package: found(package)[0])
    monkeypatch.setattr(importlib.metadata, "requires", lambda package: found(package)[1])


def problems(extra="", **more):
    return {each.name: each.problem for each in needed(extra=extra, **more)}


def test_needed(environment):
    assert problems() == {"keras": None}
    assert problems(deep=True) == {"keras": None, "h5": "h5 1, not >=2"}
    assert problems("export") == {"onnx": "onnx 1.2, not >=1.20", "other": "other"}
    assert problems("gpu") == {"big": None, "nvidia-x": "nvidia-x==1"}
    assert problems("gpu", deep=True) == {"big": None, "nvidia-x": "nvidia-x==1", "h5": None}
    assert problems("test") == {**problems("export"), **problems("gpu"), "keras": None}
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        list(needed("none"))


def test_describe_extra(environment, monkeypatch):
    assert describe_extra("export") == (
        "missing for ONNX, LiteRT and OpenVINO: onnx 1.2, not >=1.20, other; pip install 'kzoo[export]'"
    )
    monkeypatch.setattr(installed, "SHOWN", 1)
    assert "onnx 1.2, not >=1.20 and 1 more; pip" in describe_extra("export")
    monkeypatch.setitem(METADATA, "onnx", ("1.21", []))
    monkeypatch.setitem(METADATA, "other", ("1", []))
    assert describe_extra("export") == "installed; ONNX, LiteRT and OpenVINO"


def test_every_extra_has_a_purpose():
    with open(ROOT / "pyproject.toml", "rb") as file:
        assert list(tomllib.load(file)["project"]["optional-dependencies"]) == list(PURPOSES)
    assert set(extras()) <= set(PURPOSES)
