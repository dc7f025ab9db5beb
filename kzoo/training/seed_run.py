"""One training with one seed, from data to a whole folder of results.

Source: none.
"""

import contextlib
import json
import platform

import keras
import numpy as np

from kzoo.checks import Refusal, require
from kzoo.data.loader import load
from kzoo.data.mock_data import mock_like
from kzoo.export.exporter import export
from kzoo.export.formats import FORMATS
from kzoo.export.inference_model import inference_model
from kzoo.export.preflight import check
from kzoo.files import write_atomically
from kzoo.terminal import say
from kzoo.training import report
from kzoo.training.checkpoint import Checkpoint, KeepBest
from kzoo.training.config import config_sha256, resolved
from kzoo.training.model_building import (
    arrange,
    build_augmentation,
    build_callbacks,
    build_net,
    build_trainer,
)
from kzoo.training.progress import ProgressBar
from kzoo.training.yaml_file import write_yaml

STATE = "state.pickle"
EVALUATION_BYTES = 2**26  # bytes of examples in one evaluation batch
TRIALS, TRIAL_BYTES = 1000, 2**28  # examples that an export is tried with, and how much they may take


def run_seed(config, seed, folder, label):
    """Train, evaluate, export and report into `folder`; what an earlier process began there is gone on with.

    Returns the content of metrics.json, whose presence says that the folder is whole.
    """
    data = load_data(config)
    net, trainer, checkpoint = train_seed(config, seed, folder, label, data)
    history = checkpoint.history

    say(f"{label}: evaluating and exporting")
    splits = {"test": data.test, "train": data.train, "validation": data.validation}
    scores = {name: evaluate(trainer, split, config) for name, split in splits.items() if split is not None}
    if not np.isfinite(scores["train"]["loss"]):
        last = history[-1]["loss"]
        raise Refusal(f"{label}: training diverged to a loss of {last}; try a smaller learning rate, with --overwrite.")
    net.save(folder / "model.keras")
    examples, labels = sample(data.test or data.train)
    formats, answers = config.export.formats, inference_model(net)
    tried = trials(data, examples, labels) if formats else {}
    reports = [export(answers, folder / FORMATS[name].file, name, **tried) for name in formats]
    steps = steps_of(config, data)
    metrics = {
        "model": config.model.name,
        "data": data.name,
        **scores,
        "published": config.published and config.published.model_dump(),
        "parameters": net.count_params(),
        "epochs": len(history),
        "steps": len(history) * steps,
        "seconds": round(checkpoint.seconds, 2),
        "steps_per_second": round(len(history) * steps / checkpoint.seconds, 1),
        "export": exported(reports),
        "seed": seed,
        "config_sha256": config_sha256(config),
        "versions": versions(),
    }
    report.write_history(history, folder)
    report.plot_history(history, scores, metrics["published"], label, folder / "history.png")
    report.plot_confusion(answers, examples, labels, data.class_names, label, folder / "confusion.png")
    report.plot_maps(answers, examples, labels, data.class_names, label, folder / "maps.png")
    write_atomically(folder / "config.yaml", write_yaml(resolved(config)))
    write_atomically(folder / "README.md", report.card(label, config, metrics, data))
    write_atomically(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    (folder / STATE).unlink(missing_ok=True)
    return metrics


def train_seed(config, seed, folder, label, data):
    """Build and train; what an earlier process began in `folder` is gone on with. Returns net, trainer, checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(seed)  # after the data: preparing a set for the first time draws numbers too
    net = build_net(config, data.input_shape, data.classes, data.train)
    check_exports(config, net)
    trainer = build_trainer(config, net)
    return net, trainer, fit(config, seed, folder, label, data, net, trainer)


def check_exports(config, net):
    """Refuse formats that the net cannot be exported to, before it is trained."""
    for name in config.export.formats:
        check(inference_model(net), name)


def trials(data, examples=None, targets=None):
    """What an export of a net trained on `data` is tried and furnished with: real examples, labels, ranges."""
    most = max(1, min(TRIALS, TRIAL_BYTES // (4 * int(np.prod(data.input_shape)))))
    if examples is None:
        examples, targets = sample(data.test or data.train, most)
    return {
        "examples": examples[:most],
        "targets": targets[:most],
        "labels": data.class_names,
        "images": None if data.train.dtype == "uint8" else False,
        "representative": sample(data.train, most)[0],
    }


def exported(reports):
    """What metrics.json tells of a run's exports."""
    judged = [one["max_difference"] for one in reports if FORMATS[one["format"]].tolerance is not None]
    kept = ("max_difference", "bytes", "accuracy")
    formats = {one["format"]: {key: one[key] for key in kept if key in one} for one in reports}
    return {"max_difference": max(judged, default=None), "formats": formats}


def load_data(config):
    """The data of a config."""
    return load(**data_source(config), validation=config.data.validation)


def data_source(config):
    """What `load` and `mock_like` are told of a config's data."""
    return {key: getattr(config.data, key) for key in ("name", "folder", "arrays", "image_size", "length")}


def steps_of(config, data):
    """Optimizer steps a period."""
    size = config.data.batch_size
    require(size <= data.train.size, "data.batch_size", f"at most the {data.train.size} examples", batch_size=size)
    steps = config.training.steps_per_epoch or data.train.size // size
    expected = f"a divisor of the {steps} steps a period"
    calls = config.training.steps_per_call
    require(steps % calls == 0, "training.steps_per_call", expected, steps_per_call=calls)
    return steps


def fit(config, seed, folder, label, data, net, trainer):
    """Train from where the folder's state left off to the end; the net then has the weights to keep."""
    training, steps = config.training, steps_of(config, data)
    callbacks = build_callbacks(config)
    if training.keep == "best":
        callbacks.append(KeepBest(net))
    checkpoint = Checkpoint(net, folder / STATE, callbacks)
    begun = checkpoint.epoch
    stream = data.train.batches(config.data.batch_size, seed, begun * steps, build_augmentation(config))
    stream = arrange(config, net, stream)
    if training.steps_per_call > 1:
        stream = stream.batch(training.steps_per_call, drop_remainder=True)
    validation = data.validation and one_pass(net, data.validation, config)
    board = keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False)
    if begun:
        say(f"{label}: going on after period {begun} of {training.epochs}")
    bar = ProgressBar(label, training.epochs, steps, begun)
    with fitting(label), contextlib.closing(bar):
        trainer.fit(
            stream,
            epochs=begun if checkpoint.stopped else training.epochs,
            initial_epoch=begun,
            steps_per_epoch=steps // training.steps_per_call,
            validation_data=validation,
            callbacks=[*callbacks, board, bar, checkpoint],
            shuffle=False,  # the stream is shuffled
            verbose=0,
        )
    return checkpoint


