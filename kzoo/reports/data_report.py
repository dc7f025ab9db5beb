"""Reports the data of a config before it is trained on: numbers and warnings for a table, and pictures of examples."""

import functools
import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.config.config import Config
from kzoo.data.data_table import numbers_table, splits_table
from kzoo.data.sizes_by_epoch import resize_by_epoch
from kzoo.data.split_warnings import split_warnings
from kzoo.figures import save_figure
from kzoo.reports.data_figures import Batch, draw_examples, draw_summary
from kzoo.reports.target_content import TargetContent, data_tasks
from kzoo.reports.value_statistics import ValueStatistics
from kzoo.terminal import print_table, stdout
from kzoo.training.evaluation import evaluation_batch_size
from kzoo.training.mixed_labels import mixing_layer
from kzoo.training.model_batches import build_augmentation
from kzoo.training.model_building import build_model, build_preprocessing
from kzoo.training.run_data import load_data, sample

STREAMED = 10_000  # examples that are read of a split that does not fit into memory
DRAWN = 16  # examples in the picture
MEASURED = 256  # examples whose preprocessed values are measured
BYTES = 10.0  # mean and deviation of a model's inputs above which they are as good as bytes
FIRST = 6  # layers of a model among which one may rescale its inputs
STRETCHED = 1.25  # times by which stretching changes the proportions of an image
RESCALING = "{class_name: Rescaling, config: {scale: 0.00392156862745098}}"
SIZES = 5  # of images that are printed
UNITS = {"multilabel": "label", "segmentation": "pixels", "image": ""}  # of tables


class SplitContent(NamedTuple):
    """What was read of a split: the digests of its examples, the values of the inputs, and its targets."""

    digests: np.ndarray
    values: ValueStatistics
    targets: list[TargetContent]


def report_data(config: Config, title: str, out: Path) -> dict[str, Any]:
    """Returns what there is to say of a config's data, as JSON can hold it, and draws it into a folder.

    Reads all examples, but of a split that does not fit into memory only the first 10,000. The entries: dataset,
    input_shape, dtype; splits, {split: examples, read}; targets, a list with the name, kind and names of each and in
    its splits the counts of classes or labels (of label maps of pixels), or mean, deviation, smallest and largest of
    each number or of images; values of the training examples, and model_inputs after data.preprocess, each with mean
    and deviation of each channel, smallest and largest; image_sizes, [height, width, images] of a folder's files;
    skipped; warnings; files, the pictures examples.png and summary.png.
    """
    data = load_data(config)
    tasks, files = data_tasks(data.tasks, data.classes, data.class_names), data.image_files
    with data.errors():
        contents = {name: _read(config, split, tasks) for name, split in data.splits().items()}
        batch, augmented = _first_batches(config, data)
        x, y = sample(data.train, MEASURED)
        preprocessing = build_preprocessing(config, data.input_shape, data.train)
        inputs = ValueStatistics() if config.data.preprocess else contents["train"].values
        if config.data.preprocess:
            inputs.add(preprocessing.predict(x, batch_size=32, verbose=0))
    targets = [{split: content.targets[number] for split, content in contents.items()} for number in range(len(tasks))]
    images = {task.name: _by_name(y, tasks)[task.name] for task in tasks if task.kind == "image"}
    figures = {
        "examples.png": draw_examples(title, batch, augmented, tasks),
        "summary.png": draw_summary(title, targets, x, images, _all_sizes(files) if files else None),
    }
    out.mkdir(parents=True, exist_ok=True)
    for file, figure in figures.items():
        save_figure(figure, out / file)
    return {
        "dataset": data.name,
        "input_shape": list(data.input_shape),
        "dtype": data.train.dtype,
        "splits": {
            name: {"examples": split.size, "read": len(contents[name].digests)} for name, split in data.splits().items()
        },
        "targets": [
            {
                **{"name": task.name, "kind": task.kind, "names": task.names and list(task.names)},
                "splits": {split: content.describe() for split, content in of_splits.items()},
            }
            for task, of_splits in zip(tasks, targets)
        ],
        "values": contents["train"].values.describe(),
        "model_inputs": inputs.describe(),
        "image_sizes": files and _count_sizes(files),
        "skipped": files.skipped if files else {},
        "warnings": _warnings(config, data, contents, x, inputs),
        "files": [str(out / file) for file in figures],
    }


