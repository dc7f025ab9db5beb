"""A small finished run, for the tests of what is done with runs."""

import numpy as np
import pytest

from kzoo.training.config import read_config
from kzoo.training.run import run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder and metrics of a run: signals of three classes, 36 to learn, 9 held out, 15 to test."""
    out, y = tmp_path_factory.mktemp("runs"), np.arange(60) % 3
    x = np.random.default_rng(0).normal(size=(60, 12, 1)).astype("float32")
    np.savez(out / "signals.npz", x_train=x[:45], y_train=y[:45], x_test=x[45:], y_test=y[45:])
    sets = [f"data={{arrays: '{out}/signals.npz', batch_size: 10, validation: 0.2}}", "training.epochs=1"]
    sets += ["training.steps_per_epoch=4", "training.steps_per_call=2", "model.units=[5]", "export.formats=[]"]
    return run(read_config("mnist1d_fc", sets), "it", out)
