import pytest

from kzoo.config.comparison import config_sha256
from kzoo.config.config import check_config, resolved
from tests.config.settings import SMALL, refusal, with_sets


def test_unset_views_leave_the_fingerprint():
    plain, several = check_config(SMALL), with_sets("evaluation={crops: 10}")
    assert "evaluation" not in resolved(plain)
    assert check_config(resolved(several)) == several and config_sha256(several) != config_sha256(plain)


@pytest.mark.parametrize(
    "sets, words",
    [
        ("evaluation={}", "evaluation expects crops above 1, scales or frames; received crops=1."),
        ("evaluation={crops: 3}", "evaluation.crops expects one of 1, 5, 10, 50; received 3."),
        ("evaluation={scales: []}", "evaluation.scales expects a list of integers above 0, or null; received []."),
        ("evaluation={frames: 3}", "evaluation.frames expects data.length; received length=None."),
    ],
)
def test_refused_views(sets, words):
    assert refusal(with_sets, sets) == "c.yaml: " + words
