"""Opens files of weights, `.weights.h5` and `.keras`, and checks that they hold finite numbers and no links.

HDF5 has soft and external links, virtual datasets and external storage, which read other files of the machine.

Source: HDF5 User's Guide, "HDF5 Groups and Links" and "HDF5 Datasets"; the layout of files is that of Keras 3.15.
"""

import contextlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

SUFFIXES = (".weights.h5", ".keras")
MEMBER = "model.weights.h5"  # the file of weights in a .keras archive
ALWAYS = 2**28  # bytes that a file may declare whatever its size
EXPANSION = 100  # bytes that a larger file may declare for each of its own; Keras compresses nothing


@contextlib.contextmanager
def open_weights(file: Path) -> Iterator[h5py.File]:
    """Context manager: yields the HDF5 file of a `.weights.h5` file or in a `.keras` archive, after the checks.

    Raises an exception of any class if the file is damaged or is refused; its text gives the reason.
    """
    opened: Any = file
    if str(file).endswith(".keras"):
        with zipfile.ZipFile(file) as archive:
            _check_declared(sum(member.file_size for member in archive.infolist()), os.path.getsize(file))
            opened = io.BytesIO(archive.read(MEMBER))
    with h5py.File(opened, "r") as store:
        _check(store, os.path.getsize(file) if opened is file else len(opened.getbuffer()))
        yield store


def read_array(dataset: h5py.Dataset) -> np.ndarray:
    """Returns a stored array; Keras stores bfloat16 as bytes and the dtype as an attribute."""
    return np.array(dataset, "bfloat16") if _is_bfloat16(dataset) else np.array(dataset)


def _check(store, size):
    """Raises ValueError for links, for numbers in other files, and for what is no array of finite numbers."""
    link = store.visititems_links(lambda name, link: None if isinstance(link, h5py.HardLink) else name)
    if link is not None:
        raise ValueError(f"{link!r} is a link")
    found: list[Any] = []
    store.visititems(lambda _, value: found.append(value))  # None, so that it continues
    datasets = [value for value in found if isinstance(value, h5py.Dataset)]
    for dataset in datasets:
        if dataset.external or dataset.is_virtual:
            raise ValueError(f"{dataset.name!r}: its numbers are in another file")
        if dataset.shape is None:
            raise ValueError(f"{dataset.name!r}: it has no shape")
        if dataset.dtype.kind not in "biuf" and not _is_bfloat16(dataset):
            raise ValueError(f"{dataset.name!r}: its dtype is {dataset.dtype.name}")
    _check_declared(sum(dataset.nbytes for dataset in datasets), size)
    for dataset in datasets:
        if not np.isfinite(read_array(dataset)).all():
            raise ValueError(f"{dataset.name!r}: it is not finite")


def _check_declared(declared, size):
    if declared > max(ALWAYS, EXPANSION * size):
        raise ValueError(f"it declares {declared:,} bytes and has {size:,}")


def _is_bfloat16(dataset):
    name = dataset.attrs.get("dtype")
    return isinstance(name, str) and name == "bfloat16" and dataset.dtype == "V2"
