"""Checks, before training, that a model has as many outputs as the data has classes, and the classes as many names."""

import keras

from kzoo.checks import require
from kzoo.config.config import Config
from kzoo.data.loader import Data
from kzoo.training.label_targets import label_range
from kzoo.training.losses_and_metrics import build_losses
from kzoo.training.tasks import output_tasks


def check_classes(config: Config, model: keras.Model, data: Data) -> None:
    """Raises Refusal unless outputs have a channel for each class of the data, and data.class_names a name for each.

    Only what the config does not set by itself can differ: the outputs of a model of the user's, of a file or of a
    builder without `classes`. A loss that takes no class numbers, or is the user's own, may have any output.
    """
    losses = build_losses(config, model, data.tasks)
    for task, output, loss in zip(output_tasks(config, model, data.tasks), model.outputs, losses):
        accepted = label_range(loss, "training.loss", output.shape[-1]) if task.of_classes else None
        classes = task.size if task.name else data.classes
        if accepted is None or classes is None or accepted.classes == classes:
            continue
        target = f"target {task.name!r}" if task.name else "data"
        expected = f"{classes} outputs, one for each class of the {target}"
        if accepted.classes > classes and config.data.arrays is not None:
            array = f"y_names_{task.name}" if task.name else "y_names"
            expected += f" ({array} in {config.data.arrays} can name classes without examples)"
        fits = accepted.classes == 2 > classes  # only the first of two classes has examples
        require(fits, "model", expected, outputs=output.shape[-1])
    names, outputs = config.data.class_names, model.outputs[0].shape[-1]
    expected = f"one name for each of the model's {outputs} classes"
    fits = names is None or outputs == 1 or len(names) == outputs
    require(fits, "data.class_names", expected, names=len(names or ()))
