"""Evaluates several trained models together: the mean of their probabilities, and the vote of the majority."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from rich.table import Table

from kzoo.checks import Refusal, escape, require
from kzoo.config.config import Config, check_config
from kzoo.config.yaml_file import read_yaml
from kzoo.data.examples import Examples
from kzoo.data.loader import Data
from kzoo.export.inference_model import inference_model
from kzoo.models.load_model import load_model
from kzoo.run_folder import find_seeds
from kzoo.terminal import percent
from kzoo.training.data_fingerprint import check_fingerprint
from kzoo.training.evaluation import evaluation_batch_size
from kzoo.training.predictions import class_scores
from kzoo.training.run_data import load_data
from kzoo.types import PathLike
from kzoo.user_modules import name_missing_modules

NOT_OF_TEST = {"batch_size", "preprocess", "augment", "inputs", "targets", "training_sizes", "class_names"}


class Member(NamedTuple):
    """One trained model that votes: the folder of its run, its config, the inference model, its data and test split."""

    folder: Path
    config: Config
    model: keras.Model
    data: Data
    test: Examples


def vote(runs: Sequence[PathLike]) -> dict[str, Any]:
    """Returns the errors of runs on their shared test split, of their mean, and of the majority, as JSON can hold them.

    runs: folders, or names under saved_models/; each seed of a run votes. Outputs of a model that was trained on logits
    go through a softmax first. The majority's ties are decided by the mean. Of label maps the errors are of pixels.
    Raises Refusal unless there are two models or more, of classes, that share test examples, labels and classes.
    """
    members = open_members(runs)
    require(len(members) > 1, "vote", "two trained models or more", models=len(members))
    check_shared(members)
    size = min(evaluation_batch_size(member.test, member.config) for member in members)
    right, counted = np.zeros(len(members) + 2, "int64"), 0
    distinct = {id(member.test): member.test for member in members}
    for batches in zip(*(test.once(size) for test in distinct.values())):
        given = dict(zip(distinct, batches))
        labels = [np.asarray(y).reshape(len(y), -1) for _, y in batches]
        same = all(np.array_equal(labels[0], other) for other in labels)
        require(same, "vote", "the same test examples in the same order", runs=_names(members))
        scores = [member_scores(member, given[id(member.test)][0]) for member in members]
        truth, classes = labels[0].ravel(), scores[0].shape[-1]
        scores = [each.reshape(-1, classes) for each in scores]
        is_class = (truth >= 0) & (truth < classes)
        predicted = [*(each.argmax(-1) for each in scores), *decide(scores)]
        right += [int((each == truth)[is_class].sum()) for each in predicted]
        counted += int(is_class.sum())
    errors = [round(float(error), 6) for error in 1 - right / max(counted, 1)]
    found = dict(zip(_names(members), errors))
    return {"examples": members[0].test.size, "runs": found, "mean": errors[-2], "majority": errors[-1]}


def decide(scores: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the classes by the mean of scores, each (N, classes), and by the majority of the votes.

    >>> decide([np.array([[0.6, 0.4]]), np.array([[0.6, 0.4]]), np.array([[0.1, 0.9]])])
    (array([1]), array([0]))
    """
    mean = np.mean(np.stack(scores, 0), 0)
    votes = sum(each.argmax(-1)[:, None] == np.arange(mean.shape[-1]) for each in scores)
    ahead = votes == votes.max(-1, keepdims=True)
    return mean.argmax(-1), np.where(ahead, mean, -np.inf).argmax(-1)


def open_members(runs: Sequence[PathLike]) -> list[Member]:
    """Returns the models of runs, each seed's; runs of the same data share it."""
    members: list[Member] = []
    loaded: dict[str, Data] = {}
    for folder in dict.fromkeys(folder for run in runs for folder in find_seeds(run, "model.keras")):
        config = check_config(read_yaml(folder / "config.yaml"), folder / "config.yaml")
        key = config.data.model_dump_json(exclude=NOT_OF_TEST)
        with name_missing_modules(folder):
            data = loaded[key] = loaded.get(key) or load_data(config)
        model = inference_model(load_model(folder))
        check_fingerprint(config, folder, data, model)
        inputs = config.data.inputs[: len(model.inputs)]
        require(set(inputs) == {"x"}, f"vote: {folder}", "a model whose inputs are examples", inputs=inputs)
        if data.test is None:
            raise Refusal(f"vote: {folder} expects data with a test split; received {data.name!r} without one.")
        members.append(Member(folder, config, model, data, data.test))
    return members


def check_shared(members: Sequence[Member]) -> None:
    """Raises Refusal unless the members share their test examples and classes, and predict classes."""
    first = members[0]
    for member in members:
        data, shape = member.data, member.model.outputs[0].shape
        who = f"vote: {member.folder}"
        kinds = [task.kind for task in data.tasks]
        of_classes = len(shape) in (2, 4) and (shape[-1] > 1 or data.classes == 2)
        of_classes = of_classes and len(kinds) == 1 and data.tasks[0].of_classes
        require(of_classes, who, "a model whose outputs are classes", outputs=tuple(shape), targets=kinds)
        expected = f"the test data of {first.folder}"
        size = first.test.size
        require(member.test.size == size, who, f"{expected}, {size:,} examples", examples=member.test.size)
        files, names = (data.fingerprint.get("files"), first.data.fingerprint.get("files")), data.class_names
        require(files[0] == files[1], who, expected, data=data.name)
        require(names == first.data.class_names, who, f"the classes of {first.folder}", classes=names)
        count = first.model.outputs[0].shape[-1]
        require(shape[-1] == count, who, f"{count} classes, as {first.folder}", classes=shape[-1])


def member_scores(member: Member, x: Any) -> np.ndarray:
    """Returns the scores (..., classes) of a member for a batch of examples."""
    inputs = x if len(member.model.inputs) == 1 else [x] * len(member.model.inputs)
    outputs = np.asarray(member.model.predict_on_batch(inputs), "float32")
    losses = member.config.training.loss
    given = list(losses.values()) if isinstance(losses, dict) else losses
    loss = given[0] if isinstance(given, list) else given
    if loss.config.get("from_logits"):
        outputs = 1 / (1 + np.exp(-outputs)) if outputs.shape[-1] == 1 else _softmax(outputs)
    return class_scores(outputs)


def _softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def _names(members):
    return [str(member.folder) for member in members]


def vote_table(result: dict[str, Any]) -> Table:
    """Returns a table of the errors that `vote` found."""
    table = Table(title=f"{result['examples']:,} test examples", title_justify="left")
    table.add_column("run")
    table.add_column("error", justify="right")
    for name, error in result["runs"].items():
        table.add_row(escape(name), percent(error))
    table.add_section()
    table.add_row("mean of the probabilities", percent(result["mean"]))
    table.add_row("vote of the majority", percent(result["majority"]))
    return table
