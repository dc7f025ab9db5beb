"""The model that the page shows, its examples, and one compiled call that computes outputs and maps of all layers."""

import contextlib
import hashlib
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kzoo.analysis.model_cost import model_cost
from kzoo.analysis.model_inputs import name_of_outputs
from kzoo.analysis.walk import channels_first, compute, run
from kzoo.checks import Refusal, one_line, require
from kzoo.explore.bounded_cache import BoundedCache
from kzoo.explore.moved import layer_errors
from kzoo.explore.products import ConvTerms, cell_products, conv_terms, has_products
from kzoo.explore.steps import Step, model_steps, step_layers
from kzoo.explore.unit_views import UnitView, deconvnet_view, filter_view, maximized_view, patches_view
from kzoo.explore.upload import BYTE, decode_upload
from kzoo.export.predict import as_label_maps
from kzoo.layers.base_conv import BaseConv
from kzoo.models.graph import is_graph
from kzoo.models.layer_paths import layer_paths
from kzoo.task import UNITS
from kzoo.types import Tensor

EXAMPLES = 100  # of the data that the page offers
MAX_MAPS, MAX_VALUES = 64, 2**19  # maps of a layer, and numbers in them, that are kept and sent
MAX_VIEWS = 2**26  # bytes of the views of units that are kept
UNKNOWN_SIDE = 128  # of an input whose size the model leaves open, without examples
RESCALING = (keras.layers.Rescaling, keras.layers.Normalization)


class _ReachedError(Exception):
    """Ends a run of a model at the call that is looked for."""


class Computed(NamedTuple):
    """The outputs of a model for one example, and the first maps (channels, *spatial) of each step, channels first."""

    outputs: np.ndarray
    maps: list[np.ndarray]


