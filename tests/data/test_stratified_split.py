import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.data.stratified_split import stratified_split


@pytest.mark.parametrize("seed", range(20))
def test_both_parts_have_each_class_in_its_share(seed):
    draw = np.random.default_rng(seed)
    sizes = draw.integers(2, 60, 7)
    labels = draw.permutation(np.repeat([0, 1, 2, 3, 5, 8, 9], sizes))
    held_out = int(draw.integers(7, sizes.sum() - 7))
    stay, held = stratified_split(labels, held_out)
    assert len(held) == held_out and sorted([*stay, *held]) == list(range(len(labels)))
    assert (np.diff(stay) > 0).all() and (np.diff(held) > 0).all()
    for label, size in zip([0, 1, 2, 3, 5, 8, 9], sizes):
        count = (labels[held] == label).sum()
        assert 1 <= count < size
        assert abs(count - size * held_out / len(labels)) < 2
        where = np.flatnonzero(labels == label)
        np.testing.assert_array_equal(np.intersect1d(where, held), where[len(where) - count :])


def test_equal_shares_are_exact():
    labels = np.tile([0, 1, 2, 2], 25)
    _, held = stratified_split(labels, 20)
    assert np.bincount(labels[held]).tolist() == [5, 5, 10]


def test_a_class_of_one_example_stays():
    labels = np.array([7, 0, 0, 0, 0])
    stay, held = stratified_split(labels, 2)
    assert stay.tolist() == [0, 1, 2] and held.tolist() == [3, 4]


@pytest.mark.parametrize("held_out", [1, 5])
def test_refuses_parts_that_would_lack_a_class(held_out):
    with pytest.raises(Refusal, match=f"validation of 2 to 4 examples, so that both .*received held_out={held_out}"):
        stratified_split(np.array([0, 0, 0, 1, 1, 1]), held_out)
