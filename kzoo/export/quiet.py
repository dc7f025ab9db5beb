"""Converters that write pages of notes, made silent: their errors come as exceptions.

Source: none.
"""

import contextlib
import io
import logging
import os
import sys
import tempfile
import warnings


@contextlib.contextmanager
def quiet():
    """Drop what is written to the process's stderr, native code's too, and Python's warnings.

    >>> with quiet():
    ...     print("a note", file=sys.stderr)
    """
    before = logging.root.manager.disable
    sys.stderr.flush()
    with tempfile.TemporaryFile() as dropped, contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        real = os.dup(2)
        os.dup2(dropped.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(real, 2)
            os.close(real)
            logging.disable(before)
