"""The wording of errors; test_config.py has one for each setting."""

from kzoo.config.config import Config, check_config
from kzoo.config.config_errors import part_of, setting_names
from kzoo.config.search_config import SearchConfig
from tests.config.settings import SMALL, refusal, with_sets


def test_counts_the_errors_it_leaves_out():
    got = refusal(with_sets, "training={a: 1, b: 2}")
    assert got.endswith("training.optimizer is missing; and 2 more.")


def test_long_values_are_cut():
    got = refusal(check_config, {**SMALL, "export": {"formats": "x" * 500}}, "c.yaml")
    assert len(got) < 400 and got.endswith("xxx'.") and "xxx...xxx" in got


def test_names_are_escaped_and_cut():
    got = refusal(check_config, {**SMALL, "\x1b[31m" + "x" * 20_000: 1, "y" * 20_000: {}}, "c.yaml")
    assert got.isprintable() and "c.yaml: \\x1b[31mxxx" in got and "yyy is not a setting" in got and len(got) <= 1000


def test_setting_names():
    assert setting_names(Config, ["training", "callbacks", 0]) == ["class_name", "config"]
    assert setting_names(Config, ["export"]) == ["formats", "batch_size", "size", "integer"]
    assert part_of(SearchConfig | None) is SearchConfig and part_of(int) is None
