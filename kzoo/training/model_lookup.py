"""What `kzoo export` and `kzoo predict` are given by name: a run, or a model of the zoo.

Source: none.
"""

import json
from typing import Any, NamedTuple

import numpy as np

from kzoo.checks import Refusal, nearest
from kzoo.export.inference_model import inference_model
from kzoo.export.predict import Predictor, is_export, labels_of, open_export, predict
from kzoo.models.load_model import find_run, load_model
from kzoo.models.registry import list_models, model
from kzoo.training.config import check_config
from kzoo.training.seed_run import load_data, trials
from kzoo.training.yaml_file import read_yaml

FIGURES = ("test", "validation", "train", "published", "epochs", "seed", "config_sha256", "versions")


class Exportable(NamedTuple):
    """A net, a sentence on where it is from, what `kzoo.export.exporter` takes beside it, and its run's figures."""

    net: Any
    what: str
    more: dict
    figures: dict | None


def find_net(name):
    """The run `name` (its folder, or its name under saved_models/), or else the model of the zoo, with initial weights.

    Errors: Refusal if there is neither, with the nearest names.
    """
    try:
        folder = find_run(name).parent
    except Refusal as refusal:
        if name not in list_models():
            hint = "" if "holds one run a seed" in str(refusal) else f" and no model is called {name!r}; "
            raise Refusal(str(refusal).rstrip(".") + (hint and hint + nearest(name, list_models()))) from None
        return Exportable(
            inference_model(model(name)), f"The model `{name}` of kzoo's zoo, with initial weights", {}, None
        )
    net = inference_model(load_model(folder))
    what = f"The run `{folder.name}` of kzoo's"
    config = check_config(read_yaml(folder / "config.yaml"), folder / "config.yaml")
    what += f", `{config.model.name}` trained on `{config.data.name or config.data.folder or config.data.arrays}`"
    metrics = json.loads((folder / "metrics.json").read_text())
    figures = {key: metrics[key] for key in FIGURES if key in metrics}
    try:
        more = trials(load_data(config))
    except Refusal:
        what, more = f"{what}; its data is not at hand", {"labels": labels_of(folder / "saved_model")}
    return Exportable(net, what, more, figures)


def predictor(name):
    """The `Predictor` of an exported model's path, or of a run. Errors: Refusal if it is neither."""
    if is_export(name):
        return open_export(name)
    net = inference_model(load_model(name))
    labels = None if str(name).endswith(".keras") else labels_of(find_run(name).parent / "saved_model")
    return Predictor(net.input_shape[1:], labels, lambda x: net.predict(x, batch_size=len(x), verbose=0))


def predict_files(name, files, top=3, out=None):
    """The records of `kzoo.export.predict.predict` for a run or an exported model; all outputs go to the .npy `out`."""
    records, outputs = predict(predictor(name), files, top)
    if out is not None:
        np.save(out, outputs)
    return records
