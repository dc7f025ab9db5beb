"""Inputs that an exported model is verified on, random and real, in several batch and image sizes."""

import math
from typing import NamedTuple

import keras
import numpy as np

from kzoo.checks import Refusal, require
from kzoo.export.fixed_shape import fill_batch, takes_examples
from kzoo.ops.xla import no_islands

BATCH_SIZES, LARGE_BATCH_SIZES = (1, 7), (1, 2)  # the second if an example is large
LARGE = 2**18  # number of values from which an example is large
EXAMPLES_BATCH = 500  # examples in a batch of real inputs
SIDES, LARGEST = (32, 128, 512, 2048, 8192), 2**24  # tried for unknown sizes, up to so many values in an example

# second sizes that are tried: odd ones, and multiples of the first for models that can only divide such
CHANGES = (lambda n, axis: n + 5 + 4 * axis, lambda n, axis: n * (2 + axis))


class Batch(NamedTuple):
    """One call of an exported model: its signature, input arrays by name, and the outputs that Keras computes."""

    signature: str
    inputs: dict
    expected: list
    real: bool = False  # whether the inputs are the user's examples
    padding: int = 0  # how many inputs at the end only fill the batch, without expected outputs

    @property
    def shape(self):
        """The shape of the first input, as text such as "7 x 28 x 28 x 1"."""
        return " x ".join(map(str, next(iter(self.inputs.values())).shape))


def verification_batches(model, examples=None, seed=0):
    """Returns random batches of the `batch_sizes` in each of the `input_sizes`, then the examples.

    examples: an array (N, *input_shape), {input name: array} for a model of several inputs, or None. Raises Refusal if
    these have another shape, or if an output is not finite.
    """
    named = _by_name(model, examples)
    rng = np.random.default_rng(seed)
    batches = [
        make_batch(
            model, [random_input(rng, t, count, size, named.get(t.name)) for t, size in zip(model.inputs, sizes)]
        )
        for sizes in input_sizes(model, examples)
        for count in batch_sizes(model, sizes[0])
    ]
    if named:
        inputs = {t.name: np.asarray(named[t.name], t.dtype) for t in model.inputs}
        arrays = list(inputs.values())
        outputs = output_arrays(model.predict(_nested(model, arrays), batch_size=EXAMPLES_BATCH, verbose=0))
        count, fixed = len(arrays[0]), model.inputs[0].shape[0]
        for start in range(0, count, fixed or EXAMPLES_BATCH):
            part = slice(start, start + (fixed or EXAMPLES_BATCH))
            parts = {name: x[part] if fixed is None else fill_batch(x[part], fixed) for name, x in inputs.items()}
            expected = [y[part] for y in outputs]
            padding = len(next(iter(parts.values()))) - len(arrays[0][part])
            batches.append(Batch("serving_default", parts, expected, real=True, padding=padding))
    if not all(np.isfinite(y).all() for batch in batches for y in batch.expected if y.dtype.kind == "f"):
        raise Refusal(f"export: {model.name} returns values that are not finite, so its export cannot be verified.")
    return batches


def _by_name(model, examples):
    """Returns examples as {input name: array}, empty if there are none. Raises Refusal if they do not fit the model."""
    if examples is None:
        return {}
    names = [tensor.name for tensor in model.inputs]
    named = examples if isinstance(examples, dict) else {names[0]: examples}
    require(set(named) == set(names), "export", f"examples of the inputs {', '.join(names)}", inputs=sorted(named))
    for tensor in model.inputs:
        fits = takes_examples(tensor, named[tensor.name])
        shape = np.shape(named[tensor.name])[1:]
        require(fits, "export", f"examples of shape {tensor.shape[1:]}", shape=shape)
    counts = {len(x) for x in named.values()}
    require(len(counts) == 1, "export", "as many examples of each input", counts=sorted(counts))
    return named


def batch_sizes(model, size=()):
    """Returns the sizes of the random batches for inputs of `size`: 1 and 7, 1 and 2 if large, or the model's own."""
    fixed = model.inputs[0].shape[0]
    if fixed is not None:
        return (fixed,)
    return BATCH_SIZES if math.prod(size) < LARGE else LARGE_BATCH_SIZES


def make_batch(model, arrays):
    """Returns the batch of these input arrays, one for each input of the model, with the model's outputs."""
    with no_islands():  # or each new shape would be compiled
        outputs = model(_nested(model, arrays), training=False)
    return Batch("serving_default", {t.name: x for t, x in zip(model.inputs, arrays)}, output_arrays(outputs))


def _nested(model, arrays):
    """Returns arrays, one for each input, nested as the model takes them: one array, a list or a dict."""
    structure = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    return keras.tree.pack_sequence_as(structure, arrays)


def output_arrays(outputs):
    """Returns a model's outputs as a list of arrays, in the order of its `outputs`."""
    return [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(outputs)]


def random_input(rng, tensor, count, size, examples=None):
    """Returns normal noise (count, *size) with the mean and deviation of the examples; zeros and ones for integers."""
    shape = (count, *size)
    if "int" in tensor.dtype:
        return rng.integers(0, 2, shape).astype(tensor.dtype)
    mean, deviation = (0, 1) if examples is None else (np.mean(examples), np.std(examples))
    return (mean + deviation * rng.normal(size=shape)).astype(tensor.dtype)


def input_sizes(model, examples=None):
    """Returns one list of the shapes of all inputs, without the batch; two lists if the model has unknown sizes.

    Raises Refusal if the model accepts none of the sizes tried.
    """
    shapes = [tuple(t.shape[1:]) for t in model.inputs]
    if all(None not in shape for shape in shapes):
        return [shapes]
    named = _by_name(model, examples)
    first = [tuple(np.shape(named[t.name])[1:]) for t in model.inputs] if named else _smallest_size(model, shapes)
    for change in CHANGES:
        second = [
            tuple(change(n, axis) if known is None else n for axis, (n, known) in enumerate(zip(size, shape)))
            for size, shape in zip(first, shapes)
        ]
        if _accepts(model, second):
            return [first, second]
    raise Refusal(
        f"export: {model.name} takes inputs of {first[0]}, but not of other sizes such as {second[0]}; "
        "give a fixed size (--size, in Python and configs size)."
    )


def _smallest_size(model, shapes):
    for side in SIDES:
        sizes = [tuple(n or side for n in shape) for shape in shapes]
        if max(map(math.prod, sizes)) > LARGEST:
            break
        if _accepts(model, sizes):
            return sizes
    raise Refusal(f"export: {model.name} takes no input with sides of {', '.join(map(str, SIDES))}.")


def _accepts(model, sizes):
    try:
        make_batch(model, [np.zeros((1, *size), t.dtype) for t, size in zip(model.inputs, sizes)])
    except Exception:  # noqa: BLE001 (layers raise various errors for inputs that do not fit)
        return False
    return True
