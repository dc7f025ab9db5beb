"""Checks of the examples of one split: finite inputs, labels within their range, and files that can be read."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.types import Tensor

INT32 = np.iinfo("int32")
LABELS = ("int32", "int64")  # dtypes of class numbers


def find_not_finite(x: np.ndarray) -> tuple[int, ...] | None:
    """Returns the index of the first NaN or infinity in an array, None if there is none.

    >>> find_not_finite(np.float32([[0, 1], [np.inf, 2]])), find_not_finite(np.arange(3))
    ((1, 0), None)
    """
    if x.dtype.kind != "f" or not x.size or np.isfinite([x.min(), x.max()]).all():  # NaN propagates through both
        return None
    return tuple(int(i) for i in np.unravel_index(np.argmin(np.isfinite(x)), x.shape))


def count_readable(dataset: tf.data.Dataset) -> tuple[int, bool]:
    """Returns how many elements of a dataset can be read in order, and whether these are all.

    >>> count_readable(tf.data.Dataset.range(5).map(lambda i: tf.debugging.check_numerics(1 / (3 - i), "")))
    (3, False)
    """
    count = 0
    try:
        for _ in dataset:
            count += 1
    except tf.errors.OpError:
        return count, False
    return count, True


@dataclasses.dataclass(frozen=True)
class ExampleChecks:
    """The checks of one split.

    Arguments: name, the split's name in messages; classes, if given: labels must be below it and at least 0; otherwise
    they must only be within int32, of which `prepare_example` gives the limits for labels beyond; find_damage, a
    function that reads the split's files again and returns a phrase that names the first damaged one, or None.

    >>> ExampleChecks("the test split", classes=3).check_arrays(np.zeros((2, 1)), np.int32([2, 3]))
    Traceback (most recent call last):
    ...
    kzoo.checks.Refusal: load expects labels from 0 to 2 in the test split; received smallest=2, largest=3.
    """

    name: str = "the data"
    classes: int | None = None
    find_damage: Callable[[], str | None] = lambda: None

    def check_arrays(self, x: np.ndarray, *targets: np.ndarray) -> None:
        """Raises Refusal if inputs are not finite or labels, targets of LABELS, are not within their range."""
        index = find_not_finite(x)
        received = {} if index is None else {"example": index[0], "value": float(x[index])}
        require(index is None, "load", f"finite numbers in {self.name}", **received)
        low, high = self._label_limits()
        for y in targets:
            smallest, largest = (int(y.min()), int(y.max())) if y.size and y.dtype.name in LABELS else (low, high)
            within = low <= smallest and largest <= high
            require(within, "load", self._expected_labels(), smallest=smallest, largest=largest)

    def check_batch(self, x: Tensor, y: Tensor, *weight: Tensor) -> tuple[Tensor, ...]:
        """Returns a batch of a `tf.data` pipeline; reading a bad one raises an error, which `errors` explains."""
        if x.dtype.is_floating:
            x = tf.debugging.assert_all_finite(x, f"finite numbers in {self.name}")
        low, high = self._label_limits()
        labels = [each for each in tf.nest.flatten(y) if each.dtype.name in LABELS]
        limits = [(tf.cast(low, each.dtype), tf.cast(high, each.dtype)) for each in labels]
        within = [tf.reduce_all((each >= low) & (each <= high)) for each, (low, high) in zip(labels, limits)]
        with tf.control_dependencies([tf.debugging.Assert(each, [self._expected_labels()]) for each in within]):
            return x, tf.nest.map_structure(tf.identity, y), *weight

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Context manager: an error of TensorFlow's from reading the split becomes a Refusal that says what is wrong.

        An error that has another cause propagates as it is.
        """
        try:
            yield
        except tf.errors.ResourceExhaustedError:
            raise
        except tf.errors.OpError as error:
            text = str(error).replace("\\'", "'")  # Assert escapes quotes
            for expected in (f"finite numbers in {self.name}", self._expected_labels()):
                if expected in text:
                    raise Refusal(f"load expects {expected}; received others.") from error
            self.refuse_damage()
            raise

    def refuse_damage(self) -> None:
        """Raises Refusal if one of the split's files is damaged."""
        damage = self.find_damage()
        if damage:
            raise Refusal(f"load expects files that can be read; {damage}.")

    def _label_limits(self):
        # of labels beyond int32 `prepare_example` leaves these limits
        return (INT32.min + 1, INT32.max - 1) if self.classes is None else (0, self.classes - 1)

    def _expected_labels(self):
        range_ = "within int32" if self.classes is None else f"from 0 to {self.classes - 1}"
        return f"labels {range_} in {self.name}"
