"""What can be asked of a finished run: its figures again, and its answers to new examples.

Source: none.
"""

from pathlib import Path

import keras
import numpy as np
from rich.table import Table

from kzoo.analysis.catalogue import percent
from kzoo.checks import Refusal, require
from kzoo.models.load_model import find_run, load_model
from kzoo.training.assemble import answering, build_trainer
from kzoo.training.config import check_config
from kzoo.training.seed_run import evaluate, load_data
from kzoo.training.yaml_file import read_yaml


def evaluate_run(run):
    """A table of a finished run's error and loss on each split of its data, computed anew."""
    folder = find_run(run).parent
    config = check_config(read_yaml(folder / "config.yaml"), folder / "config.yaml")
    data, trainer = load_data(config), build_trainer(config, load_model(folder))
    table = Table(title=str(folder), title_justify="left")
    for column in ("split", "examples", "error", "loss"):
        table.add_column(column, justify="left" if column == "split" else "right")
    for name, split in {"test": data.test, "validation": data.validation, "train": data.train}.items():
        if split is not None:
            scores = evaluate(trainer, split, config)
            table.add_row(name, f"{split.size:,}", percent(scores["error"]), f"{scores['loss']:.4f}")
    return table


def predict_run(run, file, top=3, out=None):
    """A table of the `top` classes of each example in a .npy file; all probabilities go to the file `out`.

    Errors: ValueError if the file is missing, is no array, or has another shape than the model's input.
    """
    net = answering(load_model(run))
    x = read_array(file)
    wanted = net.input_shape[1:]
    fits = x.ndim == len(wanted) + 1 and all(a in (None, b) for a, b in zip(wanted, x.shape[1:])) and len(x) > 0
    require(fits, "predict", f"an array of shape (N, {', '.join(map(str, wanted))}), N above 0", shape=x.shape)
    probabilities = net.predict(x, batch_size=256, verbose=0)
    if out is not None:
        np.save(out, probabilities)
    table = Table(title=f"{Path(file).name}: most probable classes", title_justify="left")
    for column in ("example", *(f"{place}." for place in range(1, min(top, probabilities.shape[-1]) + 1))):
        table.add_column(column, justify="right" if column == "example" else "left")
    for index, row in enumerate(probabilities):
        best = np.argsort(-row, kind="stable")[:top]
        table.add_row(str(index), *(f"{label}  {row[label]:.3f}" for label in best))
    return table


def read_array(file):
    """The numeric array in a .npy file."""
    require(Path(file).is_file(), "predict", "an existing .npy file", file=str(file))
    try:
        x = np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise Refusal(f"predict: {file} is no .npy array: {error}") from None
    numeric = isinstance(x, np.ndarray) and x.dtype.kind in "fiub"
    require(numeric, "predict", "one array of numbers in a .npy file", file=str(file))
    return keras.ops.convert_to_numpy(x).astype("float32")
