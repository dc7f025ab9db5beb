"""The cache of the datasets that kzoo generates."""

import contextlib
import io
import os
from pathlib import Path

from kzoo.checks import Refusal
from kzoo.data.source import local_path
from kzoo.files import create_once, writing
from kzoo.terminal import quiet


def cache_dir():
    """Returns the folder of generated datasets: KZOO_DATA_DIR if set, otherwise kzoo/datasets in Keras's home.

    >>> cache_dir().is_absolute()
    True
    """
    home = os.environ.get("KERAS_HOME") or "~/.keras"
    return local_path(os.environ.get("KZOO_DATA_DIR") or f"{home}/kzoo/datasets").absolute()


def prepared_builder(builder_class):
    """Returns a builder whose files are in the cache; they are generated at first use.

    Raises Refusal if the cache cannot be written.
    """
    with quiet(), contextlib.redirect_stdout(io.StringIO()):  # TFDS prints to both
        builder = builder_class(data_dir=str(cache_dir()))
        if not builder.is_prepared():
            _generate(builder_class, Path(builder.data_dir))
            builder = builder_class(data_dir=str(cache_dir()))  # a builder looks for its files only when it is created
    return builder


def _generate(builder_class, path):
    """Generates the files of a dataset at `path`; several processes may do so at the same time."""
    try:
        with create_once(path) as folder, writing(folder):
            builder = builder_class(data_dir=str(folder))
            builder.download_and_prepare()
            os.rename(builder.data_dir, folder / path.name)
    except OSError as error:
        raise Refusal(
            f"load expects a folder it can write for the data it generates; received {error}. "
            "Set the environment variable KZOO_DATA_DIR to another folder."
        ) from error
