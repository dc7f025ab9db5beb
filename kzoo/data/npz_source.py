"""Datasets from one .npz file with Keras's array names: x_train, y_train and, for a test split, x_test, y_test.

Other splits are named likewise, x_val and y_val, and w_train, w_val and w_test are weights of the examples. Several
targets are y_train_NAME for each output NAME of a model. y_names, or y_names_NAME, names the classes, labels or
numbers.

Source: keras.datasets.mnist (mnist.npz).
"""

import math
import zipfile
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.data.examples import Examples
from kzoo.data.npz_targets import TargetSettings, as_finite, convert_target, describe_task, resize_target, resized_task
from kzoo.data.sizing import Sizing
from kzoo.data.source import (
    TESTS,
    VALIDATIONS,
    Source,
    check_image_size,
    digest,
    local_path,
    resize_images,
)
from kzoo.memory import available_memory
from kzoo.task import KINDS, choose, infer_kind

SPLITS = ("train", *VALIDATIONS, *TESTS)
NAMES = "y_names"


class StoredArrays(NamedTuple):
    """Arrays by the names that a file would have for them; `content` is their digest."""

    name: str
    arrays: dict[str, np.ndarray]
    content: str

    def __str__(self) -> str:
        return self.name


def npz_source(path, sizing=Sizing(), settings=TargetSettings()):
    """Returns the `Source` of an .npz file, or of `StoredArrays`, with the training examples in a fixed random order.

    Shapes: x (N, H, W, C) images or (N, L, 1) series; (N, H, W) and (N, L) gain a channel axis. y by its task:
    classification (N,) or (N, 1), whole numbers 0..classes-1; segmentation (N, H, W, 1), the same for each pixel;
    multilabel (N, k), 0 and 1; regression (N,) or (N, k); image (N, H, W, C). w (N,), if the file has it, weights of
    examples with one label or a few numbers. Inputs and targets of more than 32 bits become float32. Pixels of label
    maps may also be sizing.ignore_label, an integer that is no class.
    The digest covers the content of the arrays, through the checksums that the file stores.
    Raises Refusal if the file is missing or cannot be read, or if an array is missing, pickled, larger than memory, not
    finite, or of a wrong dtype, rank or length.
    """
    losses, image_size, ignore_label = settings.losses, sizing.image_size, sizing.ignore_label
    if isinstance(path, StoredArrays):
        source_name, stored, content, others = path.name, path.arrays, path.content, []
    else:
        file = local_path(path)
        source_name, (stored, content, others) = file.stem, _read(file, path)
    targets = [name.removeprefix("y_train_") for name in stored if name.startswith("y_train_")] or [""]
    xs, ys = {}, {}
    for split in SPLITS:
        names = [f"x_{split}", *(_array_name(split, target) for target in targets)]
        if split != "train" and not any(name in stored for name in (*names, f"w_{split}")):
            continue
        for name in names:
            require(name in stored, "load", f"arrays with {name}", arrays=str(path), found=sorted(stored))
        xs[split] = _as_inputs(names[0], stored[names[0]])
        lengths = {name: len(stored[name]) if stored[name].ndim else 0 for name in names}
        same = len(set(lengths.values())) == 1 and all(lengths.values())
        expected = f"as many examples in {names[0]} as in {' and '.join(names[1:])}, at least 1"
        require(same, "load", expected, **lengths)
        ys[split] = {target: stored[_array_name(split, target)] for target in targets}
    shapes = {f"x_{split}": x.shape[1:] for split, x in xs.items()}
    require(len(set(shapes.values())) == 1, "load", "examples of one shape in all splits", **shapes)

    tasks = []
    if targets == [""] and losses and not isinstance(losses, str):  # of several outputs of one target
        losses = losses[0] if isinstance(losses, list) else next(iter(losses.values()))
    for target, takes, chosen in zip(
        targets, choose(losses, targets, "losses"), choose(settings.task, targets, "data.task")
    ):
        require(chosen in (None, *KINDS), "load", f"task, one of {', '.join(KINDS)}", task=chosen)
        kind = chosen or infer_kind(ys["train"][target], takes, settings.outputs)
        for split, arrays in ys.items():
            name, y = _array_name(split, target), arrays[target]
            arrays[target] = convert_target(kind, name, y, xs["train"].ndim, ignore_label, chosen is not None, takes)
        names = stored.get(f"{NAMES}_{target}" if target else NAMES)
        tasks.append(describe_task(kind, target, [arrays[target] for arrays in ys.values()], names, ignore_label))
    splits = {}
    for split, arrays in ys.items():
        _check_target_shapes(split, arrays, ys["train"])
        splits[split] = xs[split], arrays if targets != [""] else arrays[""]
        if f"w_{split}" in stored:
            splits[split] += (_as_weights(f"w_{split}", stored[f"w_{split}"], arrays),)

    x = xs["train"]
    check_image_size(image_size, x.shape[1:])
    # Files are often sorted by class. RandomState, because NumPy guarantees that its numbers never change.
    order = np.random.RandomState(0).permutation(len(x))
    splits["train"] = _at(splits["train"], order)

    def prepare(x, y, *weight):
        parts = {"": y} if targets == [""] else y
        resized = {task.name: resize_target(task, x, parts[task.name], sizing) for task in tasks}
        return resize_images(x, image_size, sizing.resize), resized.get("", resized), *weight

    def read(split, chosen):
        arrays = _at(splits[split], chosen)
        if image_size is None:
            return Examples.from_arrays(*arrays, tasks=tasks)
        dataset = tf.data.Dataset.from_tensor_slices(arrays)
        if sizing.crops:
            plain = len(tasks) == 1 and tasks[0].kind == "classification"
            require(plain, "load", "targets of classes, where resize is a length", tasks=[task.kind for task in tasks])
            return sizing.examples(dataset, len(arrays[0]))
        return Examples(dataset.map(prepare, tf.data.AUTOTUNE), len(arrays[0]), tasks=tasks)

    if image_size is not None:
        tasks = [resized_task(task, image_size) for task in tasks]
    return Source(
        name=source_name,
        input_shape=(*(image_size or x.shape[1:-1]), x.shape[-1]),
        dtype=x.dtype.name,
        label_shape=tasks[0].shape,
        classes=tasks[0].size if len(tasks) == 1 else None,
        class_names=tasks[0].names if len(tasks) == 1 else None,
        split_sizes={split: len(arrays[0]) for split, arrays in splits.items()},
        read=read,
        labels=lambda split: splits[split][1],
        content=content,
        left_out={f"arrays of other names, such as {others[0]!r}": len(others)} if others else {},
        tasks=tuple(tasks),
    )


