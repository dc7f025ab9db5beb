import numpy as np
import pytest

from kzoo.data.split_warnings import split_warnings


def arrays(**parts):
    return {name: np.array(part) for name, part in parts.items()}


LABELS = arrays(train=[0, 1, 0, 1], test=[0, 1])
DIGESTS = arrays(train=list("abcd"), test=list("ef"))


def test_usual_splits_have_no_warnings():
    assert split_warnings(DIGESTS, LABELS, ("cat", "dog")) == []


def test_examples_in_two_splits():
    digests = arrays(train=list("abcd"), validation=list("xc"), test=list("cb"))
    names = arrays(train=list("1234"), validation=["5", "6.jpg"], test=["7.jpg", "8"])
    assert split_warnings(digests, names=names) == [
        "1 of the examples of validation is in train too, such as 6.jpg: remove it from one of them",
        "2 of the examples of test are in train too, such as 7.jpg: remove them from one of them",
        "1 of the examples of test is in validation too, such as 7.jpg: remove it from one of them",
    ]


def test_examples_that_occur_twice_in_one_split():
    digests = arrays(train=list("abacaa"), test=list("ee"))
    names = arrays(train=[f"{number}.jpg" for number in range(6)])
    assert split_warnings(digests, names=names) == [
        "3 of the examples of train are copies of another one in it, such as 2.jpg of 0.jpg: remove them",
        "1 of the examples of test is a copy of another one in it, such as example 1 of example 0: remove it",
    ]
    large = np.random.default_rng(0).integers(0, 50, 300).astype(str)
    (warning,) = split_warnings({"train": large})
    seen = [value for number, value in enumerate(large) if value in large[:number]]
    assert warning.startswith(f"{len(seen)} of the examples of train are copies")


@pytest.mark.parametrize("names, words", [(("cat", "dog"), "cat and dog"), (None, "0 and 1")])
def test_the_same_example_in_two_classes(names, words):
    digests = arrays(train=list("abca"), test=list("ef"))
    copies, classes = split_warnings(digests, LABELS, names)
    assert copies.startswith("1 of the examples of train is a copy of another one in it, such as example 3 of")
    assert classes == f"1 of the examples occur with several classes, such as {words}"


def test_classes_that_are_missing_in_a_split():
    found = split_warnings(DIGESTS, arrays(train=[0, 1, 2, 2], test=[1, 1]), ("a", "b", "c"))
    assert found == ["no examples in test of a, c"]
    many = arrays(train=np.arange(8), test=[0])
    found = split_warnings(arrays(train=list("abcdefgh"), test=["x"]), many)
    assert found == ["no examples in test of 1, 2, 3, 4, 5 and 2 more"]


def test_rare_classes():
    labels = np.repeat([0, 1], [1, 10])
    found = split_warnings({"train": np.arange(11).astype(str)}, {"train": labels}, ("cat", "dog"))
    assert found == ["train has 10 of dog and 1 of cat: training.class_weight: balanced makes classes count alike"]
    assert split_warnings({"train": np.arange(10).astype(str)}, {"train": labels[:10]}) == []


def test_names_that_differ_in_case():
    labels = arrays(train=[0, 1, 2], test=[0, 1, 2])
    found = split_warnings(arrays(train=list("abc"), test=list("xyz")), labels, ("Cat", "cat", "dog"))
    assert found == ["classes whose names differ in case only: Cat, cat"]
