"""Inputs that maximise a unit, a map or a class, found by gradient ascent.

Source: Erhan, Bengio, Courville & Vincent 2009, "Visualizing higher-layer features of a deep network"; Simonyan,
Vedaldi & Zisserman 2014, "Deep inside convolutional networks"; Yosinski, Clune, Nguyen, Fuchs & Lipson 2015,
"Understanding neural networks through deep visualization"; Olah, Mordvintsev & Schubert 2017, "Feature visualization",
Distill.
"""

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from kzoo.analysis.array_grid import array_grid
from kzoo.analysis.canvas import Canvas, Preset
from kzoo.analysis.panels import value_limits
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.rectifiers import revived
from kzoo.analysis.units import Unit, unit_value
from kzoo.analysis.walk import before_softmax, channels_first, inner_path, input_dependencies, outputs_at
from kzoo.checks import is_integer, is_number, nearest, require
from kzoo.models.graph import calls, is_graph
from kzoo.models.layer_paths import find_path
from kzoo.types import Size, Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Range: TypeAlias = tuple[float, float] | None

# What each source describes; rates and numbers of steps are chosen here, since steps are of gradients of norm 1.
PRESETS = {
    "erhan2009": Preset("Erhan et al. 2009, section 3", steps=128, rate=0.05, start=0.5, norm=0.5),
    "simonyan2014": Preset("Simonyan et al. 2014, section 2", steps=128, rate=0.02, start=0.01, decay=0.01),
    "yosinski2015": Preset("Yosinski et al. 2015, table 1, third row", 128, rate=0.05, start=0.1, decay=1e-4, blur=1.0),
    "olah2017": Preset(
        "Olah et al. 2017", 128, rate=0.05, start=0.01, spectrum=True, jitter=1 / 16, scale=0.05, rotation=5
    ),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Maximized(Plotted):
    """Inputs that maximise a unit, and how its value rose.

    inputs: one array (count, *spatial, channels) for each floating input of the model that the unit depends on,
    channels last; `np.asarray` gives the first. values: (steps + 1, count), the unit's value before each step and at
    the end, of the inputs as a step sees them: "olah2017" moves them at random, except at the end. value_range: that of
    the first of `inputs`, None if unbounded.
    """

    inputs: tuple[np.ndarray, ...]
    values: np.ndarray
    value_range: Range
    preset: Preset
    title: str

    @property
    def array(self) -> np.ndarray:
        return self.inputs[0]

    def draw(self) -> "Figure":
        titles = [f"value {value:.3g}" for value in self.values[-1]]
        limits = self.value_range or value_limits([self.array])
        sheet = array_grid(self.array, titles, self.title, limits=limits, spare=1)
        curve = sheet.axes[len(self.array)]
        curve.plot(self.values, linewidth=1)
        curve.set_title("value of the unit", fontsize=8)
        curve.set_xlabel("step", fontsize=8)
        curve.tick_params(labelsize=7)
        return sheet


def maximize(
    model: keras.Model,
    layer: str,
    unit: Unit,
    preset: str | Preset = "olah2017",
    seed: int = 0,
    steps: int | None = None,
    count: int = 1,
    size: Size | None = None,
    value_range: Range | str = "auto",
) -> Maximized:
    """Returns inputs that maximise a unit: (count, *spatial, channels), each from another random start.

    layer: a name or path. unit: a channel, whose mean over the map is maximised, (*position, channel), or a class; of a
    softmax at the end of the model it is the logit. preset: a name in `PRESETS` or a `Preset`; steps: by default those
    of the preset. size: of the spatial axes that the model leaves open, an integer or one for each axis.
    value_range: (low, high), None for unbounded values, or "auto": (0, 255) if the model's first layer is a `Rescaling`
    by 1/100 or less; two standard deviations about the mean of a `Normalization` there; else (0, 1) for images and
    volumes of 1 or 3 channels, and (-3, 3) for other inputs, which are taken to be standardised.
    All floating inputs that the unit depends on are maximised together; integer inputs, such as labels, are 0.
    Compiled by TensorFlow, of whose backend Keras must be. Equal seeds give equal inputs on one machine.

    >>> dense = keras.layers.Dense(1, use_bias=False, name="sum")
    >>> model = keras.Sequential([keras.Input((2,)), dense])
    >>> dense.set_weights([np.array([[3.0], [4.0]])])
    >>> found = maximize(model, "sum", 0, "erhan2009")
    >>> (np.asarray(found) / np.linalg.norm(found)).round(2)
    array([[0.6, 0.8]], dtype=float32)
    """
    who = "maximize"
    known = isinstance(preset, Preset) or (isinstance(preset, str) and preset in PRESETS)
    require(known, who, f"preset, {nearest(preset, PRESETS)}", preset=preset)
    rules = preset if isinstance(preset, Preset) else PRESETS[preset]
    steps = rules.steps if steps is None else steps
    for name, number, least in (("steps", steps, 1), ("count", count, 1), ("seed", seed, 0)):
        require(is_integer(number, least), who, f"{name}, an integer of at least {least}", **{name: number})
    require(seed < 2**31, who, "seed below 2^31", seed=seed)
    backend = keras.backend.backend()
    require(backend == "tensorflow", who, "Keras with the backend tensorflow", backend=backend)
    path = inner_path(model, find_path(model, "layer", layer))
    first = channels_first(model)
    needed = [model.inputs[index] for index in sorted(input_dependencies(model).get(path, (0,)))]
    floating = any("float" in symbol.dtype for symbol in needed)
    require(floating, who, "a model whose first input is floating", dtype=needed[0].dtype, layer=path)
    changed = [symbol for symbol in model.inputs if "float" in symbol.dtype]
    shapes = [_input_shape(symbol, size, first) for symbol in changed]
    ranges = [_checked_range(value_range, model, symbol, first) for symbol in changed]
    canvases = [Canvas((count, *shape), limits, rules) for shape, limits in zip(shapes, ranges)]
    visit = before_softmax(model, revived(who), path)

    def unit_of(inputs: list[Tensor]) -> Tensor:
        given = iter(tf.experimental.numpy.moveaxis(x, -1, 1) if first and len(x.shape) > 2 else x for x in inputs)
        every = [
            next(given)
            if "float" in symbol.dtype
            else tf.zeros((count, *(n or 1 for n in symbol.shape[1:])), symbol.dtype)
            for symbol in model.inputs
        ]
        (y,) = outputs_at(model, every, [path], visit)
        return unit_value(who, y, unit, first)

    @tf.function(autograph=False)  # which keeps refusals within it as they are
    def step(states, number):
        variables = [z for z, *_ in states]
        with tf.GradientTape() as tape:
            tape.watch(variables)
            moved = [canvas.moved(canvas.inputs(z), tf.stack([seed, number])) for canvas, z in zip(canvases, variables)]
            value = unit_of(moved)
        gradients = tape.gradient(value, variables, unconnected_gradients="zero")
        improved = [canvas.improved(*each, number) for canvas, *each in zip(canvases, states, gradients)]
        return improved, value

    generator = np.random.default_rng(seed)
    states = [canvas.start(generator) for canvas in canvases]
    values = []
    for number in range(steps):
        states, value = step(states, tf.constant(number))
        values.append(value)
    inputs = [canvas.inputs(z) for canvas, (z, *_) in zip(canvases, states)]
    curve = np.array([*values, unit_of(inputs)], "float32")
    finite = all(np.isfinite(x).all() for x in (*inputs, curve))
    require(finite, who, f"finite values and gradients of {path}", values=curve[-1].tolist())
    title = f"Inputs that maximise unit {unit} of {path}"
    found, limits = zip(*(each for symbol, *each in zip(changed, inputs, ranges) if any(symbol is n for n in needed)))
    return Maximized(tuple(x.numpy() for x in found), curve, limits[0], rules, title)


def _input_shape(symbol, size, first):
    """Returns the shape (*spatial, channels) of an input, its open sizes those of `size`."""
    shape = list(symbol.shape[1:])
    if first and len(shape) > 1:
        shape = [*shape[1:], shape[0]]
    *spatial, channels = shape
    given = [size] * len(spatial) if size is None or is_integer(size) else list(size)
    fits = len(given) == len(spatial) and all(
        (n is not None if s is None else is_integer(s, 1) and n in (None, s)) for n, s in zip(spatial, given)
    )
    expected = f"size, of the inputs' spatial axes {tuple(spatial)}: an integer or one for each"
    require(fits and channels is not None, "maximize", expected, size=size)
    return (*(n if s is None else int(s) for n, s in zip(spatial, given)), channels)


def _checked_range(value_range, model, symbol, first):
    """Returns the range of an input's values."""
    if isinstance(value_range, str) and value_range == "auto":
        return input_range(model, symbol, first)
    if value_range is None:
        return None
    good = isinstance(value_range, (tuple, list)) and len(value_range) == 2 and all(map(is_number, value_range))
    good = good and -math.inf < value_range[0] < value_range[1] < math.inf
    require(good, "maximize", 'value_range, (low, high), None or "auto"', value_range=value_range)
    return float(value_range[0]), float(value_range[1])


def input_range(model: keras.Model, symbol: Tensor, first: bool = False) -> tuple[float, float]:
    """Returns the range of values of an input of a model that `maximize` takes by default.

    >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Rescaling(1 / 255)])
    >>> input_range(model, model.inputs[0])
    (0.0, 255.0)
    """
    for layer in _readers(model, symbol):
        if isinstance(layer, keras.layers.Rescaling) and np.all(np.abs(layer.scale) <= 0.01):
            return 0.0, 255.0
        if isinstance(layer, keras.layers.Normalization) and getattr(layer, "mean", None) is not None:
            mean, deviation = np.asarray(layer.mean), np.sqrt(np.asarray(layer.variance))
            return float((mean - 2 * deviation).min()), float((mean + 2 * deviation).max())
    image = len(symbol.shape) > 3 and symbol.shape[1 if first else -1] in (1, 3)
    return (0.0, 1.0) if image else (-3.0, 3.0)


def _readers(model: keras.Model, symbol: Tensor) -> Iterator[Any]:
    """Yields the layers that read an input of a model, also of models in it."""
    for call in calls(model):
        for number, tensor in enumerate(call.inputs):
            if tensor is symbol:
                inner = is_graph(call.operation)
                yield from _readers(call.operation, call.operation.inputs[number]) if inner else [call.operation]
