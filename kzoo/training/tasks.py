"""The tasks of a config: what its losses take, the task of each output, and whether loss, output and targets match."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import losses

from kzoo.checks import require
from kzoo.config.config import Config
from kzoo.config.specs import Spec
from kzoo.task import Task
from kzoo.training.keras_objects import find_class
from kzoo.training.label_targets import BINARY, INTEGERS, OTHER

LABELS = (  # losses of classes
    *(*INTEGERS, *OTHER),
    *(losses.CategoricalCrossentropy, losses.CategoricalFocalCrossentropy, losses.CategoricalHinge),
    *(losses.Dice, losses.Tversky),
)
FLAGS = (*BINARY, losses.Hinge, losses.SquaredHinge)
RANGES: dict[str, tuple[float, float]] = {  # of the numbers that an activation can give
    "sigmoid": (0, 1),
    "hard_sigmoid": (0, 1),
    "tanh": (-1, 1),
    "hard_tanh": (-1, 1),
    "softsign": (-1, 1),
    **dict.fromkeys(("relu", "softplus", "exponential"), (0, float("inf"))),
    "relu6": (0, 6),
}
LOSS_RANGES = {  # of the targets that a loss is made for
    losses.BinaryCrossentropy: (0, 1),
    losses.BinaryFocalCrossentropy: (0, 1),
    losses.MeanSquaredLogarithmicError: (0, float("inf")),
    losses.Poisson: (0, float("inf")),
    losses.KLDivergence: (0, 1),
}


def losses_of(config: Config, outputs: Sequence[str]) -> list[Spec]:
    """Returns the spec of the loss of each output. Raises Refusal unless each output has one."""
    given = config.training.loss
    if isinstance(given, Mapping):
        same = set(given) == set(outputs)
        require(same, "training.loss", f"one entry for each of {', '.join(outputs)}", outputs=list(given))
        return [given[name] for name in outputs]
    return list(given) if isinstance(given, list) else [given] * len(outputs)


def loss_takes(spec: Spec) -> str:
    """Returns what a loss compares outputs with, one of `kzoo.task.TAKES`.

    >>> [loss_takes(Spec(class_name=name)) for name in ("CategoricalCrossentropy", "BinaryCrossentropy", "Huber")]
    ['labels', 'flags', 'values']
    """
    cls = find_class("loss", spec, "training.loss")
    if issubclass(cls, FLAGS) or getattr(cls, "takes_one_hot", False):
        return "flags"
    return "labels" if issubclass(cls, LABELS) else "values"


def target_options(config: Config) -> dict[str, Any]:
    """Returns the arguments of `kzoo.data.loader.load` that say what a config's targets are; {} if not of arrays."""
    data, given = config.data, config.training.loss
    if data.arrays is None:
        return {} if data.task is None else {"task": data.task}
    takes: Any
    if isinstance(given, Mapping):
        takes = {name: loss_takes(spec) for name, spec in given.items()}
    elif isinstance(given, list):
        targets = data.targets or ["y"] * len(given)
        takes = [loss_takes(spec) for spec, target in zip(given, targets) if target == "y"] or "values"
    else:
        takes = loss_takes(given)
    outputs = config.model.settings.get("classes")
    return {"task": data.task, "losses": takes, "outputs": outputs if isinstance(outputs, int) else None}


def is_classifier(config: Config) -> bool:
    """Returns whether a config's first output surely has an accuracy; of arrays the loss may leave it open."""
    data, given = config.data, config.training.loss
    if "y" not in (data.targets or ["y"])[:1]:
        return False
    if data.arrays is None:
        return True
    specs = list(given.values()) if isinstance(given, Mapping) else given if isinstance(given, list) else [given]
    return data.task is None and loss_takes(specs[0]) == "labels"


def model_tasks(config: Config, tasks: Sequence[Task], input_shape: Sequence[Any]) -> tuple[Task, ...]:
    """Returns the tasks that a model is built for: those of the data, or of images where all targets are x."""
    if set(config.data.targets or ["y"]) == {"x"}:
        return (Task("image", tuple(input_shape), input_shape[-1]),)
    return tuple(tasks)


def task_losses(config: Config, tasks: Sequence[Task]) -> list[Spec]:
    """Returns the spec of the loss of each task; of a single one that of the first output with this target."""
    given = config.training.loss
    if len(tasks) > 1:
        return losses_of(config, [task.name for task in tasks])
    if isinstance(given, Mapping):
        return [next(iter(given.values()))]
    if isinstance(given, list):
        targets = config.data.targets or ["y"]
        return [given[targets.index("y") if "y" in targets else 0]]
    return [given]


