from kzoo.config.comparison import config_sha256, differences
from kzoo.config.config import check_config, resolved
from tests.config.settings import SMALL, with_sets


def test_fingerprint():
    swapped = {part: dict(reversed(settings.items())) for part, settings in reversed(SMALL.items())}
    same = config_sha256(check_config(SMALL))
    assert len(same) == 64 and same == config_sha256(check_config(swapped))
    assert same == config_sha256(with_sets("training.seeds=[0]")) == config_sha256(with_sets("data.validation=0.0"))
    assert same != config_sha256(with_sets("training.seeds=[1]"))
    assert same != config_sha256(with_sets("model.filters=true"))


def test_differences():
    old = resolved(check_config(SMALL))
    sets = ["training.epochs=10", "training.seeds=[0, 1]", "model.b=1", "training.callbacks=[History]"]
    new = resolved(with_sets(*sets))
    assert differences(old, new) == [
        "training.epochs: 100 -> 10",
        "training.seeds: [0] -> [0,1]",
        "training.callbacks: [] -> unset",
        "model.b: unset -> 1",
        'training.callbacks.0.class_name: unset -> "History"',
        "training.callbacks.0.config: unset -> {}",
    ]
    assert differences({"a": 1}, {"a": True}) == ["a: 1 -> true"]  # equal to Python, not to the fingerprint
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 1}}) == []
    assert differences({"a": float("nan")}, {"a": float("nan")}) == []
