"""Files of weights: damaged HDF5, links and storage in other files, odd dtypes, shapes and values."""

import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np

from tests.hostile.judge import Case, expect, kzoo, secret
from tests.hostile.mutations import damage_file, pick
from tests.hostile.stock import WEIGHTS


def weights(rng, stock):
    file = Path("w.weights.h5")
    shutil.copy(WEIGHTS, file)
    how = pick(rng, (damaged, edited, edited, edited))(rng, file)
    if rng.random() < 0.2:
        with zipfile.ZipFile("w.keras", "w") as archive:
            archive.write(file, "model.weights.h5")
        file = Path("w.keras")
    by_command = rng.random() < 0.1
    return Case(f"{file}: {how}", (lambda: dry_run(file)) if by_command else (lambda: load(file)))


def damaged(rng, file):
    damage_file(rng, file)
    return "damaged"


def edited(rng, file):
    """Replaces one dataset or group; returns in words how."""
    with h5py.File(file, "r+") as store:
        names = []
        store.visit(names.append)
        name = pick(rng, [name for name in names if isinstance(store[name], h5py.Dataset)])
        value, group = store[name][()], store[name].parent
        how = pick(rng, EDITS)
        key = name.rpartition("/")[2]
        if how != "attribute":
            del group[key]
        replace(rng, how, group, key, value)
    return f"{name}: {how}"


EDITS = (
    *("external", "external link", "soft link", "hard link", "virtual", "NaN", "infinite", "complex", "text", "object"),
    *("huge", "shape", "group", "missing", "attribute", "integer", "name", "empty", "bfloat16", "float64", "compound"),
)


def replace(rng, how, group, key, value):
    """Puts something hostile in the place of a dataset."""
    outside = "../outside/secret.bin"
    match how:
        case "external":
            group.create_dataset(key, value.shape, "float32", external=[(outside, 0, value.nbytes)])
        case "external link":
            group[key] = h5py.ExternalLink(pick(rng, (outside, "/etc/passwd", "w.weights.h5")), "/x")
        case "soft link":
            group[key] = h5py.SoftLink(pick(rng, ("/", "/nowhere", group.name, f"{group.name}/{key}")))
        case "hard link":
            group[key] = pick(rng, (group, group.parent, group.file))
        case "NaN" | "infinite":
            value.reshape(-1)[-1] = np.nan if how == "NaN" else np.inf
            group[key] = value
        case "virtual":
            layout = h5py.VirtualLayout(value.shape, "float32")
            layout[...] = h5py.VirtualSource(outside, "x", value.shape)
            group.create_virtual_dataset(key, layout)
        case "huge":
            group.create_dataset(key, (10**7, 10**7), "float32", chunks=(1000, 1000))
        case "shape":
            group[key] = np.resize(
                value, pick(rng, ((), (1,), value.shape[::-1], (*value.shape, 1), (0, *value.shape)))
            )
        case "text":
            group[key] = "text"
        case "object":
            group.create_dataset(key, value.shape, h5py.string_dtype())
        case "group":
            group.create_group(key)
        case "attribute":
            target = pick(rng, (group, group.parent, group[key]))
            target.attrs[pick(rng, ("name", "dtype"))] = pick(
                rng, (1, "x", "bfloat16", np.zeros(3), b"\xff", h5py.Empty("f"))
            )
        case "compound":
            group[key] = np.zeros(value.shape, "f4,i4")
        case "name":
            group[pick(rng, ("x", "-1", "1.5", " 0", "١"))] = value
        case "empty":
            group[key] = h5py.Empty("float32")
        case "complex" | "float64":
            group[key] = value.astype("complex64" if how == "complex" else how)
        case "integer":
            group[key] = value.astype("int64")
        case "bfloat16":
            group[key] = np.zeros((*value.shape, 2), "uint8").view("V2")[..., 0]
            group[key].attrs["dtype"] = "bfloat16"


def load(file):
    """Loads the file into its model; what was accepted must be finite numbers of the file itself."""
    from kzoo.models.registry import model

    for values in model("mnist1d_cnn", weights=str(file)).get_weights():
        expect(np.isfinite(values).all(), "weights that are not finite are accepted")
        expect(not (values == secret()[0]).any(), "the weights are those of another file")


def dry_run(file):
    kzoo("train", "mnist1d_cnn", "--dry-run", "--set", f"model.weights={file}", "--set=training.steps_per_call=1")
    load(file)
