"""Models in `.keras` files, which another program wrote, as a starting point for trainings."""

import re
from pathlib import Path
from typing import Any

from keras import Model
from keras.models import clone_model

from kzoo.checks import is_integer, require
from kzoo.models.graph import calls, is_graph, reapply
from kzoo.models.load_model import load_model
from kzoo.models.weights import load_weights
from kzoo.types import PathLike

KEPT = "those of the file"
COUNTS = ("units", "filters")  # settings of layers that say how many channels their output has


def keras_file(keras: PathLike, weights: PathLike | None = KEPT, classes: int | None = None) -> Any:
    """Loads the model of a `.keras` file, which Keras saved, as a starting point.

    Settings: weights, by default those of the file; None for new initial ones; or a file or run to load; classes, the
    number of outputs, by default that of the file; another number replaces the last layer with weights by a new one.
    Refuses a file that holds code, such as that of a Lambda layer, and a model that is no graph of layers.
    """
    file = Path(keras).expanduser()
    model = load_model(file, compile=False)
    require(is_graph(model), str(file), "a functional or built Sequential model", model=type(model).__name__)
    if weights is None:
        model = clone_model(model)
    elif weights != KEPT:
        load_weights(model, weights)
    return model if classes is None else _with_classes(model, classes, file)


def keras_name(name: str) -> str:
    """Returns the name of a Keras model for a model's name, or for the path of a `.keras` file.

    >>> keras_name("vgg16"), keras_name("old/my model.keras")
    ('vgg16', 'my_model')
    """
    return re.sub(r"\W", "_", Path(name).stem) if name.endswith(".keras") else name


def _with_classes(model, classes, file):
    """Returns the model with a new last layer if it has another number of outputs."""
    require(is_integer(classes, 1), str(file), "classes, an integer above 0, or None", classes=classes)
    if classes == model.outputs[0].shape[-1]:
        return model
    top = _last_weighted_layer(model, file)
    config = top.get_config()
    replaced = type(top).from_config({**config, next(key for key in COUNTS if key in config): int(classes)})
    return Model(model.inputs, reapply(model, model.inputs, {top.name: replaced}))


def _last_weighted_layer(model, file):
    """Returns the layer that decides how many channels the only output has; other layers that follow keep them."""
    by_output = {id(tensor): call for call in calls(model) for tensor in call.outputs}
    call = by_output.get(id(model.outputs[0]))
    while call is not None and not call.operation.weights and len(call.inputs) == 1:
        call = by_output.get(id(call.inputs[0]))
    layer = None if call is None else call.operation
    single = len(model.outputs) == 1 and layer is not None
    known = single and any(key in layer.get_config() for key in COUNTS)
    expected = f"a file whose last layer has {' or '.join(COUNTS)}, where classes is given"
    require(known, str(file), expected, layer=None if layer is None else layer.name)
    return layer
