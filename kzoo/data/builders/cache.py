"""Where kzoo keeps the sets it generates itself, and how they get there: whole or not at all.

Source: none.
"""

import contextlib
import io
import logging
import os
from pathlib import Path

from kzoo.checks import Refusal
from kzoo.files import create_once


def cache_dir():
    """The folder of kzoo's generated sets: KZOO_DATA_DIR if set, else kzoo/datasets in Keras's home.

    Errors: none; the folder need not exist.

    >>> cache_dir().is_absolute()
    True
    """
    home = os.environ.get("KERAS_HOME") or "~/.keras"
    return Path(os.environ.get("KZOO_DATA_DIR") or f"{home}/kzoo/datasets").expanduser().absolute()


def prepared(builder_class):
    """A builder of `builder_class` whose files are in the cache, generating them at first use.

    Errors: Refusal if the cache cannot be written.
    """
    with quiet():
        builder = builder_class(data_dir=str(cache_dir()))
        if not builder.is_prepared():
            _generate(builder_class, Path(builder.data_dir))
            builder = builder_class(data_dir=str(cache_dir()))  # a builder reads what is prepared when it is made
    return builder


def _generate(builder_class, final):
    """Generates the files of a dataset at `final`; several processes may do so at the same time."""
    try:
        with create_once(final) as folder:
            builder = builder_class(data_dir=str(folder))
            builder.download_and_prepare()
            os.rename(builder.data_dir, folder / final.name)
    except OSError as error:
        raise Refusal(
            f"load expects a folder it can write for the data it generates; received {error}. "
            "Name another with the environment variable KZOO_DATA_DIR."
        ) from error


@contextlib.contextmanager
def quiet():
    """Within it, TensorFlow Datasets neither prints, nor draws progress bars, nor warns about sets not prepared yet."""
    log = logging.getLogger("absl")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        log.setLevel(level)
