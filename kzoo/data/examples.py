"""One split of a dataset as tf.data: endless shuffled batches for training, one ordered pass for evaluation."""

import contextlib
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from kzoo.augmentation.seeded_augmentation import seeded_augmentation
from kzoo.checks import is_integer, require
from kzoo.data.example_checks import ExampleChecks
from kzoo.task import Task
from kzoo.types import Tensor

MEMORY = 2**30  # bytes; a split up to this size is read once and kept in memory
CHUNK = 2**24  # bytes gathered at a time: large enough to hide the cost of a call, small enough to start at once
BUFFER = 2**28  # bytes of the shuffle buffer of a larger split
INT64_MAX = np.iinfo(np.int64).max


class Examples:
    """The examples of one split, in a fixed stored order.

    Shapes: `dataset` yields (x, y) or (x, y, weight), one example each, x of `input_shape` and y of `label_shape`, both
    fully known, weight (). Several targets are a dict y, whose label_shape is one too.
    Arguments: size, the number of examples in `dataset`; memory, in bytes, by default MEMORY: a larger split is
    streamed from its source in every epoch; checks, of the examples as they are read; files, the name of each example's
    file, in the stored order, None where examples are no files; tasks, of the targets, by default one of classes.

    >>> split = Examples.from_arrays(np.arange(6.0).reshape(6, 1), np.arange(6))
    >>> [y.numpy().tolist() for _, y in split.once(4)]
    [[0, 1, 2, 3], [4, 5]]
    >>> sorted(int(i) for _, y in split.batches(2, seed=1).take(3) for i in y)
    [0, 1, 2, 3, 4, 5]
    """

    def __init__(
        self,
        dataset: tf.data.Dataset,
        size: int,
        memory: float | None = None,
        checks: ExampleChecks | None = None,
        files: Sequence[str] | None = None,
        tasks: Sequence[Task] = (),
    ):
        x, y, *weight = dataset.element_spec
        parts = [x, *tf.nest.flatten(y)]
        known = all(part.shape.is_fully_defined() for part in parts)
        of_targets = [part.shape for part in parts[1:]]
        y_shape = of_targets[0] if len(of_targets) == 1 else of_targets
        require(known, "Examples", "examples of one known shape", x=x.shape, y=y_shape)
        self.size, self.files = size, files
        self.checks = checks or ExampleChecks()
        self.input_shape = tuple(x.shape)
        self.label_shape = {k: tuple(v.shape) for k, v in y.items()} if isinstance(y, dict) else tuple(y.shape)
        self.dtype, self.weighted = x.dtype.name, bool(weight)
        self.tasks = tuple(tasks) or (_task_of_labels(self.label_shape, self.checks.classes),)
        self._example_bytes = sum(part.shape.num_elements() * part.dtype.size for part in parts)
        self.is_streamed = size * self._example_bytes > (MEMORY if memory is None else memory)
        self._dataset = dataset
        self._tensors: tuple[Tensor, ...] | None = None

    @classmethod
    def from_arrays(cls, x: Tensor, y: Tensor, weight: Tensor = None, tasks: Sequence[Task] = ()) -> "Examples":
        """Returns a split from arrays x (N, ...), y (N, ...) or a dict of them and perhaps weight (N,), N above 0."""
        for each in tf.nest.flatten(y):
            require(
                len(x) == len(each) > 0, "Examples.from_arrays", "as many labels as examples", x=len(x), y=len(each)
            )
        given = (x, y) if weight is None else (x, y, weight)
        with tf.device("CPU"):  # from a GPU, tf.data would copy them back for every batch
            tensors = tf.nest.map_structure(tf.convert_to_tensor, given)
        examples = cls(tf.data.Dataset.from_tensor_slices(tensors), len(x), memory=np.inf, tasks=tasks)
        examples._tensors = tensors
        return examples

    def batches(
        self,
        batch_size: int,
        seed: int = 0,
        start: int = 0,
        augment: Sequence[keras.layers.Layer] = (),
        encode: Callable[[Tensor], Tensor] | None = None,
    ) -> tf.data.Dataset:
        """Returns endless batches from batch number `start` on, in a new order in each epoch.

        An epoch is size // batch_size batches; the examples left out differ from epoch to epoch. Every random choice,
        also of the `augment` layers, depends only on (seed, batch number): `batches(start=k)` is `batches().skip(k)`.
        Shapes: x (batch_size, *input_shape), which `augment` may change, y (batch_size, *label_shape), and weight
        (batch_size,) if the split is `weighted`. If y is a label map, `augment` moves it with its image. If a layer
        mixes examples, y is class probabilities (batch_size, classes), at first those that `encode` gives labels.
        Raises Refusal if an `augment` layer does not fit the examples or cannot be seeded.
        """
        self._check_batch_size("batches", batch_size)
        fits = batch_size <= self.size
        require(fits, "Examples.batches", f"batch_size of at most the {self.size} examples", batch_size=batch_size)
        for name, value in {"seed": seed, "start": start}.items():
            require(is_integer(value, 0), "Examples.batches", f"{name}, an integer of at least 0", **{name: value})
        per_epoch = self.size // batch_size
        epochs = tf.data.Dataset.range(start // per_epoch, INT64_MAX)
        shuffled = self._shuffled_stream if self.is_streamed else self._shuffled_in_memory
        data = shuffled(epochs, batch_size, seed, skip=start % per_epoch)
        if augment:
            numbered = tf.data.Dataset.zip(tf.data.Dataset.range(start, INT64_MAX), data)
            augmented = seeded_augmentation(augment, seed, data.element_spec, encode)
            data = numbered.map(augmented, tf.data.AUTOTUNE, deterministic=True)
        endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
        return data.apply(endless).prefetch(tf.data.AUTOTUNE).with_options(_options())

    def once(self, batch_size: int, weights: bool = False) -> tf.data.Dataset:
        """Returns the batches of one pass in stored order; the last batch may be smaller.

        Shapes: x (at most batch_size, *input_shape), y (at most batch_size, *label_shape), and with `weights` the
        weight (at most batch_size,) if the split is `weighted`.
        """
        self._check_batch_size("once", batch_size)
        if self.is_streamed:
            data = self._whole(self._dataset).batch(batch_size).map(self.checks.check_batch, tf.data.AUTOTUNE)
        else:
            tensors = self._load()
            stops = tf.data.Dataset.range(0, self.size, batch_size)
            data = stops.map(lambda i: tf.nest.map_structure(lambda each: each[i : i + batch_size], tensors))
        if self.weighted and not weights:
            data = data.map(lambda x, y, weight: (x, y))
        return data.prefetch(tf.data.AUTOTUNE).with_options(_options())

    def errors(self) -> contextlib.AbstractContextManager[None]:
        """Context manager for code that reads batches: errors from reading become Refusals, as `ExampleChecks` says."""
        return self.checks.errors() if self._tensors is None else contextlib.nullcontext()

    def preload(self) -> None:
        """Reads the split into memory if it fits there, which finds damaged examples before they are needed."""
        if not self.is_streamed:
            self._load()

    def numpy(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns all examples as arrays (x, y) in stored order; a split that streams is read again at each call."""
        x, y, *_ = self._load()
        return x.numpy(), tf.nest.map_structure(lambda each: each.numpy(), y)

    def _check_batch_size(self, method, batch_size):
        ok = is_integer(batch_size, 1)
        require(ok, f"Examples.{method}", "batch_size, an integer above 0", batch_size=batch_size)

    def _load(self):
        if self._tensors is not None:
            return self._tensors
        with self.errors(), tf.device("CPU"):
            tensors = self._dataset.batch(self.size).get_single_element()
        counted = len(tensors[0])
        if counted != self.size:
            self.checks.refuse_damage()
        require(counted == self.size, "Examples", f"{self.size} examples, as its source declares", counted=counted)
        self.checks.check_arrays(*(tensor.numpy() for tensor in tf.nest.flatten(tensors[:2])))
        if not self.is_streamed:
            self._tensors, self._dataset = tensors, None
        return tensors

    def _whole(self, dataset):
        """Returns a dataset that raises an error where it ends before `size` examples."""
        return dataset.apply(tf.data.experimental.assert_cardinality(self.size))

    def _shuffled_in_memory(self, epochs, batch_size, seed, skip):
        """Returns shuffled batches from memory: batches of indices first, then one gather for many batches."""
        tensors = self._load()
        per_epoch = self.size // batch_size

        def index_batches(epoch):
            order = self._order(seed, epoch)[: per_epoch * batch_size]
            return tf.data.Dataset.from_tensor_slices(tf.reshape(order, [per_epoch, batch_size]))

        # Chunks extend across epochs, so that a batch of a small split costs no more than one of a large split.
        chunk = max(1, CHUNK // (batch_size * self._example_bytes))
        chunks = epochs.flat_map(index_batches).skip(skip).batch(min(chunk, 512), drop_remainder=True)

        def gather(i):
            return tf.nest.map_structure(lambda each: tf.gather(each, i), tensors)

        return chunks.map(gather, tf.data.AUTOTUNE, True).unbatch()

    def _order(self, seed, epoch):
        """Returns the order of the examples in an epoch."""
        drawn = tf.random.stateless_uniform([self.size], [tf.constant(seed, tf.int64), epoch])
        return tf.argsort(drawn, stable=True)

    def _stored(self):
        """Returns the dataset that an epoch shuffles."""
        return self._dataset

    def _finished(self, dataset, seed, epoch):
        """Returns the examples of an epoch as they are batched, from the stored ones in their new order."""
        return dataset

    def _shuffled_stream(self, epochs, batch_size, seed, skip):
        """Returns batches from the source, shuffled within a buffer; an epoch starts when the one before has ended."""
        buffer = min(self.size, max(1, BUFFER // self._example_bytes))

        def epoch_of(epoch):
            # Sets the seed of this graph only; otherwise the order would also depend on the global seed.
            tf.compat.v1.set_random_seed(1)
            pair = [tf.constant(seed, tf.int64), epoch]
            drawn = tf.random.stateless_uniform([], pair, minval=None, maxval=None, dtype=tf.int64)
            shuffled = self._whole(self._stored().shuffle(buffer, seed=drawn, reshuffle_each_iteration=False))
            return self._finished(shuffled, seed, epoch).batch(batch_size, drop_remainder=True)

        return epochs.flat_map(epoch_of).skip(skip).map(self.checks.check_batch, tf.data.AUTOTUNE)


def _task_of_labels(label_shape, classes):
    """Returns the task of integer labels (), or of label maps."""
    return Task("segmentation" if len(label_shape) > 1 else "classification", label_shape, classes)


def _options():
    """Returns the options of pipelines: without autotuning, as many calls run in parallel as there are cores.

    With it the end of each pass waits until the autotuner's thread wakes, for up to as long as the pass took.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options
