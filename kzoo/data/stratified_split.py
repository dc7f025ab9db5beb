"""Splits examples in two parts that both have examples of each class, in the shares of the whole."""

import numpy as np

from kzoo.checks import require


def stratified_split(labels: np.ndarray, held_out: int, part: str = "validation") -> tuple[np.ndarray, np.ndarray]:
    """Returns the ascending indices of the examples that stay and of those that are held out: the last of each class.

    A class of two or more examples has at least one in both parts; that of a single example stays.
    Shapes: labels (N,) integers. Arguments: part, what messages name.
    Raises Refusal if `held_out` is too small or too large for that.

    >>> stratified_split(np.array([0, 0, 0, 0, 1, 1]), 2)
    (array([0, 1, 2, 4]), array([3, 5]))
    """
    _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    low, high = np.minimum(1, sizes - 1), np.maximum(0, sizes - 1)
    fits = low.sum() <= held_out <= high.sum()
    expected = f"{part} of {low.sum()} to {high.sum()} examples, so that both parts have each class"
    require(fits, "load", expected, held_out=held_out)
    counts = _counts(sizes * held_out / len(labels), low, high, held_out)
    order = np.argsort(classes, kind="stable")
    rank_from_end = np.empty(len(labels), int)  # in its class
    rank_from_end[order] = np.repeat(np.cumsum(sizes), sizes) - 1 - np.arange(len(labels))
    held = rank_from_end < counts[classes]
    return np.flatnonzero(~held), np.flatnonzero(held)


def _counts(ideal, low, high, total):
    """Returns integers from low to high with this total, rounded from `ideal` by the largest remainders."""
    counts = np.clip(np.floor(ideal).astype(int), low, high)
    while counts.sum() != total:
        step = 1 if counts.sum() < total else -1
        free = counts < high if step > 0 else counts > low
        counts[np.argmax(np.where(free, step * (ideal - counts), -np.inf))] += step
    return counts
