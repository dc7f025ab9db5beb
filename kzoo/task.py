"""What the outputs of a model predict: classes, labels, numbers or images, one task for each target of the data.

A task follows from what the loss takes and from the targets (`infer_kind`), unless `data.task` of a config says it:

| loss takes | y (N,), integers | y (N,), floats | y (N, k) | y of images or maps |
|---|---|---|---|---|
| labels: crossentropies of classes | classification | refused | refused | segmentation |
| flags: binary crossentropies, hinges | classification | refused | multilabel | image if floats, else segmentation |
| values: squared errors and all others | classification | regression | regression | image |

Of one output, integers are regression too where the loss takes values.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kzoo.checks import require

if TYPE_CHECKING:
    import numpy as np

CLASSES = ("classification", "segmentation")  # integer labels, of examples and of pixels
KINDS = (*CLASSES, "multilabel", "regression", "image")
TAKES = ("labels", "flags", "values")  # what a loss compares outputs with
UNITS = {"multilabel": "label", "regression": "number", "image": "channel"}  # what outputs are, otherwise "class"
THRESHOLD = 0.5  # a label is predicted where its probability is above


@dataclasses.dataclass(frozen=True)
class Task:
    """The task of one output.

    Shapes: shape is that of one example's target: () for classification, (k,) for multilabel and regression, the size
    of a map and its channels for segmentation and image.
    Arguments: kind, one of KINDS; size, the number of classes, labels, numbers or channels, None if unknown; name, that
    of the output, "" if there is only one target; names, of the classes, labels or numbers; low and high, the smallest
    and the largest number of the targets, None if unknown.

    >>> Task("regression", (2,), 2).of_classes
    False
    """

    kind: str = "classification"
    shape: tuple[int, ...] = ()
    size: int | None = None
    name: str = ""
    names: tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None

    @property
    def of_classes(self) -> bool:
        """Whether targets are integer labels, so that there is an accuracy."""
        return self.kind in CLASSES

    def record(self) -> dict[str, Any]:
        """Returns what files say about the task; `read_tasks` reads it."""
        return {"name": self.name, "kind": self.kind, "shape": list(self.shape), "names": self.names}


def read_tasks(record: Mapping[str, Any]) -> tuple[Task, ...]:
    """Returns the tasks in the record of a run or an export; () for one of classes, which records do not name.

    Raises ValueError for damaged entries.

    >>> read_tasks({"tasks": [Task("regression", (2,), 2, "shift").record()]})[0].size
    2
    """
    tasks = []
    for each in record.get("tasks") or ():
        if not isinstance(each, Mapping) or each.get("kind") not in KINDS:
            raise ValueError("its tasks have other content")
        shape, names = tuple(each.get("shape") or ()), each.get("names")
        size = shape[-1] if shape and each["kind"] not in CLASSES else None
        tasks.append(Task(each["kind"], shape, size, str(each.get("name", "")), names and tuple(map(str, names))))
    return tuple(tasks)


def recorded(tasks: Sequence[Task]) -> dict[str, Any]:
    """Returns the entry of a record with tasks: {} for one of classes, which earlier versions had only."""
    plain = not tasks or (len(tasks) == 1 and tasks[0].of_classes)
    return {} if plain else {"tasks": [task.record() for task in tasks]}


def outputs_of(tasks: Sequence[Task]) -> list[str] | None:
    """Returns the names of the outputs that inference needs, of several tasks; None for a single one, the first.

    >>> outputs_of([Task(name="digit"), Task("regression", (1,), 1, "shift")])
    ['digit', 'shift']
    """
    return [task.name for task in tasks] if len(tasks) > 1 else None


def infer_kind(y: "np.ndarray", takes: str | None = None, outputs: int | None = None) -> str:
    """Returns the kind of task of the targets y (N, ...), by the table at the head of this file.

    Arguments: takes, one of TAKES, None where there is no loss; outputs, the number of the model's outputs if known.

    >>> import numpy as np
    >>> infer_kind(np.zeros(3), "values"), infer_kind(np.zeros(3, "int64"), "values"), infer_kind(np.eye(2), "flags")
    ('regression', 'classification', 'multilabel')
    """
    integers = y.dtype.kind in "biu"
    if y.ndim > 2:
        return "image" if takes == "values" or (takes == "flags" and not integers) else "segmentation"
    if y.ndim == 2 and y.shape[1] != 1:
        return {"flags": "multilabel", "values": "regression"}.get(takes or "", "classification")
    return "regression" if takes == "values" and (outputs == 1 or not integers) else "classification"


def choose(option: Any, names: Sequence[str], where: str) -> list[Any]:
    """Returns the value of an option for each target: one for all, a list in their order, or {name: value}.

    Raises Refusal, which begins with `where`, if the names or the number do not match.

    >>> choose({"b": 1}, ["a", "b"], "an option"), choose([1, 2], ["a", "b"], "an option")
    ([None, 1], [1, 2])
    """
    if isinstance(option, Mapping):
        unknown = [name for name in option if name not in names]
        require(not unknown, where, f"names among {', '.join(names)}", names=unknown)
        return [option.get(name) for name in names]
    if isinstance(option, (list, tuple)):
        matches = len(option) == len(names)
        require(matches, where, f"one entry for each of {', '.join(names)}", entries=len(option))
        return list(option)
    return [option] * len(names)
