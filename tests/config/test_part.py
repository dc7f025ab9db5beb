import json

import pytest
from pydantic import ValidationError

from kzoo.config.comparison import config_sha256
from kzoo.config.config import Config, check_config, resolved
from kzoo.config.part import Part
from tests.config.settings import SMALL, with_sets


@pytest.mark.parametrize("part", [Config, *(field for field in Part.__subclasses__() if field is not Config)])
def test_frozen_and_described(part):
    assert part.__doc__ and all(field.description for field in part.model_fields.values())
    assert part.model_config["frozen"]


def test_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        check_config(SMALL).training.epochs = 3


def test_later_settings_are_written_only_if_they_are_set():
    """So that the config_sha256 of earlier results stays the same, and their runs can be resumed."""
    sized = with_sets("data.image_size=[8, 8]")
    assert "resize" not in resolved(sized)["data"]
    assert resolved(with_sets("data.image_size=[8, 8]", "data.resize=crop"))["data"]["resize"] == "crop"
    for name, value in {"stratify": True, "ignore_label": 255, "training_sizes": [[8, 8]]}.items():
        assert name not in resolved(check_config(SMALL))["data"]
        on = with_sets(f"data.{name}={json.dumps(value)}")
        assert resolved(on)["data"][name] == value and check_config(resolved(on)) == on
        assert config_sha256(on) != config_sha256(check_config(SMALL))
    for path, value in {
        "training.class_weight": "balanced",
        "training.rates": {"*bias": 2.0, "conv1/*": 0.1},
        "training.initializers": {"*bias": {"class_name": "ones", "config": {}}},
        "training.recompute_statistics": True,
        "training.batch_norm_momentum": 0.9,
        "data.class_names": ["a", "b"],
        "export.batch_size": 4,
        "export.size": [32],
    }.items():
        part, name = path.split(".")
        assert name not in resolved(check_config(SMALL))[part]
        assert resolved(with_sets(f"{path}={value}"))[part][name] == value
