"""The option --debug."""

import pytest

from kzoo.checks import Refusal


@pytest.mark.parametrize("variable", [False, True])
def test_debug_shows_tracebacks(call, fault, monkeypatch, variable):
    if variable:
        monkeypatch.setenv("KZOO_DEBUG", "1")
    debug = () if variable else ("--debug",)
    code, _, err = call(*debug, "train", "mnist1d_fc")
    assert code == 1 and "Traceback" in err and "in divide" in err and "kzoo: ZeroDivisionError" in err
    code, _, err = call(*debug, "train", "mnist1d_fc", "--set", "training.epochs=0")
    assert code == 2 and "Traceback" in err and err.splitlines()[-1].endswith("received 0.")


def test_debug_shows_what_a_refusal_was_raised_from(call, monkeypatch):
    def refused(*_):
        try:
            raise KeyError("the cause")
        except KeyError as error:
            raise Refusal("in plain words") from error

    monkeypatch.setattr("kzoo.training.run.run", refused)
    assert call("train", "mnist1d_fc") == (2, "", "kzoo: in plain words\n")
    code, _, err = call("--debug", "train", "mnist1d_fc")
    assert code == 2 and "KeyError: 'the cause'" in err and err.endswith("\nkzoo: in plain words\n")
