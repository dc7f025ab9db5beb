"""Checks, before training, that every label is one which the losses and metrics of a config accept."""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.data.examples import Examples
from kzoo.data.loader import Data
from kzoo.training.label_targets import LabelRange

BATCH = 1000  # examples whose labels are read at a time


class LabelChecks:
    """The checks of labels against the ranges of a config's losses and metrics.

    A split in memory is checked as a whole before training; of one that is streamed, the first batch is, and every
    batch when it is read.

    >>> import numpy as np
    >>> checks = LabelChecks([LabelRange("training.loss", 2)])
    >>> checks.check_split("train", Examples.from_arrays(np.zeros((3, 1)), np.array([0, 1, 2])))
    Traceback (most recent call last):
    ...
    kzoo.checks.Refusal: training.loss expects labels from 0 to 1; received split='train', index=(2,), value=2.
    """

    def __init__(self, ranges: Sequence[LabelRange]):
        self.ranges = ranges

    def check(self, data: Data) -> None:
        """Raises Refusal with the first label of the data that is not accepted."""
        for name, split in data.splits().items():
            self.check_split(name, split)

    def check_split(self, name: str, split: Examples) -> None:
        """Raises Refusal with the first label of a split that is not accepted."""
        if not self.ranges:
            return
        batches = split.once(min(BATCH, split.size)).map(lambda x, y: y)
        start = 0
        for targets in (batches.take(1) if split.is_streamed else batches).as_numpy_iterator():
            for each in self.ranges:
                labels = each.labels_of(targets)
                index = each.find_invalid(labels)
                if index is not None:
                    place = (start + index[0], *index[1:])
                    require(False, each.who, str(each), split=name, index=place, value=int(labels[index]))
            start += len(tf.nest.flatten(targets)[0])

    def watch(self, dataset: tf.data.Dataset, split: Examples, name: str) -> tf.data.Dataset:
        """Returns the batches of a split; reading a bad one of a streamed split is an error, see `label_errors`.

        Labels that are probabilities already were watched by `probabilities`.
        """
        y = dataset.element_spec[1]
        mixed = not isinstance(y, dict) and y.dtype.is_floating
        if not split.is_streamed or not self.ranges or mixed:
            return dataset

        def check(x, y, *weight):
            return x, self._asserted(y, name), *weight

        return dataset.map(check, tf.data.AUTOTUNE, deterministic=True)

    def probabilities(self, classes: int, split: Examples, name: str) -> Callable[[tf.Tensor], tf.Tensor]:
        """Returns a function from labels (B,) of a split to probabilities (B, classes) of 0 and 1, watched likewise."""
        watched = split.is_streamed
        return lambda y: tf.one_hot(self._asserted(y, name) if watched else y, classes)

    def _asserted(self, y, name):
        """Returns a batch's labels or {name: targets}; in a graph, an unknown one is an error for `label_errors`."""
        asserted = []
        for each in self.ranges:
            labels = each.labels_of(y)
            bad = tf.boolean_mask(labels, ~each.accepts(labels))
            received = f"split={name!r}, value="
            text = tf.strings.join([f"{each.who} expects {each}; received {received}", tf.strings.as_string(bad[:1])])
            asserted.append(tf.debugging.Assert(tf.equal(tf.size(bad), 0), [text]))
        with tf.control_dependencies(asserted):
            return tf.nest.map_structure(tf.identity, y)


@contextlib.contextmanager
def label_errors() -> Iterator[None]:
    """Context manager for code that reads batches: the error of `LabelChecks.watch` becomes a Refusal."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        text = str(error).replace("\\'", "'")  # Assert escapes quotes
        found = re.search(r"training\.\S+ \w+ expects labels from [^;]*; received split=.*?, value=-?\d+", text)
        if found:
            raise Refusal(found[0] + ".") from error
        raise
