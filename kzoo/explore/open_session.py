"""Opens a run, a model file or a model of the zoo with its examples, as the page shows it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kzoo.checks import Refusal, one_line, require
from kzoo.config.config_files import read_config
from kzoo.explore.session import EXAMPLES, Session
from kzoo.export.inference_model import inference_model
from kzoo.models.graph import is_graph
from kzoo.models.load_model import load_model
from kzoo.run_folder import find_run_or_model
from kzoo.terminal import say
from kzoo.training.example_files import read_inputs
from kzoo.training.model_building import build_model
from kzoo.training.model_lookup import find_exportable
from kzoo.training.run_data import load_data, sample
from kzoo.types import PathLike


def open_session(name: PathLike, data: Sequence[PathLike] = ()) -> Session:
    """Returns the session of a run (folder or name), a `.keras` file, or a model of the zoo with initial weights.

    data: images, .npy arrays or folders to take examples from, of a model of several inputs one for each or for the
    first; by default those of the run or config. Where they are not available, the session starts with random numbers.
    """
    model, origin, examples, targets, labels, resize = _find(name)
    if data:
        shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
        examples = read_inputs("explore", shapes, data, EXAMPLES, first=True, resize=resize)
        targets = None
    return Session(model, origin, examples, targets, labels, Path(name).name, resize)


def _find(name: PathLike) -> tuple[Any, ...]:
    """Returns a model, a phrase on its origin, examples, targets and names of classes, or None, and data.resize."""
    if str(name).endswith(".keras"):
        model = load_model(name)
        require(is_graph(model), "explore", "a functional or built Sequential model", model=type(model).__name__)
        count = len(model.outputs)
        part = f", the part that computes the first of its {count} outputs" if count > 1 else ""
        return inference_model(model), f"The file {Path(name).name}{part}", None, None, None, "stretch"
    if find_run_or_model(str(name)) is None:
        try:
            config = read_config(name)
            loaded = load_data(config)
        except Refusal as refusal:
            say(f"Exploring random numbers, as there is no data: {one_line(refusal, 300)}")
        else:
            model = inference_model(build_model(config, loaded.input_shape, loaded.classes, loaded.train, False))
            origin = f"The model {name} of kzoo's zoo, with initial weights"
            examples, targets = sample(loaded.test or loaded.train, EXAMPLES)
            of_classes = len(loaded.tasks) == 1 and loaded.tasks[0].of_classes
            return model, origin, examples, targets if of_classes else None, loaded.class_names, loaded.resize
    found = find_exportable(name)
    model, origin, given = inference_model(found.model), found.origin.replace("`", ""), found.data
    resize = given.get("resize", "stretch")
    return model, origin, given.get("examples"), given.get("targets"), given.get("labels"), resize
