"""One split of a data set as tf.data: endless shuffled batches to train on, one ordered pass to evaluate on.

Source: none.
"""

import numpy as np
import tensorflow as tf

from kzoo.checks import is_integer, require
from kzoo.data.seeded_augmentation import stateless

MEMORY = 2**30  # bytes; a split up to this size is read once and kept
CHUNK = 2**24  # bytes gathered at a time: large enough to hide the cost of a call, small enough to start at once
BUFFER = 2**28  # bytes of examples held for shuffling when the split streams
END = np.iinfo(np.int64).max


class Examples:
    """The examples of one split, in a fixed stored order.

    Shapes: `dataset` yields (x, y), one example each, x of `input_shape` and y of `label_shape`, both fully known.
    Arguments: size, the number of examples `dataset` has; memory, in bytes: larger splits are read as they go.
    Errors: ValueError if a shape is not known.

    >>> split = Examples.from_arrays(np.arange(6.0).reshape(6, 1), np.arange(6))
    >>> [y.numpy().tolist() for _, y in split.once(4)]
    [[0, 1, 2, 3], [4, 5]]
    >>> sorted(int(i) for _, y in split.batches(2, seed=1).take(3) for i in y)
    [0, 1, 2, 3, 4, 5]
    """

    def __init__(self, dataset, size, memory=MEMORY):
        x, y = dataset.element_spec
        known = x.shape.is_fully_defined() and y.shape.is_fully_defined()
        require(known, "Examples", "examples of one known shape", x=x.shape, y=y.shape)
        self.size = size
        self.input_shape, self.label_shape = tuple(x.shape), tuple(y.shape)
        self.dtype = x.dtype.name
        self._example_bytes = x.shape.num_elements() * x.dtype.size + y.shape.num_elements() * y.dtype.size
        self._streams = size * self._example_bytes > memory
        self._dataset = dataset
        self._tensors = None

    @classmethod
    def from_arrays(cls, x, y):
        """A split from arrays: x (N, ...), y (N, ...). Errors: ValueError if the lengths differ or are 0."""
        require(len(x) == len(y) > 0, "Examples.from_arrays", "as many labels as examples", x=len(x), y=len(y))
        with tf.device("CPU"):  # tf.data would fetch them back from a GPU for every batch
            tensors = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
        examples = cls(tf.data.Dataset.from_tensor_slices(tensors), len(x), memory=np.inf)
        examples._tensors = tensors
        return examples

    def batches(self, batch_size, seed=0, start=0, augment=()):
        """Batches without end, in a new order each epoch, from batch number `start` on.

        An epoch is size // batch_size batches; what is left over differs from epoch to epoch. Everything drawn,
        augmentation too, depends on (seed, batch number) alone: `batches(start=k)` is `batches().skip(k)`.
        Shapes: x (batch_size, *input_shape) as the `augment` layers leave it, y (batch_size, *label_shape).
        Errors: ValueError if batch_size is not an integer from 1 to size, seed or start not an integer from 0, or a
        layer of `augment` is refused by `stateless`. Where y is a map (B, H, W), these layers move it as its image.
        """
        self._check_batch_size("batches", batch_size)
        fits = batch_size <= self.size
        require(fits, "Examples.batches", f"batch_size of at most the {self.size} examples", batch_size=batch_size)
        for name, value in {"seed": seed, "start": start}.items():
            require(is_integer(value, 0), "Examples.batches", f"{name}, an integer of at least 0", **{name: value})
        per_epoch = self.size // batch_size
        epochs = tf.data.Dataset.range(start // per_epoch, END)
        shuffled = self._streamed if self._streams else self._gathered
        data = shuffled(epochs, batch_size, seed, skip=start % per_epoch)
        if augment:
            numbered = tf.data.Dataset.zip(tf.data.Dataset.range(start, END), data)
            data = numbered.map(self._augmented(augment, seed, data.element_spec), tf.data.AUTOTUNE, True)
        endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
        return data.apply(endless).prefetch(tf.data.AUTOTUNE)

    def _augmented(self, augment, seed, specs):
        """The function (batch number, (x, y)) -> (x, y) of these layers."""
        if self.label_shape == ():
            change = stateless(augment, seed, specs[0])
            return lambda number, xy: (change(number, xy[0]), xy[1])
        image, flat = tuple(specs[0].shape[1:3]), len(self.label_shape) == 2
        one = flat or self.label_shape[2:] == (1,)
        expected = "one label an image, or a map of its size, when it augments"
        fits = one and self.label_shape[:2] == image
        require(fits, "Examples.batches", expected, label_shape=self.label_shape, image=image)

        def pair(x, y):
            return {"images": x, "segmentation_masks": tf.cast(y[..., None] if flat else y, tf.float32)}

        change = stateless(augment, seed, tf.function(pair).get_concrete_function(*specs).structured_outputs)

        def moved(number, xy):
            both = change(number, pair(*xy))
            y = tf.cast(tf.round(both["segmentation_masks"]), specs[1].dtype)
            return both["images"], y[..., 0] if flat else y

        return moved

    def once(self, batch_size):
        """One pass in stored order; the last batch may be smaller.

        Shapes: x (at most batch_size, *input_shape), y (at most batch_size, *label_shape).
        Errors: ValueError if batch_size is not an integer above 0.
        """
        self._check_batch_size("once", batch_size)
        if self._streams:
            count = -(-self.size // batch_size)
            data = self._dataset.batch(batch_size).apply(tf.data.experimental.assert_cardinality(count))
        else:
            x, y = self._in_memory()
            stops = tf.data.Dataset.range(0, self.size, batch_size)
            data = stops.map(lambda i: (x[i : i + batch_size], y[i : i + batch_size]))
        return data.prefetch(tf.data.AUTOTUNE)

    def numpy(self):
        """All of it, (x, y) in stored order, as arrays: read from the source at each call if the split streams."""
        return tuple(tensor.numpy() for tensor in self._in_memory())

    def _check_batch_size(self, method, batch_size):
        ok = is_integer(batch_size, 1)
        require(ok, f"Examples.{method}", "batch_size, an integer above 0", batch_size=batch_size)

    def _in_memory(self):
        if self._tensors is not None:
            return self._tensors
        with tf.device("CPU"):
            tensors = self._dataset.batch(self.size).get_single_element()
        counted = len(tensors[0])
        require(counted == self.size, "Examples", f"{self.size} examples, as its source declares", counted=counted)
        if not self._streams:
            self._tensors, self._dataset = tensors, None
        return tensors

    def _gathered(self, epochs, batch_size, seed, skip):
        """Shuffled batches from memory: rows of example numbers, then one gather for many batches."""
        x, y = self._in_memory()
        per_epoch = self.size // batch_size

        def rows(epoch):
            drawn = tf.random.stateless_uniform([self.size], [tf.constant(seed, tf.int64), epoch])
            order = tf.argsort(drawn, stable=True)[: per_epoch * batch_size]
            return tf.data.Dataset.from_tensor_slices(tf.reshape(order, [per_epoch, batch_size]))

        # Chunks run on across epochs, so a small split costs no more a batch than a large one.
        chunk = max(1, CHUNK // (batch_size * self._example_bytes))
        chunks = epochs.flat_map(rows).skip(skip).batch(min(chunk, 512), drop_remainder=True)
        return chunks.map(lambda i: (tf.gather(x, i), tf.gather(y, i)), tf.data.AUTOTUNE, True).unbatch()

    def _streamed(self, epochs, batch_size, seed, skip):
        """Shuffled batches from the source, as well as a buffer allows: one epoch starts when the last has ended."""
        buffer = min(self.size, max(1, BUFFER // self._example_bytes))

        def epoch_of(epoch):
            # Sets the seed of this little graph alone: otherwise the global one would take part in the order.
            tf.compat.v1.set_random_seed(1)
            pair = [tf.constant(seed, tf.int64), epoch]
            drawn = tf.random.stateless_uniform([], pair, minval=None, maxval=None, dtype=tf.int64)
            shuffled = self._dataset.shuffle(buffer, seed=drawn, reshuffle_each_iteration=False)
            return shuffled.batch(batch_size, drop_remainder=True)

        return epochs.flat_map(epoch_of).skip(skip)
