"""Layers with odd settings and inputs: what they accept must agree between modes, and with float64."""

import math

import keras
import numpy as np
import tensorflow as tf

from kzoo import layers as public
from kzoo.checks import Refusal
from kzoo.ops.xla import forget_islands, no_islands
from tests.collect import collect
from tests.hostile.judge import Case, Wrong, expect
from tests.hostile.mutations import pick
from tests.layer_checks import arguments as arguments_of
from tests.layer_checks import randomize

ODD = (
    *(0, -1, 1, 2, 3, 4, 5, 2.5, 0.5, 0.0, -0.5, 1e9, True, False, None, "x", "", math.nan, math.inf, 10**9),
    *((1, 2), (2, 1), (3,), (), [2], (2, 2, 2), ((0, 1), (1, 0)), {"a": 1}, (0, 1), 7, 11, 64, 1e-30),
)
USUAL = {
    "padding": (
        "valid",
        "same",
        "full",
        "circular",
        "reflect",
        "replicate",
        1,
        2,
        ("reflect", 1),
        ("circular", "full"),
        "causal",
    ),
    "activation": ("relu", "tanh", None, "softmax", "nothing"),
    "data_format": ("channels_last", "channels_first", None, "x"),
    "use_bias": (True, False),
    "untied_bias": (True, False),
    "kernel_initializer": ("zeros", "ones", "he_normal", "x"),
    "dtype": ("float32", "float64", "mixed_float16", "int32", "x"),
}
SAME, HALF = 1e-3, 0.2  # accepted differences relative to the norm; of half precision only a wrong sum is looked for


def layers(rng, stock):
    cases = collect("LAYER_CASES")
    name = pick(rng, sorted(cases))
    cls, case = getattr(public, name), cases[name]
    settings = dict(case.kwargs)  # without "sample", as outputs that are drawn cannot be compared
    for key in rng.permutation(sorted(arguments_of(cls) - {"name", "sample"}))[: rng.integers(0, 3)].tolist():
        settings[key] = pick(rng, USUAL.get(key, ODD) if rng.random() < 0.8 else ODD)
    inputs, what = odd_inputs(rng, case.inputs)
    check = pick(rng, (against_double, against_double, against_double, half, unknown_sizes, compiled))
    return Case(f"{name}({settings}) on {what}: {check.__name__}", lambda: check(cls, settings, inputs, rng))


def odd_inputs(rng, inputs):
    """Returns inputs of another size, dtype or scale, and what they are; several inputs, which must match, stay."""
    if isinstance(inputs, list):
        return inputs, "its usual inputs"
    shape = list(inputs.shape)
    for axis in range(1, len(shape) - 1):
        if rng.random() < 0.5:
            shape[axis] = int(rng.integers(1, 14))
    shape[0] = pick(rng, (1, 2, 2, 3))
    scale, dtype = pick(rng, (1, 1, 1, 0, 1e4, 1e-6)), "float32"
    if rng.random() < 0.1:
        shape = pick(rng, ([0, *shape[1:]], [*shape, 2], shape[1:], [*shape[:-1], 1], [*shape[:1], 0, *shape[2:]]))
    if rng.random() < 0.1:
        dtype = pick(rng, ("float64", "float16", "int32", "uint8", "bool"))
    x = (scale * rng.normal(size=shape)).astype(dtype)
    return x, f"{dtype} {tuple(shape)} times {scale:g}"


def outputs_and_gradients(layer, inputs, weigh):
    """Returns the outputs, and the gradients of a weighted sum of the floating outputs for weights and inputs."""
    tensors = [tf.convert_to_tensor(x) for x in (inputs if isinstance(inputs, list) else [inputs])]
    watched = [x for x in tensors if x.dtype.is_floating] + [w.value for w in layer.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        y = keras.tree.flatten(layer(tensors if isinstance(inputs, list) else tensors[0]))
        sums = [tf.reduce_sum(tf.cast(v, "float64") * weigh(v.shape)) for v in y if v.dtype.is_floating]
        total = tf.add_n(sums) if sums else tf.constant(0.0)
    return y, tape.gradient(total, watched, unconnected_gradients="zero")


def noise(shape):
    return np.random.default_rng(7).normal(size=tuple(shape))


def built(cls, settings, inputs):
    """Returns a layer with random weights, and checks its outputs' shapes and that they are finite."""
    layer = cls(**settings)
    shapes = keras.tree.map_structure(lambda x: x.shape, inputs)
    with no_islands():
        y = layer(inputs)
        randomize(layer)
        y = layer(inputs)
    expected = cls(**settings).compute_output_shape(shapes)
    found = keras.tree.map_structure(lambda v: tuple(v.shape), y)
    expect(found == expected, f"shape {found}, not {expected}")
    return layer, y


def copy_of(layer, inputs, dtype):
    """Returns a layer of another dtype with the weights of `layer`."""
    twin = type(layer).from_config({**layer.get_config(), "dtype": dtype})  # which holds a seed that was drawn
    twin.build(keras.tree.map_structure(lambda x: x.shape, inputs))
    twin.set_weights(layer.get_weights())
    return twin


def cast(inputs, dtype):
    return keras.tree.map_structure(lambda x: x.astype(dtype) if x.dtype.kind == "f" else x, inputs)


def agree(got, wanted, tolerance, what):
    """Raises Wrong unless arrays agree in norm, and are finite where the wanted ones are.

    Of an array whose sums cancel to nearly 0, as those of another do not, rounding is what is left.
    """
    magnitudes = [np.abs(np.asarray(b, "float64")) for b in wanted]
    scale = max([1.0, *(m.max(initial=0, where=np.isfinite(m)) for m in magnitudes)])
    for index, (a, b) in enumerate(zip(got, wanted, strict=True)):
        a, b = np.asarray(a), np.asarray(b)  # noqa: PLW2901
        if b.dtype.kind in "iub":
            continue  # indices may differ where rounding makes ties
        a, b = a.astype("float64"), b.astype("float64")  # noqa: PLW2901
        if not np.isfinite(b).all() or np.abs(b).max(initial=0) > 1e30:
            continue  # outside the range of float32
        expect(np.isfinite(a).all(), f"{what} {index} is not finite, where float64 is")
        distance = np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-6 * scale * math.sqrt(b.size), 1e-12)
        expect(distance <= tolerance, f"{what} {index} differs by {distance:.2g} of its norm")


