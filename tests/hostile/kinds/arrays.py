"""Files of arrays (.npz): odd dtypes, shapes, values and members, and damaged archives."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np

from tests.hostile.judge import Case, executed, expect, kzoo
from tests.hostile.mutations import damage_file, pick
from tests.hostile.stock import SETS, signals

DTYPES = (
    *("bool", "uint8", "int8", "int64", "uint64", "float16", "float64", "longdouble", "complex64", "U3", "S2", "O"),
    *("M8[s]", "m8[s]", ">f4", ">i8", "V4", "f4,i4"),
)
LABELS = (2**32, 2**31 + 5, 2**31 - 1, 2**63 - 1, -1, -(2**31), 10**6, 255)
VALUES = (np.nan, np.inf, -np.inf, 1e38, 1e300, 1e-45)
SHAPES = ((), (0,), (45,), (45, 1), (45, 0, 1), (45, 12), (45, 12, 1, 1, 1, 1), (1, 45, 12), (3, 12, 1), (45, 12, 3))


class Payload:
    """Pickles as a call that makes a folder when it is unpickled."""

    def __reduce__(self):
        import os

        return os.mkdir, (str(executed()),)


def arrays(rng, stock):
    stored, what = signals(), []
    for _ in range(rng.integers(1, 3)):
        name = pick(rng, sorted(stored) or ["x_train"])
        what.append(f"{name}: {alter(rng, stored, name)}")
    np.savez("a.npz", **stored)
    if rng.random() < 0.4:
        what.append(f"archive: {alter_archive(rng, Path('a.npz'))}")
    return Case("; ".join(what), train if rng.random() < 0.1 else load_all)


def alter(rng, stored, name):
    """Changes one array; returns in words how."""
    array, how = stored.get(name, np.zeros(1)), pick(rng, ("dtype", "value", "shape", "remove", "rename", "pickle"))
    if how == "dtype":
        dtype = pick(rng, DTYPES)
        try:
            stored[name] = array.astype(dtype)
        except Exception:  # NumPy raises several
            stored[name] = np.zeros(len(array), dtype)
        return dtype
    if how == "value":
        value = pick(rng, LABELS if name.startswith("y") else VALUES)
        dtype = "float64" if name.startswith("x") else "uint64" if value > 0 else "int64"
        try:
            changed = array.astype(dtype)
            changed.reshape(-1)[int(rng.integers(max(1, array.size))) : 1 + array.size // 2] = value
        except Exception:  # of an array that was changed before, or of its dtype
            changed = np.zeros(len(array), dtype)
        stored[name] = changed
        return f"{value} in it"
    if how == "shape":
        shape = pick(rng, SHAPES)
        stored[name] = np.resize(array, shape)
        return f"shape {shape}"
    if how == "pickle":
        stored[name] = np.array([Payload()] * len(np.atleast_1d(array)), dtype=object)
        return "a pickle that executes code"
    stored.pop(name, None)
    if how == "rename":
        other = pick(rng, ("X_train", "x_train.npy", "../outside/x_train", "/x_train", "x_val", "\u202ex"))
        stored[other] = array
        return f"renamed {other!r}"
    return "removed"


def alter_archive(rng, path):
    """Changes the archive; returns in words how."""
    how = pick(rng, ("damage", "damage", "header", "no array", "encrypted", "compression", "twice", "bomb", "other"))
    if how == "damage":
        damage_file(rng, path)
        return how
    if how == "other":
        path.write_bytes(pick(rng, (b"", b"PK\3\4", b"\x93NUMPY", b"junk" * 99, zipped({}))))
        return "another file"
    members = {"x_train.npy": npy(signals()["x_train"]), "y_train.npy": npy(signals()["y_train"])}
    if how == "header":
        shape = pick(rng, ("(99999999999999, 12)", "(-1,)", "(1.5,)", "'a'", "(45, 12, 1), **{}", "(" * 99, "(2**70,)"))
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
        members["x_train.npy"] = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(64)
        how = f"a header with shape {shape[:30]}"
    if how == "no array":
        members["x_train.npy"] = pick(rng, (b"", b"text", b"\x93NUMPY", b"\x93NUMPY\x09\x00", b"\x80\x04."))
    if how == "bomb":
        members["x_train.npy"] = npy(np.zeros((45, 400_000), "float32"))
    path.write_bytes(zipped(members, twice=how == "twice"))
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.index(signature) + offset
        if how == "encrypted":
            data[at] |= 1
        if how == "compression":
            data[at + 2 : at + 4] = struct.pack("<H", pick(rng, (1, 12, 14, 99, 65535)))
    path.write_bytes(data)
    return how


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def zipped(members, twice=False):
    import warnings

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, data in [*members.items()] * (1 + twice):
            archive.writestr(name, data)
    return stream.getvalue()


def load_all():
    """Loads the splits and checks what was accepted."""
    from kzoo.data.loader import load

    data = load(arrays="a.npz")
    for split in (data.train, data.test):
        if split is not None:
            check_examples(*split.numpy(), data.classes)


def check_examples(x, y, classes):
    """Raises Wrong if inputs are not finite, or labels are not the numbers of a sensible count of classes."""
    expect(np.isfinite(np.asarray(x, "float64")).all(), "inputs that are not finite are accepted")
    expect(y.min() >= 0 and (classes is None or y.max() < classes), f"labels from {y.min()} to {y.max()}")
    expect((classes or 0) < 10**5, f"{classes} classes are accepted")


def train():
    """Trains on the file by the command line and checks the results."""
    load_all()
    kzoo("train", "mnist1d_fc", *SETS, "--set=data.arrays=a.npz", "--set=data.batch_size=2")
    check_metrics()


def check_metrics():
    """Raises Wrong if a run's metrics.json is no JSON or holds a number that is not finite."""
    import json

    def refuse(constant):
        expect(False, f"metrics.json holds {constant}")

    for file in Path("saved_models").rglob("metrics.json"):
        metrics = json.loads(file.read_text(), parse_constant=refuse)
        expect(0 <= metrics["train"]["error"] <= 1, f"an error of {metrics['train']['error']}")
