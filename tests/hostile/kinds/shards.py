"""A prepared dataset of TensorFlow Datasets whose files are damaged, missing or odd."""

import json
import os
from pathlib import Path

import numpy as np

from tests.hostile.judge import Case, expect
from tests.hostile.mutations import ESCAPES, damage_file, mutate, pick
from tests.hostile.stock import take

VERSION = Path("datasets", "digits", "1.0.0")
TEXTS = (
    *("digits/x", "digits:9.9.9", "digits/x=y", "digits:*", "stranger", "stranger:1.0.0", "../digits", "digits "),
    ESCAPES,
)


def shards(rng, stock):
    """Half of them the dataset that kzoo made, the others a stranger's in TFDS_DATA_DIR, without a builder."""
    take(stock, "datasets")
    os.environ["KZOO_DATA_DIR"] = str(Path("datasets").absolute())
    name, what = "digits", []
    if rng.random() < 0.5:
        name = make_strange()
        what.append("a stranger's dataset")
    folder = next(path for path in Path().glob("*/*/1.0.0") if path.parent.name == name)
    file = pick(rng, sorted(folder.iterdir()))
    how = pick(rng, ("damage", "damage", "damage", "missing", "empty", "values", "fifo", "name"))
    if how == "name":
        name = pick(rng, TEXTS)
        what.append(f"the name {name!r}")
    elif how == "values" and file.suffix == ".json":
        changed, changes = mutate(rng, json.loads(file.read_text()))
        try:
            file.write_text(json.dumps(changed))
        except (UnicodeEncodeError, TypeError):
            file.write_text("{}")
        what.append(f"{file.name}: {', '.join(changes)} changed")
    elif how in ("missing", "fifo"):
        file.unlink()
        if how == "fifo":
            os.mkfifo(file)
        what.append(f"{file.name}: {how}")
    elif how == "empty":
        file.write_bytes(b"")
        what.append(f"{file.name}: empty")
    else:
        damage_file(rng, file)
        what.append(f"{file.name}: damaged")
    return Case("; ".join(what), lambda: load_shards(name, exact=file.suffix != ".json"))


def make_strange():
    """Makes of the dataset one of another name, in the folder of TFDS."""
    folder = Path("tfds", "stranger", "1.0.0")
    folder.parent.mkdir(parents=True)
    VERSION.rename(folder)
    for file in folder.iterdir():
        if file.suffix == ".json":
            file.write_text(file.read_text().replace('"digits"', '"stranger"'))
        file.rename(file.with_name(file.name.replace("digits", "stranger")))
    return "stranger"


def load_shards(name, exact):
    """Loads the dataset; unless its description was changed, what is accepted must be the digits."""
    from kzoo.data.builders.digits import digits
    from kzoo.data.loader import load

    data = load(name)
    (x, y), (wanted, labels) = data.train.numpy(), digits()["train"]
    if exact:
        expect(np.array_equal(x, wanted) and np.array_equal(y, labels), "the examples are not those of the dataset")