def largest(inputs):
    """Returns the largest magnitude of the inputs; exponentials of large ones amplify rounding."""
    return max(np.abs(np.asarray(x, "float64")).max(initial=0) for x in keras.tree.flatten(inputs))


def against_double(cls, settings, inputs, rng):
    """Compares outputs and gradients of a layer that is not compiled with those of float64."""
    layer, _ = built(cls, settings, inputs)
    if layer.dtype_policy.name != "float32":
        return
    with no_islands():
        got = outputs_and_gradients(layer, inputs, noise)
    twin = copy_of(layer, inputs, "float64")
    try:
        with no_islands():
            wanted = outputs_and_gradients(twin, cast(inputs, "float64"), noise)
    except tf.errors.OpError:  # TensorFlow has no dilated convolution of float64, XLA has
        wanted = outputs_and_gradients(twin, cast(inputs, "float64"), noise)
    for part, a, b in zip(("output", "gradient"), got, wanted):
        agree(a, b, SAME * max(1, math.sqrt(largest(inputs) / 10)), part)


def half(cls, settings, inputs, rng):
    """Compares the gradients of weights in half precision, at a size where sums exceed the range of whole numbers."""
    if isinstance(inputs, list) or inputs.ndim != 4:
        inputs = inputs if isinstance(inputs, list) else inputs[:1]
    else:
        # positive: gradients that cancel each other would be those of rounding
        inputs = np.abs(rng.normal(size=(1, 60, 60, inputs.shape[-1]))).astype("float32")
    policy = pick(rng, ("mixed_float16", "mixed_bfloat16"))
    low, _ = built(cls, {**settings, "dtype": policy}, inputs)
    twin = copy_of(low, inputs, "float64")
    count = len(low.trainable_weights)
    if not count or "tile" in settings or largest(inputs) > 100:  # saturated: 16 bits round tanh to 1, its slope to 0
        return
    with no_islands():
        _, got = outputs_and_gradients(low, inputs, np.ones)
    _, wanted = outputs_and_gradients(twin, cast(inputs, "float64"), np.ones)
    if all(np.abs(b).max(initial=0) < 6e4 for b in wanted):
        agree(got[-count:], wanted[-count:], HALF, f"{policy} gradient of weight")


def unknown_sizes(cls, settings, inputs, rng):
    """A layer traced with unknown sizes refuses what it refuses with known ones, and else returns the same."""
    layer = cls(**settings)
    free = keras.tree.map_structure(lambda x: tf.TensorSpec((None,) * (x.ndim - 1) + x.shape[-1:], x.dtype), inputs)
    try:
        with no_islands():
            wanted = keras.tree.flatten(layer(inputs))
    except Refusal:
        try:
            with no_islands():
                traced = tf.function(cls(**settings), input_signature=[free], autograph=False)
                y = keras.tree.flatten(traced(inputs))
        except (Refusal, ValueError, tf.errors.OpError):
            raise Refusal("refused with known and with unknown sizes") from None
        raise Wrong(f"refused with known sizes, but with unknown ones returns {[v.shape for v in y]}") from None
    try:
        with no_islands():
            traced = tf.function(layer, input_signature=[free], autograph=False)
            y = keras.tree.flatten(traced(inputs))
    except Refusal:
        return  # needs known sizes
    agree(y, wanted, SAME, "output with unknown sizes")


def compiled(cls, settings, inputs, rng):
    """Compares a layer compiled by XLA with the same layer not compiled."""
    layer, wanted = built(cls, settings, inputs)
    try:
        agree(keras.tree.flatten(layer(inputs)), keras.tree.flatten(wanted), SAME, "compiled output")
    finally:
        forget_islands()
