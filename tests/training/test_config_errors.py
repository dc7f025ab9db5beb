"""The wording of errors; test_config.py has one for each setting."""

from kzoo.training.config import Config, SearchConfig, check_config
from kzoo.training.config_errors import one_line, part_of, setting_names
from tests.training.test_config import SMALL, refusal, with_sets


def test_counts_the_errors_it_leaves_out():
    got = refusal(with_sets, "training={a: 1, b: 2}")
    assert got.endswith("training.optimizer is missing; and 2 more.")


def test_long_values_are_cut():
    got = refusal(check_config, {**SMALL, "export": {"formats": "x" * 500}}, "c.yaml")
    assert len(got) < 300 and got.endswith("....")


def test_one_line():
    assert one_line(ValueError("two\n lines")) == "two lines" and one_line(KeyError()) == "KeyError"
    assert len(one_line(ValueError("word " * 1000))) <= 1000


def test_setting_names():
    assert setting_names(Config, ["training", "callbacks", 0]) == ["class_name", "config"]
    assert setting_names(Config, ["export"]) == ["formats"]
    assert part_of(SearchConfig | None) is SearchConfig and part_of(int) is None
