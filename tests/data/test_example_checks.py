"""Examples that are not finite, whose labels are out of range, or whose files cannot be read."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.data.example_checks import ExampleChecks, find_not_finite
from kzoo.data.examples import Examples
from kzoo.data.source import prepare_example


def split(x, y, memory, classes=3, find_damage=lambda: None):
    """Returns examples as a source prepares them: kept in memory, or with `memory` 0 streamed."""
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).map(prepare_example)
    return Examples(dataset, len(x), memory, ExampleChecks("the test split of 'it'", classes, find_damage))


def read_all(examples, method):
    with examples.errors():
        list(examples.once(2) if method == "once" else examples.batches(2).take(9))


@pytest.mark.parametrize("memory", [None, 0], ids=["memory", "stream"])
@pytest.mark.parametrize("method", ["once", "batches"])
def test_bad_examples_are_refused_as_they_are_read(memory, method):
    x, y = np.zeros((5, 2), "float32"), np.arange(5) % 3
    read_all(split(x, y, memory), method)
    for value in (np.nan, -np.inf):
        bad = x.copy()
        bad[3, 1] = value
        with pytest.raises(Refusal, match="^load expects finite numbers in the test split of 'it'; received ") as got:
            read_all(split(bad, y, memory), method)
        assert "\n" not in str(got.value)
    for label, classes in ((3, 3), (-1, 3), (2**32, 3), (-(2**40), None)):
        expected = "load expects labels (from 0 to 2|within int32) in the test split of 'it'; received "
        with pytest.raises(Refusal, match=expected) as got:
            read_all(split(x, np.append(y[:4], label), memory, classes), method)
        assert "\n" not in str(got.value)


def test_the_example_is_named_where_all_are_in_memory():
    x = np.zeros((5, 2, 2), "float32")
    x[3, 0, 1] = np.inf
    with pytest.raises(Refusal, match="received example=3, value=inf"):
        split(x, np.zeros(5, int), None).preload()
    with pytest.raises(Refusal, match="labels from 0 to 2 .*; received smallest=0, largest=2147483647"):
        split(np.zeros((2, 1)), np.array([0, 2**32 + 1]), None).preload()


@pytest.mark.parametrize("memory", [None, 0], ids=["memory", "stream"])
def test_errors_from_damaged_files_name_the_file(memory):
    """Also if there are fewer examples than declared, which would otherwise only shorten the epochs."""
    broken = tf.data.Dataset.range(4).map(lambda i: (tf.debugging.check_numerics(1 / (2 - i), ""), i))
    short = tf.data.Dataset.range(3).map(lambda i: (i, i))
    for dataset in (broken, short):
        for method in ("once", "batches"):
            checks = ExampleChecks(find_damage=lambda: "shard 7 is damaged")
            with pytest.raises(Refusal, match="load expects files that can be read; shard 7 is damaged."):
                read_all(Examples(dataset, 4, memory, checks), method)


def test_other_errors_stay():
    checks = ExampleChecks()
    with pytest.raises(tf.errors.InvalidArgumentError), checks.errors():
        tf.debugging.assert_equal(1, 2)
    with pytest.raises(tf.errors.ResourceExhaustedError), ExampleChecks(find_damage=lambda: "damage").errors():
        raise tf.errors.ResourceExhaustedError(None, None, "memory")


def test_find_not_finite():
    x = np.ones((2, 3))
    assert find_not_finite(x) is None and find_not_finite(x[:0]) is None and find_not_finite(x > 0) is None
    x[1, 2], x[1, 1] = np.nan, -np.inf
    assert find_not_finite(x) == (1, 1) and find_not_finite(x.astype("float16")) == (1, 1)
