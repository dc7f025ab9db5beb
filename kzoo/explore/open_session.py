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
from kzoo.task import KINDS, Task
from kzoo.terminal import say
from kzoo.training.example_files import read_inputs
from kzoo.training.model_building import build_model
from kzoo.training.model_lookup import find_exportable
from kzoo.training.run_data import load_data, sample
from kzoo.training.tasks import output_tasks
from kzoo.types import PathLike


def open_session(name: PathLike, data: Sequence[PathLike] = ()) -> Session:
    """Returns the session of a run (folder or name), a `.keras` file, or a model of the zoo with initial weights.

    data: images, .npy arrays or folders to take examples from, of a model of several inputs one for each or for the
    first; by default those of the run or config. Where they are not available, the session starts with random numbers.
    """
    model, origin, examples, targets, labels, resize, kind = _find(name)
    if data:
        shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
        examples = read_inputs("explore", shapes, data, EXAMPLES, first=True, resize=resize)
        targets = None
    return Session(model, origin, examples, targets, labels, Path(name).name, resize, kind)


def _find(name: PathLike) -> tuple[Any, ...]:
    """Returns a model, a phrase on its origin, examples, targets, names of classes, data.resize and the kind of task.

    The examples, targets and names are None where there are none.
    """
    if str(name).endswith(".keras"):
        model = load_model(name)
        require(is_graph(model), "explore", "a functional or built Sequential model", model=type(model).__name__)
        count = len(model.outputs)
        part = f", the part that computes the first of its {count} outputs" if count > 1 else ""
        return inference_model(model), f"The file {Path(name).name}{part}", None, None, None, "stretch", KINDS[0]
    if find_run_or_model(str(name)) is None:
        try:
            config = read_config(name)
            loaded = load_data(config)
        except Refusal as refusal:
            say(f"Exploring random numbers, as there is no data: {one_line(refusal, 300)}")
        else:
            built = build_model(config, loaded.input_shape, loaded.classes, loaded.train, False)
            model, task = inference_model(built), output_tasks(config, built)[0]
            origin = f"The model {name} of kzoo's zoo, with initial weights"
            examples, targets = sample(loaded.test or loaded.train, EXAMPLES)
            of_classes = len(loaded.tasks) == 1 and loaded.tasks[0].of_classes
            targets, names = targets if of_classes else None, task.names or loaded.class_names
            return model, origin, examples, targets, names, loaded.resize, task.kind
    found = find_exportable(name)
    model, origin, given = inference_model(found.model), found.origin.replace("`", ""), found.data
    task, resize = next(iter(found.tasks), Task()), given.get("resize", "stretch")
    names = task.names or given.get("labels")
    return model, origin, given.get("examples"), given.get("targets"), names, resize, task.kind