@contextlib.contextmanager
def fitting(label):
    """Keras's complaints of parts that do not fit together (a loss and its labels, say), in one line."""
    try:
        yield
    except Refusal:
        raise
    except (ValueError, TypeError) as error:
        raise Refusal(f"{label} cannot be trained so: {' '.join(str(error).split())[:300]}") from error


@contextlib.contextmanager
def policy(training):
    """Keras's dtype policy and TensorFlow's determinism for the length of a run."""
    import tensorflow as tf

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(training.dtype_policy)
    if training.deterministic:
        tf.config.experimental.enable_op_determinism()
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def evaluation_batch(split, config):
    """Examples in one evaluation batch: at least a training batch, up to 1,000 where they are small."""
    example = int(np.prod(split.input_shape)) * 4
    return max(config.data.batch_size, min(1000, EVALUATION_BYTES // example))


def one_pass(net, split, config):
    """A split in its order, as the net's inputs and outputs want it."""
    return arrange(config, net, split.once(evaluation_batch(split, config)))


def evaluate(trainer, split, config):
    """Error and loss (and the config's metrics) of a trained model on a split, as plain numbers."""
    scores = trainer.evaluate(one_pass(trainer, split, config), return_dict=True, verbose=0)
    return {"error": round(1 - float(scores.pop("accuracy")), 6), **{k: float(v) for k, v in scores.items()}}


def sample(split, most=10_000):
    """Up to `most` examples of a split, as arrays."""
    x, y = next(iter(split.once(min(most, split.size))))
    return x.numpy(), y.numpy()


def versions():
    """Versions of what decides a run's numbers."""
    import tensorflow as tf

    import kzoo

    found = {"kzoo": kzoo.__version__, "keras": keras.__version__, "tensorflow": tf.__version__}
    return {**found, "numpy": np.__version__, "python": platform.python_version()}


def dry_run(config):
    """Build everything for the data's specs and take one training step on mock data; nothing is read or written."""
    batch = config.data.batch_size
    if config.transfer:  # its run need not be there yet
        config = config.model_copy(update={"transfer": config.transfer.model_copy(update={"weights": None})})
    data = mock_like(**data_source(config), size=batch)
    with policy(config.training), fitting(config.model.name):
        net = build_net(config, data.input_shape, data.classes, data.train)
        check_exports(config, net)
        trainer = build_trainer(config, net)
        build_callbacks(config)
        stream = arrange(config, net, data.train.batches(batch, 0, 0, build_augmentation(config)))
        stream = stream.batch(1) if config.training.steps_per_call > 1 else stream
        loss = trainer.fit(stream, steps_per_epoch=1, shuffle=False, verbose=0).history["loss"][0]
    return {"input": data.input_shape, "classes": data.classes, "parameters": net.count_params(), "loss": loss}
