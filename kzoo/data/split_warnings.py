"""Warnings about the splits of a dataset: examples that occur twice, missing classes, rare classes."""

import collections
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

UNBALANCED = 10.0  # times as many training examples of one class as of another
NAMED = 5  # classes that a warning names


def split_warnings(
    digests: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray] | None = None,
    class_names: Sequence[str] | None = None,
    names: Mapping[str, np.ndarray] | None = None,
) -> list[str]:
    """Returns sentences on what is unusual about splits, by name with train first; an empty list if nothing is.

    Shapes: of each split, digests (N,) of its examples, labels (N,), classes by number, and names (N,) of its files.

    >>> split_warnings({"train": np.array(["a", "b"]), "test": np.array(["b"])}, names={"test": np.array(["7.jpg"])})
    ['1 of the examples of test is in train too, such as 7.jpg: remove it from one of them']
    """
    found = _shared(digests, names or {}) + _repeated(digests, names or {})
    if labels:
        found += (
            _contradictions(digests, labels, class_names)
            + _missing(labels, class_names)
            + _balance(labels, class_names)
        )
    alike = collections.defaultdict(list)
    for name in class_names or ():
        alike[name.casefold()].append(name)
    found += [f"classes whose names differ in case only: {', '.join(same)}" for same in alike.values() if len(same) > 1]
    return found


def name_of(label: int, class_names: Sequence[str] | None) -> str:
    """Returns the name of a class, or its number where classes have none."""
    return class_names[label] if class_names else str(label)


def _shared(digests, names):
    found = []
    for one, other in itertools.combinations(digests, 2):
        both = np.flatnonzero(np.isin(digests[other], digests[one]))
        if len(both):
            example = f", such as {names[other][both[0]]}" if other in names else ""
            verb, them = ("is", "it") if len(both) == 1 else ("are", "them")
            found.append(
                f"{len(both):,} of the examples of {other} {verb} in {one} too{example}: remove {them} from one of them"
            )
    return found


def _repeated(digests, names):
    found = []
    for split, of_split in digests.items():
        _, first, group = np.unique(of_split, return_index=True, return_inverse=True)
        again = np.flatnonzero(first[group] != np.arange(len(of_split)))
        if len(again):
            pair = int(first[group[again[0]]]), int(again[0])
            one, other = (names[split][number] if split in names else f"example {number}" for number in pair)
            copies, them = ("is a copy", "it") if len(again) == 1 else ("are copies", "them")
            found.append(
                f"{len(again):,} of the examples of {split} {copies} of another one in it, "
                f"such as {other} of {one}: remove {them}"
            )
    return found


def _contradictions(digests, labels, class_names):
    classes: dict[str, set[int]] = collections.defaultdict(set)
    for split, of_split in digests.items():
        for digest, label in zip(of_split.tolist(), labels[split].tolist()):
            classes[digest].add(label)
    several = [sorted(found) for found in classes.values() if len(found) > 1]
    if not several:
        return []
    example = " and ".join(name_of(label, class_names) for label in several[0])
    return [f"{len(several):,} of the examples occur with several classes, such as {example}"]


def _missing(labels, class_names):
    everywhere = np.unique(np.concatenate(list(labels.values())))
    found = []
    for split, of_split in labels.items():
        missing = [name_of(label, class_names) for label in np.setdiff1d(everywhere, of_split)]
        if missing:
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            found.append(f"no examples in {split} of {', '.join(missing[:NAMED])}{more}")
    return found


def _balance(labels, class_names):
    classes, counts = np.unique(labels["train"], return_counts=True)
    small, large = int(counts.argmin()), int(counts.argmax())
    if counts[large] < UNBALANCED * counts[small]:
        return []
    few, many = (f"{counts[i]:,} of {name_of(classes[i], class_names)}" for i in (small, large))
    return [f"train has {many} and {few}: training.class_weight: balanced makes classes count alike"]
