"""Pretraining: learns the layers of a model from examples without labels, one after the other.

Source: Bengio, Lamblin, Popovici & Larochelle 2007, "Greedy layer-wise training of deep networks"; the autoencoders:
as `kzoo.models.layer_autoencoder`.
"""

import contextlib
import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kzoo.checks import is_number, nearest, require
from kzoo.files import replace, write_atomically
from kzoo.models.adapt import adapt
from kzoo.models.blocks import check_integer
from kzoo.models.layer_autoencoder import CONVOLUTIONS, METHODS, layer_autoencoder
from kzoo.models.layer_paths import find_path, layer_paths, tensors_at
from kzoo.models.tica import tica
from kzoo.terminal import say
from kzoo.types import PathLike

OTHERS: dict[str, Any] = {"adapt": adapt, "tica": tica}  # methods that train all layers, or one stage, by themselves


def pretrain(
    model: keras.Model,
    data: Any,
    method: str = "denoising",
    layers: Sequence[str] | None = None,
    epochs: int = 5,
    batch_size: int = 100,
    learning_rate: float = 1e-3,
    folder: PathLike | None = None,
    seed: int = 0,
    **settings: Any,
) -> Any:
    """Trains layers of `model` in place, without labels; returns {layer: the loss of each epoch}.

    Each layer becomes the encoder of an autoencoder, which is trained on the layer's inputs: those of the first layer
    are the data, those of the next what the trained layers before it make of the data. They are computed once and kept
    on disk, so that memory does not grow with the data. Then fine tune the model with labels, or only its last layer
    (`kzoo.models.freeze`).
    Shapes: data, an array (N, *input_shape), or a `tf.data.Dataset` of batches x or (x, y), which is read once for each
    layer.
    Arguments: method, "denoising" (noise, by default 0.3 of the inputs set to 0), "contractive" (rate, 0.1, of the
    squared Jacobian), "sparse" (rate, 0.001, of the absolute outputs), "adapt" (k-means and statistics, as
    `kzoo.models.adapt`) or "tica" (as `kzoo.models.tica`, with its settings); layers, names in the order of training,
    by default all convolutions and dense layers but the last; epochs, of each layer; learning_rate, of Adam; folder,
    where finished layers and inputs are kept: the same call goes on after them if it was interrupted.
    Refuses other layers than Keras's Dense and Conv1D, 2D, 3D.

    >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(2, "softmax")])
    >>> x = np.random.default_rng(0).normal(size=(64, 2)) @ np.random.default_rng(1).normal(size=(2, 8))
    >>> (losses,) = pretrain(model, x.astype("float32"), epochs=3, batch_size=8, learning_rate=0.01).values()
    >>> losses[-1] < losses[0]
    True
    """
    known = [*METHODS, *OTHERS]
    require(method in known, "pretrain", f"method, {nearest(method, known)}", method=method)
    if method in OTHERS:
        return OTHERS[method](model, data, **settings)
    check_integer("pretrain", epochs=epochs, batch_size=batch_size)
    positive = is_number(learning_rate) and learning_rate > 0
    require(positive, "pretrain", "learning_rate, a number above 0", learning_rate=learning_rate)
    paths = _chosen(model, layers)
    given = {"method": method, "epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    given |= {"seed": seed, "layers": paths, **settings}
    with contextlib.ExitStack() as stack:
        top = Path(folder or stack.enter_context(tempfile.TemporaryDirectory()))
        top.mkdir(parents=True, exist_ok=True)
        losses = _restore(model, top, given)
        for path in paths[len(losses) :]:
            keras.utils.set_random_seed(seed + paths.index(path))
            layer = layer_paths(model)[path]
            inputs = _write_inputs(model, path, data, batch_size, top / "inputs.raw")
            autoencoder = layer_autoencoder(layer, method, learning_rate, **settings)
            batches = Batches(inputs, batch_size, seed)
            history = autoencoder.fit(batches, epochs=epochs, shuffle=False, verbose=0).history["loss"]
            losses[path] = [float(loss) for loss in history]
            say(f"{path}: loss {losses[path][0]:.4g} after the first epoch, {losses[path][-1]:.4g} after the last")
            del batches, inputs
            (top / "inputs.raw").unlink()
            _save(model, top, given, losses)
    return losses


def _chosen(model, layers):
    """Returns the paths of the layers to train."""
    if layers is not None:
        several = isinstance(layers, (tuple, list)) and len(layers) > 0
        require(several, "pretrain", "layers, at least one name", layers=layers)
        return [find_path(model, "layers", name) for name in layers]
    kinds = (*CONVOLUTIONS, keras.layers.Dense)
    found = [path for path, layer in layer_paths(model).items() if type(layer) in kinds]
    require(len(found) > 1, "pretrain", "convolutions or dense layers before the last", layers=found)
    return found[:-1]


def _write_inputs(model, path, data, batch_size, file):
    """Writes the inputs of a layer for all examples to a file, batch by batch; returns them as a mapped array."""
    (tensor,) = tensors_at(model, "layers", [path], "inputs")
    before = keras.Model(model.inputs, tensor)
    count, dtype = 0, np.dtype("float32")
    with open(file, "wb") as out:
        for x in _batches(model, data, batch_size):
            values = x if tensor is model.inputs[0] else before.predict_on_batch(x)
            out.write(np.ascontiguousarray(values, dtype).tobytes())
            count += len(x)
    require(count, "pretrain", "data with at least one example", examples=count)
    return np.memmap(file, dtype, "r", shape=(count, *tensor.shape[1:]))


def _batches(model, data, batch_size):
    require(len(model.inputs) == 1, "pretrain", "a model of one input", inputs=len(model.inputs))
    shape = tuple(model.inputs[0].shape[1:])
    for part in [data] if hasattr(data, "shape") else data:
        x = np.asarray(part[0] if isinstance(part, (tuple, list)) else part)
        fits = x.ndim == len(shape) + 1 and all(n is None or n == m for n, m in zip(shape, x.shape[1:]))
        require(fits, "pretrain", f"examples of shape {shape}", data=x.shape)
        for start in range(0, len(x), batch_size):
            yield x[start : start + batch_size].astype("float32")


class Batches(keras.utils.PyDataset):
    """Batches (x, x) of a mapped array, in another order in each epoch, which the seed and its number decide."""

    def __init__(self, inputs: np.ndarray, batch_size: int, seed: int):
        super().__init__()
        self._inputs, self._batch_size, self._seed, self._epoch = inputs, batch_size, seed, 0
        self._shuffle()

    def __len__(self) -> int:
        return math.ceil(len(self._inputs) / self._batch_size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = np.sort(self._order[number * self._batch_size : (number + 1) * self._batch_size])
        x = np.asarray(self._inputs[chosen])
        return x, x

    def on_epoch_end(self) -> None:
        self._epoch += 1
        self._shuffle()

    def _shuffle(self):
        self._order = np.random.default_rng([self._seed, self._epoch]).permutation(len(self._inputs))


def _restore(model, top, given):
    """Loads the layers that are finished; returns their losses. Refuses the record of other settings."""
    record = top / "pretrain.json"
    if not record.is_file():
        return {}
    found = json.loads(record.read_text())
    same = found["settings"] == json.loads(json.dumps(given))
    expected = f"the settings of the training in {top}, {found['settings']}, or another folder"
    require(same, "pretrain", expected, settings=given)
    losses = found["losses"]
    for number, path in enumerate(losses):
        with np.load(top / f"layer{number + 1}.npz") as arrays:
            layer_paths(model)[path].set_weights([arrays[key] for key in sorted(arrays, key=lambda key: int(key[4:]))])
    return losses


def _save(model, top, given, losses):
    """Writes the weights of the last finished layer, then the record that counts it."""
    number, path = len(losses), list(losses)[-1]
    partial = top / f"layer{number}.partial.npz"
    np.savez(partial, *layer_paths(model)[path].get_weights())
    replace(partial, top / f"layer{number}.npz")
    write_atomically(top / "pretrain.json", json.dumps({"settings": given, "losses": losses}, indent=1))
