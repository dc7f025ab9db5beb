"""Reports the data of a config before it is trained on: numbers and warnings for a table, and pictures of examples."""

import functools
import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.config.config import Config
from kzoo.data.data_table import splits_table
from kzoo.data.sizes_by_epoch import resize_by_epoch
from kzoo.data.split_warnings import split_warnings
from kzoo.figures import save_figure
from kzoo.reports.data_figures import Batch, draw_examples, draw_summary
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


class SplitContent(NamedTuple):
    """What was read of a split: the digests of its examples, their labels, and how many there are of each class.

    labels: None for label maps and for targets that are no classes; counts, of pixels for label maps.
    """

    digests: np.ndarray
    labels: np.ndarray | None
    counts: np.ndarray
    values: ValueStatistics


def report_data(config: Config, title: str, out: Path) -> dict[str, Any]:
    """Returns what there is to say of a config's data, as JSON can hold it, and draws it into a folder.

    Reads all examples, but of a split that does not fit into memory only the first 10,000. The entries: dataset,
    input_shape, dtype, classes, class_names; splits, {split: examples, read, counts of each class}; counted, "examples"
    or "pixels"; values of the training examples, and model_inputs after data.preprocess, each with mean and deviation
    of each channel, smallest and largest; image_sizes, [height, width, images] of a folder's files; skipped; warnings;
    files, the pictures examples.png and summary.png.
    """
    data = load_data(config)
    one = len(data.tasks) < 2 and all(task.of_classes for task in data.tasks)
    require(one, "kzoo data", "targets that are classes", tasks=[task.kind for task in data.tasks])
    files = data.image_files
    with data.errors():
        contents = {split: _read(config, data, split) for split in data.splits()}
        batch, augmented = _first_batches(config, data)
        x, _ = sample(data.train, MEASURED)
        preprocessing = build_preprocessing(config, data.input_shape, data.train)
        inputs = ValueStatistics() if config.data.preprocess else contents["train"].values
        if config.data.preprocess:
            inputs.add(preprocessing.predict(x, batch_size=32, verbose=0))
    counts = {split: content.counts for split, content in contents.items()}
    figures = {
        "examples.png": draw_examples(title, batch, augmented, data.class_names, data.classes),
        "summary.png": draw_summary(title, counts, x, data.class_names, _all_sizes(files) if files else None),
    }
    out.mkdir(parents=True, exist_ok=True)
    for file, figure in figures.items():
        save_figure(figure, out / file)
    return {
        "dataset": data.name,
        "input_shape": list(data.input_shape),
        "dtype": data.train.dtype,
        "classes": data.classes,
        "class_names": data.class_names and list(data.class_names),
        "splits": {
            name: {"examples": split.size, "read": len(contents[name].digests), "counts": counts[name].tolist()}
            for name, split in data.splits().items()
        },
        "counted": "pixels" if data.train.label_shape else "examples",
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
    counts = {name: np.array(split["counts"], int) for name, split in splits.items()}
    print_table(splits_table(title, sizes, counts, record["class_names"], record["counted"] == "pixels"))
    lines = [f"{split['read']:,} of the examples of {name} were read" for name, split in splits.items()]
    lines = [line for line, split in zip(lines, splits.values()) if split["read"] < split["examples"]]
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


def _describe(values):
    mean, deviation = (", ".join(f"{value:.4g}" for value in values[key]) for key in ("mean", "deviation"))
    return f"mean {mean}; deviation {deviation}; from {values['smallest']:.4g} to {values['largest']:.4g}"


def _read(config, data, name):
    """Returns the `SplitContent` of a split."""
    split = data.splits()[name]
    most = min(STREAMED, split.size) if split.is_streamed else split.size
    digests, labels, counts, values = [], [], np.zeros(data.classes or 0, int), ValueStatistics()
    for x, y in split.once(min(evaluation_batch_size(split, config), most)).as_numpy_iterator():
        digests += [hashlib.blake2b(one.tobytes(), digest_size=16).hexdigest() for one in x]
        labels += list(y) if y.ndim == 1 and y.dtype.kind in "iu" else []
        counts = _add(counts, y, config.data.ignore_label)
        values.add(x)
        if len(digests) >= most:
            break
    return SplitContent(np.array(digests), np.array(labels) if labels else None, counts, values)


def _add(counts, labels, ignored):
    """Returns counts of classes with those of more labels added."""
    if labels.dtype.kind not in "iu":
        return counts
    kept = labels[(labels >= 0) & (labels != (-1 if ignored is None else ignored))]
    more = np.bincount(kept, minlength=len(counts))
    more[: len(counts)] += counts
    return more


def _first_batches(config, data):
    """Returns the first batch of training examples, and the same examples after augmentation, None if there is none."""
    size, seed = min(DRAWN, data.train.size), config.training.seeds[0]
    x, y, *_ = next(iter(data.train.batches(size, seed)))
    if not (config.data.augment or config.data.training_sizes):
        return Batch(x.numpy(), y.numpy()), None
    mixing, sizes = mixing_layer(config), config.data.training_sizes
    encode = functools.partial(tf.one_hot, depth=data.classes) if mixing and data.classes else None
    batches = data.train.batches(size, seed, 0, build_augmentation(config), encode)
    batches = resize_by_epoch(batches, sizes, 1, 0) if sizes else batches
    augmented_x, augmented_y, *_ = next(iter(batches))
    augmented_y = np.argmax(augmented_y, axis=-1) if mixing else augmented_y.numpy()
    return Batch(x.numpy(), y.numpy()), Batch(augmented_x.numpy(), augmented_y)


def _all_sizes(files):
    return np.concatenate(list(files.sizes.values()))


def _count_sizes(files):
    sizes, counts = np.unique(_all_sizes(files), axis=0, return_counts=True)
    return [[*map(int, size), int(count)] for size, count in zip(sizes, counts)]


def _warnings(config, data, contents, x, inputs):
    digests = {name: content.digests for name, content in contents.items()}
    labels = {name: content.labels for name, content in contents.items() if content.labels is not None}
    names = data.image_files.names if data.image_files else {}
    found = split_warnings(digests, labels, data.class_names, names)
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
        model = build_model(config.model_copy(update={"transfer": None}), data.input_shape, data.classes)
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