class Session:
    """A model at work on one example at a time.

    model: a functional or built Sequential model whose first input has 1 to 3 spatial axes; origin: a phrase on where
    it comes from; examples: inputs (batch, ...), or a list of such arrays, one for each input of the model, by default
    random numbers; targets: their labels; labels: names of the classes, labels or numbers; name: what the page calls
    the model, by default its own name; resize: how uploaded images get the size of an example, as for
    `kzoo.data.load`; kind: of the task of the first output, one of `kzoo.task.KINDS`. Examples of the first
    input only leave the others at 0.
    Arrays that methods take and return have their channels last. Methods may be called from several threads.

    >>> session = Session(keras.Sequential([keras.Input((8, 1)), keras.layers.Conv1D(2, 3, name="a")]))
    >>> session.compute(session.example(0)).maps[1].shape
    (2, 6)
    """

    def __init__(
        self,
        model: keras.Model,
        origin: str = "A Keras model",
        examples: Any = None,
        targets: Any = None,
        labels: Sequence[str] | None = None,
        name: str | None = None,
        resize: str | int = "stretch",
        kind: str = "classification",
    ) -> None:
        require(is_graph(model), "explore", "a functional or built Sequential model", model=type(model).__name__)
        self.model, self.origin, self.first = model, origin, channels_first(model)
        self.labels = None if labels is None else list(labels)
        self.name, self.resize, self.kind = name or model.name, resize, kind
        expected = "a model whose first input has 1 to 3 spatial axes and channels"
        rank = len(model.inputs[0].shape)
        require(3 <= rank <= 5, "explore", expected, input_shape=tuple(model.inputs[0].shape))
        given = example_arrays(model, examples)
        shapes = [tuple(n or UNKNOWN_SIDE for n in tensor.shape[1:]) for tensor in model.inputs]
        shapes[: len(given)] = [part.shape[1:] for part in given]
        self.input_shapes = [(1, *shape) for shape in shapes]
        self.limits = self._limits(given[0] if given else None)
        if not given:
            rng, limits = np.random.default_rng(0), [self.limits, *[(0, 1)] * (len(shapes) - 1)]
            given = [rng.uniform(*part, shape).astype("float32") for part, shape in zip(limits, self.input_shapes)]
            targets = None
        x, *self.others = given
        self.examples = np.moveaxis(x, 1, -1) if self.first else x
        self.targets = None if targets is None or np.ndim(targets) != 1 else np.asarray(targets[: len(x)])
        self.shape = self.examples.shape[1:]
        with _taking_inputs(model):
            self.steps: list[Step] = model_steps(model, [*self.input_shapes])
        self._layers = step_layers(model)
        self._lock, self._measuring = threading.Lock(), threading.Lock()
        self._latest: tuple[tuple[bytes, int], Computed] | None = None
        self._compiled = self._compile()
        self._cost = model_cost(model, [*self.input_shapes])
        self._views: BoundedCache[UnitView] = BoundedCache(MAX_VIEWS, lambda view: view.nbytes)

    def describe(self) -> dict[str, Any]:
        """Returns what the page needs to know once, as values of JSON."""
        low, high = self.limits
        steps = [
            {**step._asdict(), "sources": [source._asdict() for source in step.sources], **self._map_sizes(number)}
            for number, step in enumerate(self.steps)
        ]
        return {
            "name": self.name,
            "origin": self.origin,
            "input": {"shape": list(self.shape), "low": low, "high": high},
            "inputs": [step.path for step in self.steps[: len(self.input_shapes)]],
            "follow": bool(self.others),  # whether other inputs than the first are those of an example, or 0
            "examples": len(self.examples),
            "targets": None if self.targets is None else [int(target) for target in self.targets],
            "labels": self.labels,
            "unit": UNITS.get(self.kind, "class"),
            "steps": steps,
        }

    def example(self, index: int) -> np.ndarray:
        """Returns the first input of one of the examples. Refuses a number that none has."""
        count = len(self.examples)
        require(0 <= index < count, "explore", f"example below {count}", example=index)
        return self.examples[index]

    def upload(self, content: bytes) -> np.ndarray:
        """Returns the example in an uploaded file, an image or a .npy array."""
        with self._lock:  # large images take memory
            return decode_upload(content, self.shape, self.limits, self.resize)

    def compute(self, x: Any, example: int = 0) -> Computed:
        """Returns the outputs and maps for a first input (*spatial, channels), with the other inputs of an example.

        Those of the latest inputs are kept.
        """
        x = self._checked(x)
        key = x.tobytes(), example
        with self._lock:
            if self._latest is None or self._latest[0] != key:
                self._latest = key, self._compute(x, example)
            return self._latest[1]

    def cell(self, x: Any, number: int, position: Sequence[int], channel: int, example: int = 0) -> dict[str, Any]:
        """Returns what a cell of a convolution's map is the sum of, as values of JSON.

        x, example: as in `compute`. `output` is the cell itself, after the activation. Refuses steps that are no
        convolution.
        """
        layer = self._convolution(number)
        with self._lock:
            read, y = self._call_at(self._batch(self._checked(x), example), number)
        with np.errstate(over="ignore", invalid="ignore"):
            found = cell_products(layer, read, position, channel)
            total, output = found.total, float(y[(*position, channel)])
        require(math.isfinite(total + output), "explore", "an input for which the cell is finite", output=output)
        return {
            **found._asdict(),
            "patches": found.patches.tolist(),
            "kernels": found.kernels.tolist(),
            "total": total,
            "activation": activation_name(layer),
            "output": output,
        }

    def kernel(self, number: int) -> tuple[ConvTerms, str]:
        """Returns what all cells of a convolution's map are sums of, and the name of its activation.

        Refuses steps that are no convolution.
        """
        layer, read = self._convolution(number), self.steps[number].sources[0].step
        return conv_terms(layer, self._map_sizes(read)["shape"]), activation_name(layer)

    def unit_view(self, name: str, number: int, unit: int, x: Any, example: int = 0) -> UnitView:
        """Returns the "filter", the "patches", the "maximized" input or the "deconvnet" of a unit, the last for x.

        number: of a step; unit: a map of it, or one of a vector's numbers; x, example: as in `compute`. Recent views
        are kept; what an analysis refuses is the text of a view without pictures. Refuses steps that are no layer.
        """
        layers = self._layers
        layer = layers[number] if 0 <= number < len(layers) else None
        require(isinstance(layer, keras.layers.Layer), "explore", "the number of a step that is a layer", step=number)
        sizes, path = self._map_sizes(number), self.steps[number].path
        count = math.prod(sizes["shape"]) if sizes["vector"] else sizes["channels"]
        require(0 <= unit < count, "explore", f"unit below {count}", unit=unit)
        x, cost = self._checked(x), self._cost
        views = {
            "filter": lambda: filter_view(layer, unit),
            "patches": lambda: patches_view(self.model, path, unit, self._inputs(self.examples, slice(None)), cost),
            "maximized": lambda: maximized_view(self.model, path, unit, self.limits, self.shape[:-1], cost),
            "deconvnet": lambda: deconvnet_view(self.model, path, unit, self._inputs(x[None], [example])),
        }
        require(name in views, "explore", f"view, one of {', '.join(views)}", view=name)
        of = (hashlib.sha256(x.tobytes()).digest(), example) if name == "deconvnet" else None
        with self._lock:
            return self._views.get((name, number, unit, of), lambda: self._view_or_reason(views[name]))

    def equivariance(self, x: Any, amount: tuple[float, ...], example: int = 0) -> list[dict[str, Any]]:
        """Returns the `kzoo.explore.moved.layer_errors` of inputs before the first is moved, as values of JSON.

        x, example: as in `compute`.
        """
        inputs = [ops.convert_to_numpy(part) for part in self._batch(self._checked(x), example)]
        with self._measuring:  # for as long as it takes, outputs of other inputs are computed
            found = layer_errors(self.model, self.steps, inputs, amount)
        return [one._asdict() for one in found]

    def output_kind(self, outputs: np.ndarray) -> tuple[str, np.ndarray]:
        """Returns what the outputs are in words, and one number for each class, label or number.

        Of a model with a class for each pixel these are the shares of the pixels, of images the means of the channels.
        """
        if outputs.ndim == 1:
            return "output" if self.kind == "regression" else name_of_outputs(outputs), outputs
        if self.kind == "image":
            return "mean output", outputs.reshape(-1, outputs.shape[-1]).mean(0)
        classes = outputs.shape[-1]
        if classes == 1:
            return "mean output", outputs.mean(keepdims=True).reshape(1)
        counts = np.bincount(as_label_maps(outputs).ravel(), minlength=classes)
        return "share of pixels", counts / counts.sum()

    def _view_or_reason(self, view: Callable[[], UnitView]) -> UnitView:
        try:
            with _taking_inputs(self.model):
                return view()
        except Refusal as refusal:
            return UnitView(str(refusal), [])

    def _convolution(self, number: int) -> Any:
        layer = self._layers[number] if 0 <= number < len(self._layers) else None
        known = layer is not None and has_products(layer)
        require(known, "explore", "the number of a step that is a convolution", step=number)
        return layer

    def label_map(self, outputs: np.ndarray) -> np.ndarray | None:
        """Returns the class of each position, of a volume in its middle slice; None without a class for each."""
        if outputs.ndim == 1 or outputs.shape[-1] == 1 or self.kind == "image":
            return None
        return as_label_maps(outputs[len(outputs) // 2] if outputs.ndim == 4 else outputs)

    def _checked(self, x: Any) -> np.ndarray:
        x = np.asarray(x, "float32")
        require(x.shape == self.shape, "explore", f"an input of shape {self.shape}", shape=x.shape)
        bad = int((~np.isfinite(x)).sum())
        require(not bad, "explore", "an input of finite numbers", nan_or_infinite=bad)
        return x

    def _batch(self, x: np.ndarray, example: int) -> list[Tensor]:
        """Returns the inputs of the model: the first, and the others of an example, or 0."""
        return [ops.convert_to_tensor(part) for part in self._inputs(x[None], [example])]

    def _inputs(self, x: np.ndarray, examples: slice | list[int]) -> list[np.ndarray]:
        """Returns the arrays of the model's inputs: the first (batch, *spatial, channels), the others of examples."""
        others = [part[examples] for part in self.others]
        others = others or [np.zeros((len(x), *shape[1:]), "float32") for shape in self.input_shapes[1:]]
        return [np.moveaxis(x, -1, 1) if self.first else x, *others]

    def _compute(self, x: np.ndarray, example: int) -> Computed:
        with _taking_inputs(self.model):
            outputs, maps = self._compiled(self._batch(x, example))
        return Computed(ops.convert_to_numpy(outputs), [ops.convert_to_numpy(y) for y in maps])

    def _call_at(self, inputs: list[Tensor], number: int) -> list[np.ndarray]:
        """Returns what the call of a step reads first and what it returns, channels last, without the batch."""
        found: list[Any] = []
        count = len(self.input_shapes)

        def visit(path, operation, args, kwargs):
            y = compute(path, operation, args, kwargs)
            if len(found) == number - count:
                found.append((args[0], y))
                raise _ReachedError
            found.append(None)
            return y

        with contextlib.suppress(_ReachedError):
            run(self.model, inputs, visit)
        arrays = [ops.convert_to_numpy(ops.cast(part, "float32"))[0] for part in found[-1]]
        return [np.moveaxis(array, 0, -1) if self.first else array for array in arrays]

    def _compile(self) -> Any:
        """Returns `_run`, compiled where the backend is TensorFlow."""
        if keras.backend.backend() != "tensorflow":
            return self._run
        return tf.function(self._run)

    def _run(self, inputs: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Returns the outputs for a batch of one, channels last, and the clipped maps of all steps."""
        maps = [self._clip(x) for x in inputs]

        def visit(path, operation, args, kwargs):
            y = compute(path, operation, args, kwargs)
            maps.append(self._clip(keras.tree.flatten(y)[0]))
            return y

        y = _first_example(ops.cast(run(self.model, inputs, visit)[0], "float32"))
        return (ops.moveaxis(y, 0, -1) if self.first and len(y.shape) > 1 else y), maps

    def _clip(self, y: Any) -> Tensor:
        """Returns the first maps of a batch of one as (channels, *spatial), of a volume the middle slice."""
        y = _first_example(ops.cast(y, "float32"))
        if len(y.shape) == 1:
            return y[:MAX_VALUES][None]
        y = y if self.first else ops.moveaxis(y, -1, 0)
        while len(y.shape) > 3:
            y = y[:, y.shape[1] // 2]
        return y[: shown_maps(y.shape)]

    def _map_sizes(self, number: int) -> dict[str, Any]:
        """Returns the number of maps of a step, and whether it is a vector of units, or a convolution.

        tile: after how many positions along each axis the kernels of a convolution repeat, if there are several.
        """
        shape = self.steps[number].shape
        if len(shape) < 2:
            return {"vector": True, "convolution": False, "tile": [], "channels": 1, "shape": list(shape)}
        spatial, channels = (shape[1:], shape[0]) if self.first else (shape[:-1], shape[-1])
        layer = self._layers[number]
        convolution = layer is not None and has_products(layer)
        tile = layer.kernel_tile(spatial) if convolution and isinstance(layer, BaseConv) else ()
        tile = list(tile) if max(tile, default=1) > 1 else []
        return {
            "vector": False,
            "convolution": convolution,
            "tile": tile,
            "channels": channels,
            "shape": list(spatial),
        }

    def _limits(self, x: np.ndarray | None) -> tuple[float, float]:
        """Returns the smallest and the largest value that drawings have."""
        if x is not None and len(x):
            low, high = float(x.min()), float(x.max())
            pixels = x.ndim > 3 and low >= 0 and 1 < high <= 255
            return BYTE if pixels else (low, high if high > low else low + 1)
        if len(self.input_shapes[0]) == 3:
            return -1.0, 1.0
        rescaled = any(isinstance(layer, RESCALING) for layer in layer_paths(self.model).values())
        return BYTE if rescaled else (0.0, 1.0)


def _first_example(y: Tensor) -> Tensor:
    """Returns the first example of a batch of one, with at least one axis."""
    return ops.reshape(y, (1,)) if len(y.shape) < 2 else y[0]


@contextlib.contextmanager
def _taking_inputs(model: keras.Model) -> Iterator[None]:
    """Context manager: a model's errors about the size or the values of its inputs become a Refusal of one line."""
    try:
        yield
    except Refusal:
        raise
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        reason = str(error).partition("\n\t [[")[0]  # the node, which comes after it, helps nobody
        if reason.startswith("Graph execution error"):  # lines on where the graph was made, then the error
            reason = reason.splitlines()[-1]
        raise Refusal(f"explore: {model.name} cannot be computed for these inputs: {one_line(reason, 300)}") from error


def activation_name(layer: Any) -> str:
    """Returns the name of a layer's activation, "" if it has none."""
    return getattr(getattr(layer, "activation", None), "__name__", "")


def example_arrays(model: keras.Model, examples: Any) -> list[np.ndarray]:
    """Returns the first examples as arrays: none, those of the first input, or one for each input of a model."""
    parts = examples if isinstance(examples, (list, tuple)) else [] if examples is None else [examples]
    arrays = [np.asarray(part[:EXAMPLES], "float32") for part in parts]
    count = len(model.inputs)
    counts = [len(part) for part in arrays]
    fits = len(arrays) in (0, 1, count) and len(set(counts)) < 2
    require(fits, "explore", f"as many examples of each input, {count} arrays, or of the first", examples=counts)
    return arrays if any(counts) else []


def shown_maps(shape: Sequence[int]) -> int:
    """Returns how many of a layer's maps (channels, *spatial) are kept.

    >>> shown_maps((512, 14, 14)), shown_maps((64, 224, 224)), shown_maps((8, 1024, 1024))
    (64, 10, 1)
    """
    return max(1, min(shape[0], MAX_MAPS, MAX_VALUES // int(np.prod(shape[1:]))))
