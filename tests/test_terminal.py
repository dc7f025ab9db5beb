"""What converters print is dropped, errors are not, and the process is as it was afterwards."""

import logging
import os
import sys
import warnings

import pytest

from kzoo.terminal import quiet


def test_nothing_is_heard(capfd):
    with quiet():
        os.write(2, b"native\n")
        print("python", file=sys.stderr)
        logging.getLogger("tf2onnx").error("a log")
        warnings.warn("a warning", stacklevel=1)
    print("after", file=sys.stderr)
    assert capfd.readouterr().err == "after\n"


def test_errors_pass():
    before = logging.root.manager.disable
    with pytest.raises(KeyError), quiet():
        raise KeyError
    assert logging.root.manager.disable == before
