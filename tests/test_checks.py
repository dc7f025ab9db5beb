"""Refusals, integers and real numbers, and the nearest names."""

from pathlib import Path

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal, as_bool, escape, is_integer, is_number, nearest, one_line, require, shorten, shown


def test_require_names_who_expects_what_and_what_it_received():
    with pytest.raises(ValueError, match=r"^pool expects a size above 0; received size='a', rank=2\.$") as caught:
        require(False, "pool", "a size above 0", size="a", rank=2)
    assert type(caught.value) is Refusal
    assert require(True, "pool", "anything", size=0) is None


def test_paths_are_shown_as_texts():
    assert shown([Path("a/x (1).png"), Path("b")]) == "['a/x (1).png', 'b']"


@pytest.mark.parametrize("value", [0, -3, 2**70, np.int64(4), np.uint8(4), np.array(4)])
def test_integers(value):
    assert is_integer(value)


@pytest.mark.parametrize("value", [True, np.True_, 1.0, np.float32(1), "1", None, (1,), [1], np.ones(1, int), 1j])
def test_no_integers(value):
    assert not is_integer(value)


def test_least_integer():
    assert is_integer(1, least=1) and not is_integer(0, least=1) and not is_integer("1", least=0)


@pytest.mark.parametrize("value", [True, np.True_, 1, np.int8(1)])
def test_switches(value):
    assert as_bool("it", flag=value) is True


@pytest.mark.parametrize("value", ["yes", 2, 1.0, None, (1,), np.ones(1, bool), np.ones(2)])
def test_no_switches(value):
    with pytest.raises(Refusal, match="^it expects flag, True or False; received flag="):
        as_bool("it", flag=value)


@pytest.mark.parametrize(
    "value", [0, -3, 2**70, 1.5, float("nan"), float("-inf"), np.float32(1), np.float64(2), np.int8(3), np.uint64(4)]
)
def test_real_numbers(value):
    assert is_number(value)


@pytest.mark.parametrize("value", [True, np.True_, "1", None, 1j, (1.0,), [1.0], np.ones(1), np.array(1.0)])
def test_no_real_numbers(value):
    assert not is_number(value)


@pytest.mark.parametrize(
    "name, names, words",
    [
        ("mnist1d_cn", ["mnist1d_cnn", "vgg16"], "did you mean 'mnist1d_cnn'?"),
        ("vgg1", ["vgg19", "vgg16", "other"], "did you mean 'vgg19' or 'vgg16'?"),
        ("zzz", ["b", "a"], "known: a, b"),
        (7, ["b", "a"], "known: a, b"),
        ("zzz", [f"name{i:02}" for i in range(13)], "name10, name11, ..."),
        ("zzz", [f"name{i:02}" for i in range(12)], "name10, name11"),
    ],
)
def test_nearest_names(name, names, words):
    phrase = nearest(name, names)
    assert phrase.endswith(words), phrase


def test_refusals_are_one_printable_line_of_bounded_length():
    assert str(Refusal("two\n lines\t\x1b[31m\u202e\udc80 é")) == "two lines \\x1b[31m\\u202e\\udc80 é"
    got = str(Refusal("start " + "word " * 10_000 + "end."))
    assert len(got) == 1000 and got.startswith("start word") and got.endswith("word end.") and "..." in got


def test_values_and_names_in_messages_are_cut():
    class Hostile:
        def __repr__(self):
            raise KeyError

    with pytest.raises(Refusal) as caught:
        require(False, "it", "less", text="x" * 10_000, number=10**5000, it=Hostile(), values=list(range(10_000)))
    text = str(caught.value)
    assert len(text) < 600 and "number=<int>, it=<Hostile>, values=[0, 1, " in text and text.endswith("9998, 9999].")
    assert len(nearest("x" * 100_000, ["x" * 50_000, "y" * 50_000])) < 1000


def test_one_line():
    assert (
        one_line(ValueError("two\n lines")) == "two lines" and one_line(KeyError()) == "KeyError" and one_line("") == ""
    )
    layer = keras.layers.Reshape((3,))
    with pytest.raises(ValueError, match="Exception encountered") as caught:
        layer(np.ones((1, 4)))
    assert one_line(caught.value).startswith("The total size of the tensor must be unchanged.")
    assert len(one_line(ValueError("word " * 1000))) == 1000 and len(shown("x" * 1000)) == 200
    assert escape("a b é") == "a b é" and escape("\n") == "\\n" and shorten("0123456789", 9) == "012...789"
