import copy
from pathlib import Path

import pytest

from kzoo.config import config_files as module
from kzoo.config.comparison import config_sha256, differences
from kzoo.config.config import check_config, resolved
from kzoo.config.config_files import config_path, list_configs, read_config
from kzoo.config.yaml_file import write_yaml
from tests.config.settings import FULL, SMALL, refusal


@pytest.mark.parametrize("settings", [SMALL, FULL], ids=["small", "full"])
def test_round_trip_through_a_file(settings, tmp_path):
    config = check_config(copy.deepcopy(settings))
    write_yaml(resolved(config), tmp_path / "c.yaml")
    again = read_config(tmp_path / "c.yaml")
    assert again == config and repr(resolved(again)) == repr(resolved(config))
    assert config_sha256(again) == config_sha256(config) and differences(resolved(again), resolved(config)) == []


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A checkout with two configs, seen from its top folder."""
    folder = tmp_path / "zoo_configs"
    (folder / "studies").mkdir(parents=True)
    for name in ("lenet", "lenet_wide", "studies/tiles"):
        write_yaml(SMALL, folder / f"{name}.yaml")
    monkeypatch.setattr(module, "FOLDERS", [tmp_path / "none", folder])
    monkeypatch.chdir(tmp_path)
    return folder


def test_names_and_paths(shipped, monkeypatch):
    assert list_configs() == ["lenet", "lenet_wide"] and list_configs("*_w*") == ["lenet_wide"]
    assert config_path("lenet") == Path("zoo_configs", "lenet.yaml")
    assert read_config("lenet") == read_config("zoo_configs/lenet.yaml") == read_config(shipped / "lenet.yaml")
    assert read_config("lenet", ["training.epochs=3"]).training.epochs == 3
    for path in ("lenet.yaml", "x/lenet", "lenet.yml"):
        assert config_path(path) == Path(path)
    monkeypatch.chdir(shipped / "studies")
    assert config_path("lenet") == shipped / "lenet.yaml"


def test_refusals_name_the_file(shipped):
    assert refusal(read_config, "lenett") == "no config is called 'lenett'; did you mean 'lenet' or 'lenet_wide'?"
    assert refusal(read_config, "lenet.yaml") == "lenet.yaml cannot be read: no such file or directory."
    got = refusal(read_config, "lenet", ["training.epoch=1"])
    assert got == "zoo_configs/lenet.yaml: training.epoch is not a setting; did you mean 'epochs' or 'steps_per_epoch'?"


def test_shipped_configs_are_found():
    top = Path(__file__).resolve().parents[2]
    assert top / "zoo_configs" in module.FOLDERS and top / "kzoo" / "zoo_configs" in module.FOLDERS
