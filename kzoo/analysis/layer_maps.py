"""The maps of a layer, and how many of a model's activations are 0.

Source: Glorot, Bordes & Bengio 2011, "Deep sparse rectifier neural networks", for the share of zeros.
"""

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from kzoo.analysis.array_grid import array_grid
from kzoo.analysis.input_batches import input_batches
from kzoo.analysis.model_inputs import Inputs, input_index
from kzoo.analysis.panels import show, value_limits
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.rectifiers import is_rectifier
from kzoo.analysis.walk import channels_first, compute, inner_path, outputs_at
from kzoo.checks import is_integer, require
from kzoo.models.graph import check_graph
from kzoo.models.layer_paths import find_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 63  # maps of a figure, next to the input


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureMaps(Plotted):
    """Maps (batch, *spatial, channels) of a layer, and the share of zeros after each rectifier of the model, by path.

    inputs: those of the model, or of several the first that the layer depends on, with the channels last.
    """

    maps: np.ndarray
    zeros: dict[str, float]
    inputs: np.ndarray
    layer: str

    @property
    def array(self) -> np.ndarray:
        return self.maps

    def draw(self, example: int = 0) -> "Figure":
        """Returns a figure of an example: the input, then its maps; of a layer without positions one panel of bars."""
        count = len(self.maps)
        good = is_integer(example) and -count <= example < count
        require(good, "feature_maps", f"example, an index of {count}", example=example)
        y, x = self.maps[example], self.inputs[example]
        if y.ndim == 1:
            arrays, titles = [y], ["outputs"]
        else:
            arrays = [y[..., channel : channel + 1] for channel in range(min(y.shape[-1], SHOWN))]
            titles = [f"map {channel}" for channel in range(len(arrays))]
        heading = f"Maps of {self.layer}, example {example}"
        if self.layer in self.zeros:
            heading += f"; {self.zeros[self.layer]:.0%} zeros over all examples"
        if len(arrays) < y.shape[-1] and y.ndim > 1:
            heading += f"\nthe first {len(arrays)} of {y.shape[-1]}"
        sheet = array_grid([x, *arrays], ["input", *titles], heading, limits=value_limits(arrays), colours="viridis")
        sheet.axes[0].clear()
        show(sheet.axes[0], x, value_limits([x]))
        sheet.axes[0].set_title("input", fontsize=8)
        return sheet


def feature_maps(model: keras.Model, layer: str, inputs: Any, batch_size: int = 32) -> FeatureMaps:
    """Returns the maps of a layer for inputs, and the share of zeros after each rectifier of the whole model.

    layer: a name or path. inputs: an array (batch, ...), a list for a model of several inputs, or a `tf.data.Dataset`
    of batches; they are computed in batches, but the maps of all are kept.
    Shapes: maps (batch, *spatial, channels), the channels last in either data format. `zeros` is {path of the layer or
    operation: share}, over all inputs, positions and channels, and over all calls of a layer that is called often.

    >>> relu = keras.layers.ReLU(name="relu")
    >>> found = feature_maps(keras.Sequential([keras.Input((4, 1)), relu]), "relu", np.array([[[-1], [2], [-3], [4]]]))
    >>> found.maps.ravel(), found.zeros
    (array([0., 2., 0., 4.], dtype=float32), {'relu': 0.5})
    """
    check_graph("feature_maps", model)
    path = inner_path(model, find_path(model, "layer", layer))
    index, first = input_index("feature_maps", model, [path]), channels_first(model)
    zeros: Counter[str] = Counter()
    sizes: Counter[str] = Counter()

    def count(path, operation, args, kwargs):
        y = compute(path, operation, args, kwargs)
        if is_rectifier(operation) or is_rectifier(getattr(operation, "activation", None)):
            values = ops.convert_to_numpy(y)
            zeros[path] += int(np.count_nonzero(values == 0))
            sizes[path] += values.size
        return y

    maps, read = [], []
    for batch in input_batches("feature_maps", model, inputs, batch_size):
        (y,) = outputs_at(model, batch, [path], count)
        y = ops.convert_to_numpy(y)
        maps.append(np.moveaxis(y, 1, -1) if first and y.ndim > 2 else y)
        read.append(Inputs(batch, index, first).x)
    alike = len({x.shape[1:] for x in read}) == 1
    require(alike, "feature_maps", "inputs of one shape", shapes=sorted({x.shape[1:] for x in read}))
    shares = {name: zeros[name] / size for name, size in sizes.items()}
    return FeatureMaps(np.concatenate(maps), shares, np.concatenate(read), path)
