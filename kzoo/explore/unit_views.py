"""What a unit computes and looks for: its filter, its top patches, an input that maximises it, its deconvnet."""

from typing import Any, NamedTuple

import keras
import numpy as np

from kzoo.analysis.conv_kernel import check_known, conv_kernel
from kzoo.analysis.maximization import PRESETS, maximize
from kzoo.analysis.model_cost import LEAST_EXAMPLES, LEAST_STEPS, Cost
from kzoo.analysis.panels import one_slice
from kzoo.analysis.patches import crop, top_patches
from kzoo.analysis.projection import project
from kzoo.analysis.walk import is_softmax, last_path
from kzoo.models.layer_paths import layer_paths

KERNELS, PATCHES = 16, 9  # that are shown
PRESET = "olah2017"
COLOURS = 3


class Picture(NamedTuple):
    """An array (height, width, channels) of an image or (length, channels) of a signal.

    signed: whether the picture shows how far values are from 0, not values of an input.
    """

    title: str
    values: np.ndarray
    signed: bool


class UnitView(NamedTuple):
    """A sentence on a unit, and pictures of it."""

    text: str
    pictures: list[Picture]

    @property
    def nbytes(self) -> int:
        """The bytes of the pictures."""
        return sum(picture.values.nbytes for picture in self.pictures)


def filter_view(layer: Any, channel: int) -> UnitView:
    """Returns the kernels with which a convolution makes a map, one for each input map that it reads.

    Kernels of images that read 3 maps are one picture in colours; of others those with the largest weights are shown,
    of volumes their middle slice. A tiled convolution has kernels for each position of the tile.
    Refuses layers that are no convolution.

    >>> layer = keras.layers.Conv1D(1, 3)
    >>> layer.build((None, 5, 2))
    >>> [(picture.title, picture.values.shape) for picture in filter_view(layer, 0).pictures]
    [('input map 0', (1, 3, 1)), ('input map 1', (1, 3, 1))]
    """
    check_known(layer)
    kernel, size = conv_kernel(layer), tuple(layer.kernel_size)
    channels = np.flatnonzero(kernel.links[:, channel] >= 0)
    weights = np.moveaxis(kernel.weights[..., kernel.links[channels, channel]], -1, 0)  # (channels, *tile, taps)
    tile = weights.shape[1:-1]
    kernels = weights.reshape(-1, *size)
    if len(kernels) == len(channels) == COLOURS and len(size) == 2:
        title = f"input maps {', '.join(map(str, channels))} as red, green and blue"
        return UnitView("Its kernel; grey is 0.", [Picture(title, np.moveaxis(kernels, 0, -1), True)])
    norms = np.square(weights).sum(-1).ravel()
    pictures = []
    for at in np.sort(np.argsort(-norms, kind="stable")[:KERNELS]):
        number, *position = (int(i) for i in np.unravel_index(at, (len(channels), *tile)))
        where = f", {', '.join(map(str, position))} of the tile" if np.prod(tile) > 1 else ""
        image = one_slice(kernels[at], len(size))[..., None]
        title = f"input map {channels[number]}{where}"
        pictures.append(Picture(title, image[None] if len(size) == 1 else image, True))
    count = len(kernels)
    which = "Its kernel" if count == 1 else f"Its {count} kernels"
    if count > KERNELS:
        which = f"The {KERNELS} largest of its {count} kernels"
    return UnitView(f"{which}; orange is positive, blue negative, white 0.", pictures)


def patches_view(model: keras.Model, path: str, channel: int, inputs: list[np.ndarray], cost: Cost) -> UnitView:
    """Returns the `kzoo.analysis.top_patches` of a unit; inputs: examples for each input of the model.

    Of a model that takes many operations only the first examples are read.
    """
    count = cost.affordable(LEAST_EXAMPLES, len(inputs[0]))
    data = [x[:count] for x in inputs]
    found = top_patches(model, path, channel, data, PATCHES, cost.batch_size)
    pictures = [
        Picture(f"example {place.example}: {value:.3g}", _slice(patch), False)
        for patch, place, value in zip(found.patches, found.places, found.values)
    ]
    several = f"s in {count} examples" if count > 1 else " in one example"
    return UnitView(f"The largest {_quantity(model, path)}{several}; a patch is what its value depends on.", pictures)


def maximized_view(
    model: keras.Model, path: str, channel: int, limits: tuple[float, float], size: tuple[int, ...], cost: Cost
) -> UnitView:
    """Returns an input that maximises a unit, or the mean of a map, by `kzoo.analysis.maximize`.

    limits: of the values of the input; size: of its spatial axes. A model that takes many operations gets fewer steps.
    """
    steps = cost.affordable(LEAST_STEPS, PRESETS[PRESET].steps)
    open_size = size if None in model.inputs[0].shape[1:] else None
    found = maximize(model, path, channel, PRESET, steps=steps, size=open_size, value_range=limits)
    before, after = found.values[0, 0], found.values[-1, 0]
    output = keras.tree.flatten(layer_paths(model)[path].output)[0]
    changed = "mean " * (len(output.shape) > 2) + _quantity(model, path)
    text = f"Found by gradient ascent: {steps} steps from noise change its {changed} from {before:.3g} to {after:.3g}."
    return UnitView(text, [Picture("input", _slice(found.array[0]), False)])


def deconvnet_view(model: keras.Model, path: str, channel: int, inputs: list[np.ndarray]) -> UnitView:
    """Returns the part of an example where a unit is largest, and its `kzoo.analysis.project` there by a deconvnet.

    inputs: for each input of the model an array of one example.
    """
    best = top_patches(model, path, channel, inputs, 1)
    patch, place = best.patches[0], best.places[0]
    unit = (*place.position, channel) if place.position else channel
    found = project(model, path, unit, inputs if len(inputs) > 1 else inputs[0], "deconvnet")
    projection = np.moveaxis(found.array[0], 0, -1) if found.channels_first else found.array[0]
    pattern, title = _slice(crop(projection, place.corner, patch.shape[:-1])), "deconvnet"
    if pattern.ndim > 2 and pattern.shape[-1] == COLOURS:
        title += ", grey is 0"
    elif pattern.ndim > 2:
        pattern, title = pattern.sum(-1, keepdims=True), f"{title}, orange is positive"
    title = title if pattern.any() else "deconvnet, all 0"
    largest = f"largest {_quantity(model, path)}" if place.position else _quantity(model, path)
    where = f", at position {', '.join(map(str, place.position))}" if place.position else ""
    pictures = [Picture("input", _slice(patch), False), Picture(title, pattern, True)]
    return UnitView(f"For this input its {largest} is {best.values[0]:.3g}{where}.", pictures)


def _quantity(model: keras.Model, path: str) -> str:
    """Returns what analyses take of a layer's output: of a softmax at the end of the model its logits."""
    return "logit" if path == last_path(model) and is_softmax(layer_paths(model)[path]) else "value"


def _slice(x: np.ndarray) -> np.ndarray:
    """Returns an example (*spatial, channels) as float32, of a volume the middle slice."""
    return one_slice(np.asarray(x, "float32"), x.ndim - 1)