def _array_name(split, target):
    return f"y_{split}_{target}" if target else f"y_{split}"


def _is_used(name, named):
    """Returns whether an array of this name is read; `named`: whether there are several targets, with names.

    >>> [_is_used(name, True) for name in ("x_val", "y_test_shift", "y_names", "z_train", "x_train_a")]
    [True, True, True, False, False]
    """
    array, _, rest = name.partition("_")
    split, _, target = rest.partition("_")
    if split not in SPLITS:
        return name == NAMES or name.startswith(f"{NAMES}_")
    return array in "xyw" and not target or array == "y" and named


def _at(arrays, chosen):
    """Returns the arrays of a split, of which y may be {name: array}, at these indices."""
    return tuple(
        {name: each[chosen] for name, each in array.items()} if isinstance(array, dict) else array[chosen]
        for array in arrays
    )


def _read(file, path):
    """Returns {name: array} for those that are read of the file's, their digest, and the other names."""
    require(file.is_file() and zipfile.is_zipfile(file), "load", "arrays, an .npz file", arrays=str(path))
    arrays, place = {}, ""
    try:
        with zipfile.ZipFile(file) as archive:
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            used = [name for name in members if _is_used(name, named="y_train" not in members)]
            found = {name: members.pop(name) for name in used}
            need, memory = sum(member.file_size for member in found.values()), available_memory()
            if need > memory:
                raise ValueError(f"its arrays have {need:,} bytes, the free memory {memory:,.0f}")
            for name, member in found.items():
                place = f"{name}: "
                arrays[name] = read_member(archive, member)
    except Exception as error:  # a damaged file can raise any exception
        why = f"which cannot be read: {place}{(str(error) or type(error).__name__).splitlines()[0][:200]}"
        raise Refusal(f"load expects arrays, an .npz file of plain arrays; received {str(path)!r}, {why}") from error
    return arrays, digest({name: (member.CRC, member.file_size) for name, member in found.items()}), sorted(members)


def read_member(archive, member):
    """Returns the array of a member. Raises ValueError if it is none, or if it declares more or less than it holds."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read_header = getattr(np.lib.format, f"read_array_header_{version[0]}_0", None)
        if read_header is None:
            raise ValueError(f"its format has version {version}")
        shape, _, dtype = read_header(file)
        declared, held = math.prod(shape) * dtype.itemsize, member.file_size - file.tell()
        if declared != held and not dtype.hasobject:
            raise ValueError(f"it declares shape {shape} of {dtype}, {declared:,} bytes, but holds {held:,}")
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)


def _as_inputs(name, x):
    require(x.dtype.kind in "biuf", "load", f"numbers in {name}", dtype=x.dtype.name)
    require(2 <= x.ndim <= 5, "load", f"{name} of rank 2 (series) to 5 (volumes)", shape=x.shape)
    if x.ndim == 2 or (x.ndim == 3 and x.shape[-1] != 1):  # (N, L, 1) is a series with its channel axis
        x = x[..., None]
    return as_finite(name, x)


def _check_target_shapes(split, arrays, of_train):
    """Raises Refusal if the targets of a split have another shape than those of the training split."""
    for target, array in arrays.items():
        same = array.shape[1:] == of_train[target].shape[1:]
        name, train = _array_name(split, target), _array_name("train", target)
        expected = f"{name} of the shape of {train}, {of_train[target].shape[1:]}"
        require(same, "load", expected, shape=array.shape[1:])


def _as_weights(name, w, targets):
    """Returns the weights of examples whose targets are {name: array} as float32."""
    require(w.dtype.kind in "biuf", "load", f"numbers in {name}", dtype=w.dtype.name)
    (count, *_), *_ = shapes = [y.shape for y in targets.values()]
    w = w[:, 0] if w.shape == (count, 1) else w
    fits = all(len(shape) < 3 for shape in shapes) and w.shape == (count,)
    expected = f"{name} of shape (N,), one weight per example with one label or a few numbers"
    require(fits, "load", expected, weights=w.shape, labels=shapes[0])
    w = w.astype("float32")
    good = np.isfinite(w) & (w >= 0)
    bad = {} if good.all() else {f"{name}[{np.argmin(good)}]": float(w[np.argmin(good)])}
    require(not bad, "load", f"finite numbers of at least 0 in {name}", **bad)
    require(w.any(), "load", f"{name} that is not 0 everywhere", largest=0)
    return w