def head_activation(task: Task, loss: Spec) -> str | None:
    """Returns the activation that fits an output of a task; None for classes, whose models have their own.

    >>> head_activation(Task("multilabel", (3,), 3), Spec(class_name="BinaryCrossentropy"))
    'sigmoid'
    """
    if task.of_classes:
        return None
    probabilities = task.kind == "multilabel" or (task.kind == "image" and loss_takes(loss) == "flags")
    return "sigmoid" if probabilities and not loss.config.get("from_logits") else "linear"


def model_heads(config: Config, tasks: Sequence[Task]) -> dict[str, tuple[int, str]]:
    """Returns {name: (units, activation)} of the heads of several tasks. Raises Refusal for tasks of maps or images."""
    heads = {}
    for task, loss in zip(tasks, task_losses(config, tasks)):
        flat = task.kind not in ("segmentation", "image")
        require(flat, "several targets", "numbers and labels of examples, for this model", **{task.name: task.kind})
        own = "linear" if loss.config.get("from_logits") else "softmax"
        heads[task.name] = (task.size or 1, head_activation(task, loss) or own)
    return heads


def output_tasks(config: Config, model: keras.Model, tasks: Sequence[Task] = ()) -> list[Task]:
    """Returns the task of each output of a model.

    Of several targets each output has the one of its name; of one, every output that is not compared with x has it.
    tasks: of the targets, by default those that the model was built for. Raises Refusal unless the names match.
    """
    names, tasks = model.output_names, tasks or getattr(model, "tasks", ())
    if len(tasks) > 1:
        found = {task.name: task for task in tasks}
        expected = f"a model with the outputs {', '.join(found)}, one for each array y_train_NAME"
        require(set(names) == set(found), "data.arrays", expected, outputs=names)
        plain = config.data.targets is None and config.data.inputs == ["x"]
        require(
            plain, "data.arrays of several targets", "data.inputs: [x] and no data.targets", inputs=config.data.inputs
        )
        return [found[name] for name in names]
    task = tasks[0] if tasks else Task()
    compared = config.data.targets or ["y"] * len(names)
    of_x = [Task("image", tuple(output.shape[1:]), output.shape[-1]) for output in model.outputs]
    return [of_x[i] if compared[i] == "x" else task for i in range(len(names))]


def check_tasks(config: Config, model: keras.Model, tasks: Sequence[Task]) -> None:
    """Raises Refusal where the loss, the output and the targets of a task do not match."""
    found = output_tasks(config, model, tasks)
    for task, loss, output, name in zip(
        found, losses_of(config, model.output_names), model.outputs, model.output_names
    ):
        if task.of_classes:
            continue
        who, takes, activation = f"{task.kind} targets", loss_takes(loss), activation_of(output)
        such = "BinaryCrossentropy" if task.kind == "multilabel" else "MeanSquaredError"
        require(takes != "labels", who, f"a loss such as {such}", loss=loss.class_name)
        shape = tuple(output.shape[1:])
        fits = len(shape) == len(task.shape) and all(a in (b, None) for a, b in zip(shape, task.shape))
        require(fits, who, f"an output of their shape, {task.shape}", **{name: shape})
        setting = "as model.classifier_activation"
        if task.kind == "multilabel":
            logits = bool(loss.config.get("from_logits"))
            require(not logits, who, "probabilities, a loss without from_logits", from_logits=logits)
            good = activation in (None, "sigmoid", "hard_sigmoid")
            require(good, who, f"sigmoid {setting}", **{name: activation})
        require(activation != "softmax", who, f"linear or sigmoid {setting}", **{name: activation})
        if task.low is None or task.high is None:
            continue
        for what, (low, high) in _ranges(loss, activation):
            within = low <= task.low and task.high <= high
            expected = f"numbers of at least {low}" + ("" if high == float("inf") else f" and at most {high}")
            require(within, f"{what} for {who}", expected, smallest=task.low, largest=task.high)


def activation_of(output: Any) -> str | None:
    """Returns the name of the activation that a symbolic output comes from; None where there is none to see.

    >>> activation_of(keras.layers.Dense(2, "tanh")(keras.Input((3,))))
    'tanh'
    """
    operation = output._keras_history.operation
    if isinstance(operation, (keras.layers.Softmax, keras.layers.ReLU)):
        return type(operation).__name__.lower()
    activation = getattr(operation, "activation", None)
    return getattr(activation, "__name__", None)


def _ranges(loss, activation):
    """Returns pairs (what, (smallest, largest number)) of the loss and the activation of an output."""
    cls = find_class("loss", loss, "training.loss")
    ranges = [(f"training.loss: {loss.class_name}", LOSS_RANGES[cls])] if cls in LOSS_RANGES else []
    return ranges + ([(f"an output with {activation}", RANGES[activation])] if activation in RANGES else [])