def print_report(title: str, record: dict[str, Any]) -> None:
    """Prints the record of `report_data` to stdout: a table, a few lines, and the warnings."""
    splits = record["splits"]
    sizes = {name: split["examples"] for name, split in splits.items()}
    lines = [
        f"{split['read']:,} of the examples of {name} were read"
        for name, split in splits.items()
        if split["read"] < split["examples"]
    ]
    for target in record["targets"]:
        print_table(_target_table(title, target, sizes))
        if target["kind"] == "image":
            of_splits = target["splits"].items()
            lines += [f"{target['name'] or 'targets'} of {split}: {_describe(found)}" for split, found in of_splits]
    shape = " x ".join(map(str, record["input_shape"]))
    lines.append(f"examples: {shape}, {record['dtype']}; {_describe(record['values'])}")
    if record["model_inputs"] != record["values"]:
        lines.append(f"inputs of the model, after data.preprocess: {_describe(record['model_inputs'])}")
    if record["image_sizes"]:
        of_sizes = sorted(record["image_sizes"], key=lambda size: -size[2])
        named = ", ".join(f"{height} x {width} ({count:,})" for height, width, count in of_sizes[:SIZES])
        more = f" and {len(of_sizes) - SIZES:,} more" if len(of_sizes) > SIZES else ""
        lines.append(f"sizes of the files, height x width: {named}{more}")
    lines += [f"skipped: {name} is {problem}" for name, problem in record["skipped"].items()]
    lines += [f"warning: {warning}" for warning in record["warnings"]]
    for line in [*lines, f"drawn: {', '.join(record['files'])}"]:
        stdout().print(line, highlight=False, soft_wrap=True)


def _target_table(title, target, sizes):
    """Returns a rich table of what is in the record of a target, a column for each split."""
    title = f"{title}: {target['name']}" if target["name"] else title
    kind, of_splits = target["kind"], target["splits"]
    if kind == "regression":
        return numbers_table(title, sizes, of_splits, target["names"])
    counts = {split: np.array(found.get("counts", ()), int) for split, found in of_splits.items()}
    return splits_table(title, sizes, counts, target["names"], UNITS.get(kind, "class"))


def _describe(values):
    mean, deviation = (", ".join(f"{value:.4g}" for value in values[key]) for key in ("mean", "deviation"))
    return f"mean {mean}; deviation {deviation}; from {values['smallest']:.4g} to {values['largest']:.4g}"


def _read(config, split, tasks):
    """Returns the `SplitContent` of a split."""
    most = min(STREAMED, split.size) if split.is_streamed else split.size
    digests, values = [], ValueStatistics()
    targets = [TargetContent(task, config.data.ignore_label) for task in tasks]
    for x, y in split.once(min(evaluation_batch_size(split, config), most)).as_numpy_iterator():
        digests += [hashlib.blake2b(one.tobytes(), digest_size=16).hexdigest() for one in x]
        values.add(x)
        for target in targets:
            target.add(_by_name(y, tasks)[target.task.name])
        if len(digests) >= most:
            break
    return SplitContent(np.array(digests), values, targets)


def _by_name(y, tasks):
    """Returns targets as {name: array}."""
    return y if isinstance(y, dict) else {tasks[0].name: y}


