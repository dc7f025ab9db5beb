"""Some hostile cases; by hand any range of them, such as HOSTILE_SEEDS=0:20000. One alone: `tests.hostile`."""

import os

import pytest

from tests.hostile.judge import BAD
from tests.hostile.kinds import KINDS, kind_of
from tests.hostile.workers import Worker, stock


def bad_cases(seeds):
    """Returns what became of those cases that are neither right nor refused in one line."""
    with stock() as folder, Worker(folder) as worker:
        verdicts = [worker.judge(seed) for seed in seeds]
    return {v.seed: f"{v.kind}, {v.verdict}: {v.detail}" for v in verdicts if v.verdict in BAD}


def test_every_kind_has_a_share():
    assert {kind_of(seed) for seed in range(20)} == set(KINDS)


def test_nothing_is_wrong_and_nothing_is_a_traceback():
    assert not bad_cases(range(20)), "python -m tests.hostile --seed N prints a case in full"


@pytest.mark.large
def test_a_range():
    first, _, end = os.environ.get("HOSTILE_SEEDS", "20:2020").partition(":")
    assert not bad_cases(range(int(first), int(end)))
