"""Writes tests/peers/tensorflow_addons.npz: outputs and gradients of TensorFlow Addons' layers for random settings.

Usage: python -m tests.peers.tensorflow_addons_outputs    (with Python 3.11 or older, tensorflow-cpu==2.15.1 and
tensorflow_addons==0.23.0, in an environment of their own: Addons needs the Keras of TensorFlow 2.15 or older)
"""

import json
import math
from pathlib import Path

import numpy as np

ARCHIVE = Path(__file__).with_name("tensorflow_addons.npz")
COUNT = 30  # settings of each layer


def cotangent(shape):
    """Returns small integers; the recorded gradients are those of the sum of the output times these."""
    return (np.arange(math.prod(shape)).reshape(shape) * 7 % 9 - 4).astype("float32")


def distinct(rng, *shape):
    """Returns numbers of which no two are equal."""
    return (rng.permutation(math.prod(shape)).reshape(shape) / 4 - math.prod(shape) / 8).astype("float32")


def normal(rng, *shape):
    return rng.normal(size=shape).astype("float32")


def maxout(rng):
    axis, shape = int(rng.choice([1, 2, -1])), [int(n) for n in rng.integers(1, 4, rng.integers(3, 5))]
    units, pieces = (int(n) for n in rng.integers(1, 6, 2))
    shape[axis] = units * pieces
    return {"num_units": units, "axis": axis}, [distinct(rng, *shape)], []


def pooled(rng, divisible):
    """Returns the values and indices of a random pool, and its settings; `divisible`: of sizes that it covers."""
    import tensorflow as tf

    size, strides, count = ([int(n) for n in rng.integers(1, 4, 2)] for _ in range(3))
    padding = str(rng.choice(["SAME", "VALID"]))
    if padding == "SAME":
        spatial = [n * s for n, s in zip(count, strides)]
    else:
        spatial = [(n - 1) * s + k for n, s, k in zip(count, strides, size)]
    if not divisible:
        spatial = [n + int(rng.integers(0, s)) for n, s in zip(spatial, strides)]
    shape = [2, *spatial, 3]
    values, indices = tf.nn.max_pool_with_argmax(distinct(rng, *shape), size, strides, padding)
    pool = {"pool_size": size, "strides": strides, "padding": padding}
    return pool, shape, [values.numpy(), indices.numpy().astype("int32")]


def max_unpooling(rng):
    pool, _, inputs = pooled(rng, divisible=True)
    return pool, inputs, []


def max_unpooling_to_size(rng):
    pool, shape, inputs = pooled(rng, divisible=False)
    return {"output_size": shape, "pool": pool}, inputs, []


def spatial_pyramid_pooling(rng):
    """Sizes are multiples of all numbers of bins: Addons crops others."""
    bins = [[int(n) for n in rng.integers(1, 5, 2)] for _ in range(rng.integers(1, 4))]
    if rng.random() < 0.3:
        bins = [level[0] for level in bins]
    pairs = [(n, n) if isinstance(n, int) else n for n in bins]
    spatial = [math.lcm(*axis) * int(rng.integers(1, 3)) for axis in zip(*pairs)]
    data_format = str(rng.choice(["channels_last", "channels_first"]))
    shape = (2, *spatial, 2) if data_format == "channels_last" else (2, 2, *spatial)
    return {"bins": bins, "data_format": data_format}, [normal(rng, *shape)], []


def filter_response_normalization(rng):
    """The weights are gamma and beta, before them the learned epsilon if there is one, and after them tau."""
    learned, shape = bool(rng.integers(2)), (2, *(int(n) for n in rng.integers(1, 5, 3)))
    weights = [normal(rng, shape[-1]) for _ in ("gamma", "beta", "tau")]
    if learned:
        weights.insert(0, np.float32(rng.normal()))
    epsilon = float(rng.choice([1e-6, 1e-3, 1.0]))
    return {"epsilon": epsilon, "learned_epsilon": learned}, [normal(rng, *shape)], weights


def stochastic_depth(rng):
    shape = [int(n) for n in rng.integers(1, 5, rng.integers(2, 5))]
    kwargs = {"survival_probability": float(rng.uniform()), "training": bool(rng.integers(2))}
    return kwargs, [normal(rng, *shape), normal(rng, *shape)], []


DRAWS = {
    "Maxout": maxout,
    "MaxUnpooling2D": max_unpooling,
    "MaxUnpooling2DV2": max_unpooling_to_size,
    "SpatialPyramidPooling2D": spatial_pyramid_pooling,
    "FilterResponseNormalization": filter_response_normalization,
    "StochasticDepth": stochastic_depth,
}


def run(name, settings, inputs, weights):
    """Returns the output of a layer, and the gradients for its floating inputs and its weights."""
    import tensorflow as tf
    import tensorflow_addons as tfa

    arguments = {key: value for key, value in settings.items() if key not in ("pool", "training")}
    chain = [getattr(tfa.layers, name)(**arguments)]
    if weights:
        chain.append(tfa.layers.TLU())
        for layer in chain:
            layer.build(inputs[0].shape)
        chain[0].set_weights([value.reshape(w.shape) for value, w in zip(weights, chain[0].weights)])
        chain[1].set_weights([np.broadcast_to(weights[-1], inputs[0].shape[1:])])  # a threshold for each position
    tensors = [tf.constant(x) for x in inputs]
    floating = [x for x in tensors if x.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(floating)
        if name == "StochasticDepth":
            y = chain[0](tensors, training=settings["training"])
        else:
            y = chain[0](*tensors)
        for layer in chain[1:]:
            y = layer(y)
    variables = [variable for layer in chain for variable in layer.trainable_weights]
    found = tape.gradient(y, [*floating, *variables], tf.constant(cotangent(y.shape)))
    of_inputs, of_weights = found[: len(floating)], found[len(floating) :]
    if weights:
        of_weights[-1] = tf.reduce_sum(of_weights[-1], (0, 1))
    return [y, *of_inputs, *(tf.reshape(g, value.shape) for g, value in zip(of_weights, weights))]


def write():
    """Writes for each layer its settings with the shapes of their arrays as JSON, and the arrays, one after the other.

    An archive member for each array would be larger than its numbers.
    """
    members = {}
    for number, (name, draw) in enumerate(DRAWS.items()):
        rng, records, values = np.random.default_rng(number), [], []
        for _ in range(COUNT):
            settings, inputs, weights = draw(rng)
            parts = [[np.asarray(x) for x in part] for part in (inputs, weights, run(name, settings, inputs, weights))]
            records.append([settings, *([x.shape for x in part] for part in parts)])
            values += [x.ravel().astype("float32") for part in parts for x in part]
        members |= {f"{name}_settings": json.dumps(records), name: np.concatenate(values)}
    np.savez_compressed(ARCHIVE, **members)


def read(name):
    """Yields the settings, inputs, weights, and output and gradients of a layer of Addons."""
    with np.load(ARCHIVE) as members:
        values, records = members[name], json.loads(str(members[f"{name}_settings"]))
    for settings, *shapes in records:
        parts = []
        for part in shapes:
            sizes = [math.prod(shape) for shape in part]
            *arrays, values = np.split(values, np.cumsum(sizes))
            parts.append([x.reshape(shape) for x, shape in zip(arrays, part)])
        yield settings, *parts


if __name__ == "__main__":
    write()
