"""The names of registered datasets."""

import pytest

from kzoo.checks import Refusal
from kzoo.data import load, register
from kzoo.data.dataset_registry import BUILDERS, make_dataset, registered_names


def test_register(own_modules):
    register("mine", lambda: 3, class_names=["a", "b"])
    assert "mine" in registered_names() and make_dataset("mine") == (3, ("a", "b"))
    with pytest.raises(Refusal, match="did you mean 'mine'"):
        load("min")


@pytest.mark.parametrize(
    "args, words",
    [
        (("mine/sub", dict), "name, of letters, digits, - and _; received name='mine/sub'"),
        (("", dict), "name, of letters"),
        ((5, dict), "name, of letters"),
        (("taken", dict), "a name not yet taken; received name='taken'"),
        *(((name, dict), "a name not yet taken") for name in BUILDERS),
        (("mine", {}), "function, which returns the splits"),
        (("mine", dict, "ab"), "class_names, a list of texts, or None; received class_names='ab'"),
        (("mine", dict, [1, 2]), "class_names, a list of texts"),
        (("mine", dict, []), "class_names, a list of texts"),
    ],
)
def test_what_cannot_be_registered(own_modules, args, words):
    register("taken", dict)
    with pytest.raises(Refusal, match=f"^register expects {words}"):
        register(*args)


def test_a_function_that_fails(own_modules):
    def fail():
        return {}["x"]

    register("mine", fail)
    with pytest.raises(
        Refusal, match=r"^the dataset 'mine' cannot be made: KeyError: 'x' \(.*test_dataset_registry.py"
    ):
        load("mine")
