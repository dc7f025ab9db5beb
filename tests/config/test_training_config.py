import pytest

from kzoo.checks import Refusal
from kzoo.config.config import check_config, resolved
from tests.config.settings import SMALL, with_sets


def test_frozen_transfer_and_stages():
    """Of the two, transfer.freeze holds for the whole training."""
    sets = ["transfer={until: stage1}", "training.stages=[{epochs: 2}, {optimizer: Adam}]"]
    assert with_sets(*sets).transfer.freeze
    with pytest.raises(
        Refusal, match="training.stages.0 with train or freeze expects transfer.freeze: false; received"
    ):
        with_sets(*sets, "training.stages.0.train=[predictions]")


def test_unset_stages_leave_the_fingerprint():
    assert "stages" not in resolved(check_config(SMALL))["training"]
    staged = resolved(with_sets("training.stages=[{epochs: 2}, {freeze: [a]}]"))["training"]["stages"]
    assert staged == [{"epochs": 2}, {"freeze": ["a"]}]
