"""What an exported model is tried with: random and real inputs, several batches and sizes, and what Keras says to them.

Source: none.
"""

import math
from typing import NamedTuple

import keras
import numpy as np

from kzoo.checks import Refusal
from kzoo.export.runtimes import ordered
from kzoo.ops.xla import no_islands

BATCHES, LARGE = (1, 7), 2**18  # examples; values from which on an input is tried with two instead of seven
REAL = 500  # examples in a batch of real ones
SIDES, LARGEST = (32, 128, 512, 2048, 8192), 2**24  # tried where a net leaves a size open; values of an input


class Case(NamedTuple):
    """One call: of which signature, with which arrays by the inputs' names, and the outputs wanted."""

    signature: str
    inputs: dict
    wanted: list

    @property
    def shape(self):
        """The first input's, as people read it."""
        return " x ".join(map(str, next(iter(self.inputs.values())).shape))


def cases(net, examples=None, seed=0):
    """Random batches of 1 and 7, or 2 of large inputs, at each size to try, then the examples, each with net's outputs.

    Shapes: examples, an array (N, *input_shape) or None.
    Errors: Refusal if the net's answers are not finite, or it takes no size that is tried.
    """
    draw = np.random.default_rng(seed)
    found = [
        case_of(net, [noise(draw, t, batch, size, examples) for t, size in zip(net.inputs, sizes)])
        for sizes in sizes_of(net, examples)
        for batch in (BATCHES if math.prod(sizes[0]) < LARGE else (1, 2))
    ]
    if examples is not None:
        answers = flat(net.predict(examples, batch_size=REAL, verbose=0))
        stops = range(0, len(examples), REAL)
        inputs = np.asarray(examples, net.inputs[0].dtype)
        name = net.inputs[0].name
        found += [
            Case("serving_default", {name: inputs[i : i + REAL]}, [y[i : i + REAL] for y in answers]) for i in stops
        ]
    if not all(np.isfinite(y).all() for case in found for y in case.wanted if y.dtype.kind == "f"):
        raise Refusal(f"export: {net.name} gives values that are not finite, so nothing can be compared with them.")
    return found


def case_of(net, inputs):
    """The case of these input arrays, one for each of the net's inputs."""
    with no_islands():  # each new shape would be compiled
        answers = flat(net(inputs if len(inputs) > 1 else inputs[0], training=False))
    named = {t.name: x for t, x in zip(net.inputs, inputs)}
    return Case("serving_default", named, answers)


def flat(outputs):
    """A net's outputs as arrays, in the order of a signature's."""
    if isinstance(outputs, dict):
        return ordered({name: keras.ops.convert_to_numpy(y) for name, y in outputs.items()})
    return [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(outputs)]


def noise(draw, tensor, batch, size, examples=None):
    """Normal noise, with the mean and deviation of the examples if there are any; zeros and ones for integers."""
    shape = (batch, *size)
    if "int" in tensor.dtype:
        return draw.integers(0, 2, shape).astype(tensor.dtype)
    mean, deviation = (0, 1) if examples is None else (np.mean(examples), np.std(examples))
    return (mean + deviation * draw.normal(size=shape)).astype(tensor.dtype)


def sizes_of(net, examples=None):
    """The input shapes to try, without the batch, one for each input: one, or two where the net leaves sizes open."""
    shapes = [tuple(t.shape[1:]) for t in net.inputs]
    if all(None not in shape for shape in shapes):
        return [shapes]
    if examples is not None:
        first = [tuple(np.shape(examples)[1:])]
    else:
        first = _first_size(net, shapes)
    second = [
        tuple(n + 5 + 4 * axis if known is None else n for axis, (n, known) in enumerate(zip(size, shape)))
        for size, shape in zip(first, shapes)
    ]
    return [first, second]


def _first_size(net, shapes):
    for side in SIDES:
        sizes = [tuple(n or side for n in shape) for shape in shapes]
        if max(map(math.prod, sizes)) > LARGEST:
            break
        blank = [np.zeros((1, *size), t.dtype) for t, size in zip(net.inputs, sizes)]
        try:
            case_of(net, blank)
        except Exception:  # noqa: S112, BLE001 (whatever a layer says to an input that is too small)
            continue
        return sizes
    raise Refusal(f"export: {net.name} takes no input with sides of {', '.join(map(str, SIDES))}.")
