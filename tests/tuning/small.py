"""A search that takes seconds: a tiny model on noisy signals."""

import numpy as np

from kzoo.config.config_files import read_config

SPACE = {
    "training.optimizer.config.learning_rate": {"log": [1e-3, 1e-1]},
    "model.units": {"choice": [[4], [6], [8]]},
    "training.optimizer.config.momentum": {"choice": [0.0, 0.5, 0.9], "when": {"model.units": [[6], [8]]}},
}
SETS = ["model.units=[6]", "training.epochs=3", "training.steps_per_epoch=4", "training.steps_per_call=4"]


def write_arrays(path):
    """Writes 60 training and 20 test signals of 12 steps in three classes."""
    draw = np.random.default_rng(0)
    y = {"train": np.arange(60) % 3, "test": np.arange(20) % 3}
    x = {f"x_{split}": draw.normal(size=(len(y[split]), 12, 1)) + y[split][:, None, None] for split in y}
    np.savez(path, **x, **{f"y_{split}": labels for split, labels in y.items()})
    return path


def small(arrays, *sets, space=None, **search):
    """Returns the config of a small search, changed by `sets`."""
    search = {"trials": 4, "space": space or SPACE, **search}
    sets = [*SETS, f"data={{arrays: '{arrays}', batch_size: 8}}", "export.formats=[]", f"search={search!r}", *sets]
    return read_config("mnist1d_fc", [text.replace("None", "null").replace("True", "true") for text in sets])