def _first_batches(config, data):
    """Returns the first batch of training examples, and the same examples after augmentation, None if there is none."""
    size, seed = min(DRAWN, data.train.size), config.training.seeds[0]
    x, y, *_ = next(data.train.batches(size, seed).as_numpy_iterator())
    if not (config.data.augment or config.data.training_sizes):
        return Batch(x, _by_name(y, data.tasks)), None
    mixing, sizes = mixing_layer(config), config.data.training_sizes
    encode = functools.partial(tf.one_hot, depth=data.classes) if mixing and data.classes else None
    batches = data.train.batches(size, seed, 0, build_augmentation(config), encode)
    batches = resize_by_epoch(batches, sizes, 1, 0) if sizes else batches
    augmented_x, augmented_y, *_ = next(batches.as_numpy_iterator())
    augmented_y = np.argmax(augmented_y, axis=-1) if mixing else augmented_y
    return Batch(x, _by_name(y, data.tasks)), Batch(augmented_x, _by_name(augmented_y, data.tasks))


def _all_sizes(files):
    return np.concatenate(list(files.sizes.values()))


def _count_sizes(files):
    sizes, counts = np.unique(_all_sizes(files), axis=0, return_counts=True)
    return [[*map(int, size), int(count)] for size, count in zip(sizes, counts)]


def _warnings(config, data, contents, x, inputs):
    digests = {name: content.digests for name, content in contents.items()}
    labels = {name: content.targets[0].labels() for name, content in contents.items()}
    one = len(data.tasks) == 1 and all(of_split is not None for of_split in labels.values())
    names = data.image_files.names if data.image_files else {}
    found = split_warnings(digests, labels if one else None, data.class_names, names)
    for target in contents["train"].targets:
        found += target.warnings()
    if data.test is None:
        found.append("there is no test split: data.test: 0.2 holds out a fifth of the examples")
    if data.train.size < config.data.batch_size:
        found.append(f"data.batch_size, {config.data.batch_size}, is more than the {data.train.size} training examples")
    constant = [channel for channel, deviation in enumerate(contents["train"].values.deviation()) if deviation == 0]
    if constant:
        found.append(f"channels that are the same number everywhere: {', '.join(map(str, constant))}")
    elif x.ndim == 4 and x.shape[-1] == 3 and (x == x[..., :1]).all():
        found.append("the three channels are equal: the images are grey")
    if _is_unscaled(inputs) and not _rescales(config, data):
        what = "bytes reach" if data.train.dtype == "uint8" else "values as large as bytes reach"
        found.append(f"{what} the model without rescaling: add {RESCALING} to data.preprocess")
    return found + (_size_warnings(config, _all_sizes(data.image_files)) if data.image_files else [])


def _is_unscaled(inputs):
    """Returns whether a model's inputs are large numbers that are not centred either."""
    return min(inputs.deviation().max(), np.abs(inputs.mean()).max()) > BYTES


def _rescales(config, data):
    """Returns whether one of the first layers of the model itself rescales or centres its inputs."""
    try:
        alone = config.model_copy(update={"transfer": None})
        model = build_model(alone, data.input_shape, data.classes, tasks=data.tasks)
    except Refusal:
        return False
    first = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)][:FIRST]
    names = [type(layer).__name__ for layer in first]
    return any(name.endswith("Normalization") or name in ("Rescaling", "MeanSubtraction") for name in names)


def _size_warnings(config, sizes):
    """Returns warnings on what data.image_size does to images of these sizes."""
    if config.data.image_size is None:
        return []
    found, scales = [], sizes / np.array(config.data.image_size)
    stretched = int((scales.max(1) > STRETCHED * scales.min(1)).sum())
    if stretched and config.data.resize == "stretch":
        found.append(
            f"{stretched:,} of {len(sizes):,} images are stretched to other proportions: "
            "data.resize: crop or pad keeps them"
        )
    enlarged = int((scales.min(1) < 1).sum())
    if enlarged:
        found.append(f"{enlarged:,} of {len(sizes):,} images are smaller than data.image_size and are enlarged")
    return found
