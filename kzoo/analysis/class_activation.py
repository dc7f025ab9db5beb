"""Grad-CAM: the positions of the input that speak for a class, by the gradient at the last maps of a model.

Source: Selvaraju et al. 2017, arXiv:1610.02391; Zhou et al. 2016, arXiv:1512.04150, for the maps that it generalizes.
"""

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from kzoo.analysis.model_inputs import Inputs, OutputNames, batches
from kzoo.analysis.panels import panels, show_overlay
from kzoo.analysis.plotted import Plotted
from kzoo.analysis.spatial_model import SpatialModel
from kzoo.analysis.walk import before_softmax, compute, input_dependencies, last_path, run, run_with
from kzoo.checks import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHO = "grad_cam"


@dataclasses.dataclass(frozen=True, eq=False)
class ClassActivation(Plotted):
    """Grad-CAM's maps of examples; `np.asarray` gives them at the resolution of the input.

    inputs: the examples, channels last; maps: (batch, *spatial) float32 at the layer's resolution, not negative;
    layer: path of the layer; classes: (batch,) class of each example; outputs: (batch,) the model's output for it;
    called: what the picture calls the outputs.
    """

    inputs: np.ndarray = dataclasses.field(repr=False)
    maps: np.ndarray = dataclasses.field(repr=False)
    layer: str
    classes: np.ndarray
    outputs: np.ndarray
    called: OutputNames = OutputNames()

    @property
    def array(self) -> np.ndarray:
        return resized(self.maps, self.inputs.shape[1:-1])

    def draw(self) -> "Figure":
        rank = self.maps.ndim - 1
        slices = ", middle slices" if rank == 3 else ""
        sheet, axes = panels(len(self.inputs), 1, rank, f"Grad-CAM at {self.layer}{slices}")
        word = self.called.quantity(self.outputs)
        for (axis,), x, shade, index, output in zip(axes, self.inputs, self.array, self.classes, self.outputs):
            image = show_overlay(axis, x, shade / (shade.max() or 1), cmap="viridis", vmin=0, vmax=1)
            empty = "" if shade.any() else "\nthe map is 0 everywhere"
            axis.set_title(f"{self.called(index)}, {word} {output:.3g}{empty}", fontsize=9)
        sheet.colorbar(image, ax=axes.ravel().tolist(), label="share of the map's largest value", shrink=0.8)
        return sheet


def grad_cam(
    model: keras.Model, inputs: Any, class_index: Any = None, layer: str | None = None, batch_size: int = 32
) -> ClassActivation:
    """Returns maps of the positions that raise a class's logit, by Grad-CAM.

    model: one whose first output is (batch, classes); inputs: (batch, *spatial, channels), or channels first, with 1 to
    3 spatial axes, of several inputs a list with an array for each; class_index: a class, or one for each example, by
    default the most probable; layer: the path of a layer with spatial axes, by default the last one with more than one
    position; batch_size: examples computed at once. Of several inputs, the positions are those of the first that the
    layer depends on; by default it is the last layer that depends on the first that the output does.

    The maps of the layer are added up, each weighted by the mean of the logit's gradient over its positions, and
    negative sums become 0; where all are negative, the map is 0 everywhere. They are enlarged to the input's size by
    linear interpolation. Behind a global average pool and a dense layer, they are the class activation maps of Zhou et
    al. divided by the number of positions. Of models that end in no softmax, the gradient of the output itself is
    taken.
    ValueError for layers without spatial axes, those called several times, and inputs that do not fit.

    >>> from kzoo import model
    >>> cam = grad_cam(model("mnist1d_cnn"), np.ones((2, 40, 1)))
    >>> np.asarray(cam).shape, cam.maps.shape, cam.layer
    ((2, 40), (2, 4), 'stage3')
    """
    require(keras.backend.backend() == "tensorflow", WHO, "the TensorFlow backend", backend=keras.backend.backend())
    read = SpatialModel(WHO, model, [] if layer is None else [layer])
    given = read.checked(inputs)
    classes, outputs = read.class_outputs(given, class_index, batch_size)
    path = last_map(read, given) if layer is None else read.paths[0]
    parts = zip(batches(WHO, given, batch_size), batches(WHO, classes, batch_size))
    maps = [_class_maps(read, batch.arrays, indices, path) for batch, indices in parts]
    return ClassActivation(given.x, np.concatenate(maps), path, classes, outputs)


def last_map(read: SpatialModel, inputs: Inputs) -> str:
    """Returns the path of the last call before the first output that has more than one position of the input."""
    model = read.model
    shapes: list[tuple[str, tuple[int, ...]]] = []

    def record(path, operation, args, kwargs):
        outputs = compute(path, operation, args, kwargs)
        shapes.append((path, tuple(keras.tree.flatten(outputs)[0].shape)))
        return outputs

    run(model, inputs[:1].arrays, record)
    end = last_path(model)  # what comes after it belongs to other outputs
    before = itertools.takewhile(lambda call: call[0] != end, shapes)
    spatial = slice(2, None) if read.first else slice(1, -1)
    known = input_dependencies(model)
    maps = [
        path
        for path, shape in before
        if len(shape) == read.rank + 2 and max(shape[spatial]) > 1 and read.index in known[path]
    ]
    require(maps, read.who, "a model with a layer of more than one position", model=model.name)
    return maps[-1]


def _class_maps(read, arrays, classes, path):
    import tensorflow as tf

    logits, rank = before_softmax(read.model), read.rank
    with tf.GradientTape(watch_accessed_variables=False) as tape:

        def watch(name, *call):
            outputs = logits(name, *call)
            if name == path:
                tape.watch(keras.tree.flatten(outputs)[0])
            return outputs

        outputs, (maps,) = run_with(read.model, arrays, [path], watch)
        scores = tf.gather(outputs[0], classes, batch_dims=1)
    require(len(maps.shape) == rank + 2, WHO, f"layer, one with {rank} spatial axes", layer=path, shape=maps.shape)
    slopes = tape.gradient(scores, maps)
    require(slopes is not None, WHO, "layer, one that the model's first output is computed from", layer=path)
    maps, slopes = (np.float32(ops.convert_to_numpy(x)) for x in (maps, slopes))
    if read.first:
        maps, slopes = np.moveaxis(maps, 1, -1), np.moveaxis(slopes, 1, -1)
    weights = slopes.mean(tuple(range(1, rank + 1)), keepdims=True)
    return np.maximum((weights * maps).sum(-1), 0)


def resized(maps: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Returns maps (batch, *spatial) at another size, by linear interpolation between the centres of pixels.

    >>> resized(np.float32([[0, 4]]), (4,))
    array([[0., 1., 3., 4.]], dtype=float32)
    """
    for axis, (n, wanted) in enumerate(zip(maps.shape[1:], size), start=1):
        centres = (np.arange(wanted) + 0.5) * n / wanted - 0.5
        shares = np.stack([np.interp(centres, np.arange(n), unit) for unit in np.eye(n)])
        maps = np.moveaxis(np.tensordot(maps, np.float32(shares), (axis, 0)), -1, axis)
    return maps
