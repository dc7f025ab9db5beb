"""Loads models and weights from files that Keras 2 wrote.

Source: Keras 2's file formats, HDF5 and .keras, as written by tf-keras 2.21, and its layers' configs.
"""

import contextlib
import inspect
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras.random import SeedGenerator

from kzoo.checks import Refusal, as_bool, one_line, require
from kzoo.layers.base_conv import BaseConv
from kzoo.layers.legacy_h5 import own_values
from kzoo.layers.locally_connected import LocallyConnected
from kzoo.models.weight_file import MEMBER, open_weights
from kzoo.types import PathLike

__all__ = ["load_keras_2", "load_keras_2_weights"]

LEGACY = (".h5", ".hdf5")
SUFFIXES = (*LEGACY, ".keras")
LOCALLY_CONNECTED = ("LocallyConnected1D", "LocallyConnected2D")
REMOVED: dict[str, Any] = {  # arguments that some of Keras 3's layers lack: the value that means what Keras 3 does
    "groups": 1,
    "noise_shape": None,
    "query_shape": ...,
    "trainable": ...,
    "input_length": ...,  # any
    "kernel_constraint": None,  # this and the next two: of separable convolutions, which never used them
    "kernel_initializer": ...,
    "kernel_regularizer": None,
    "key_shape": ...,
    "ragged": False,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": ...,
    "rng_type": ...,
    "softmax_robust_masking": False,
    "fused": ...,
    "time_major": False,
    "value_shape": ...,
    "virtual_batch_size": None,
}


def load_keras_2(path: PathLike, custom_objects: dict[str, Any] | None = None) -> keras.Model:
    """Returns the model, with its weights, of a file that Keras 2 wrote: `.h5`, `.hdf5` or `.keras`, of `model.save`.

    Locally connected layers become kzoo's, with padding that is Keras 2's "same" where they have it. Other layers are
    Keras 3's of the same name, or those of `custom_objects`. The model is not compiled.
    Refuses damaged files, files of weights only, and layers that Keras 3 cannot express.

    >>> load_keras_2("weights.npz")
    Traceback (most recent call last):
    ...
    kzoo.checks.Refusal: load_keras_2 expects path, an existing .h5, .hdf5 or .keras file; received path='weights.npz'.
    """
    file = _file("load_keras_2", path)
    with _refusing(file, "a model"):
        with open_weights(file) as store:
            text = _config_of(file, store)
        config = _translated(json.loads(text), custom_objects or {})
        model = keras.saving.deserialize_keras_object(config, custom_objects=custom_objects)
        for layer in model._flatten_layers():
            if isinstance(layer, LocallyConnected):
                layer.pad_as_keras_2()
        _load(model, file)
    return model


def load_keras_2_weights(model: keras.Model, path: PathLike, by_name: bool = False) -> keras.Model:
    """Loads the weights of a file that Keras 2 wrote, of `model.save` or `model.save_weights`; returns the model.

    `by_name`: loads layers of the same name, from `.h5` and `.hdf5` files, instead of all layers in the file's order;
    other layers keep their weights. Weights of locally connected layers are converted to kzoo's layers.
    Refuses damaged files, weights that do not fit (none is loaded then), and `by_name` where no name is known.
    """
    file = _file("load_keras_2_weights", path)
    legacy = file.suffix != ".keras" and not str(file).endswith(".weights.h5")
    by_name = as_bool("load_keras_2_weights", by_name=by_name)
    require(legacy or not by_name, "load_keras_2_weights", "by_name with legacy .h5 files only", path=str(path))
    before = model.get_weights()
    try:
        with _refusing(file, "weights"):
            _load(model, file, by_name)
    except Refusal:
        model.set_weights(before)  # Keras loads the layers that fit
        raise
    return model


def _file(who, path):
    named = isinstance(path, (str, Path)) and str(path).endswith(SUFFIXES) and Path(path).is_file()
    require(named, who, "path, an existing .h5, .hdf5 or .keras file", path=path)
    return Path(path)


@contextlib.contextmanager
def _refusing(file, what):
    """Context manager: turns any exception, which a damaged file can raise, into a Refusal."""
    try:
        yield
    except Exception as error:
        raise Refusal(f"{file} cannot be loaded as {what} of Keras 2: {_cause(error)}") from error


def _cause(error):
    """Returns the message of the error within Keras's, which repeat the configs of all layers."""
    return one_line(str(error).rpartition("Exception encountered: ")[2] or error, 600)


def _config_of(file, store):
    """Returns the text of the model's config."""
    if file.suffix == ".keras":
        return zipfile.Path(file, "config.json").read_text()
    config = store.attrs.get("model_config")
    if config is None:
        raise ValueError("it has no model_config: it holds weights only, which load_keras_2_weights reads")
    return config


def _load(model, file, by_name=False):
    """Loads the weights of a file; those of locally connected layers are Keras 2's even where the shapes agree."""
    every = list(model._flatten_layers())
    local = [layer for layer in every if isinstance(layer, LocallyConnected)]
    for layer in local:
        layer.reads_keras_2 = True
    try:
        if str(file).endswith(LEGACY) and not str(file).endswith(".weights.h5"):
            with open_weights(file) as store:
                _load_legacy(model, store.get("model_weights", store), by_name)
            return
        # Keras 2 saved no seeds of dropout
        seeds = [value for layer in every for value in vars(layer).values() if isinstance(value, SeedGenerator)]
        with open_weights(file), tempfile.TemporaryDirectory() as folder:
            if file.suffix == ".keras":
                with zipfile.ZipFile(file) as archive:
                    file = archive.extract(MEMBER, folder)
            model.load_weights(file, objects_to_skip=seeds)
    finally:
        for layer in local:
            layer.reads_keras_2 = False


def _load_legacy(model, store, by_name):
    """Loads a legacy HDF5 file: layers in the file's order, or those of the same name; others keep their weights."""
    stored = {}
    for name in _names(store, "layer_names"):
        stored[name] = [np.asarray(store[name][part]) for part in _names(store[name], "weight_names")]
    wanted = [layer for layer in model.layers if layer.weights]
    pairs = [(layer, stored[layer.name]) for layer in wanted if layer.name in stored]
    if not by_name:
        arrays = [values for values in stored.values() if values]
        if len(arrays) != len(wanted):
            raise ValueError(f"it has {len(arrays)} layers with weights, the model {len(wanted)}")
        pairs = list(zip(wanted, arrays))
    if not pairs:
        raise ValueError(f"it has no weights for a layer of the model's names; its layers: {', '.join(stored)}")
    if "top_level_model_weights" in store and _names(store["top_level_model_weights"], "weight_names"):
        raise ValueError("it has weights of the model itself, outside its layers")
    found = [(layer, layer.trainable_weights + layer.non_trainable_weights, values) for layer, values in pairs]
    converted = [(layer, variables, own_values(layer, variables, values)) for layer, variables, values in found]
    for layer, variables, values in converted:
        ours, theirs = ([tuple(part.shape) for part in parts] for parts in (variables, values))
        if ours != theirs:
            raise ValueError(f"it has weights of shapes {theirs} for layer {layer.name}, which takes {ours}")
    for layer, variables, values in converted:
        for variable, value in zip(variables, values):
            variable.assign(value)
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def _names(group, attribute):
    """Returns the texts of an attribute, which HDF5 stores in numbered parts if it is long."""
    parts = [attribute] if attribute in group.attrs else []
    while parts[:1] != [attribute] and f"{attribute}{len(parts)}" in group.attrs:
        parts.append(f"{attribute}{len(parts)}")
    names = [name for part in parts for name in group.attrs[part]]
    return [name.decode() if isinstance(name, bytes) else name for name in names]


def _translated(value, custom):
    """Returns a config of Keras 2, or a part of one, in the terms of Keras 3 and kzoo; `custom`, names of classes."""
    if isinstance(value, list):
        return [_translated(part, custom) for part in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "Sequential":
        value = {**value, "config": _with_input(value["config"])}
    value = {key: _translated(part, custom) for key, part in value.items() if key != "compile_config"}
    name, config = value.get("class_name"), value.get("config")
    if not isinstance(name, str) or not isinstance(config, dict):
        return value
    if name == "Policy":  # of dtypes
        return config["name"]
    if name in custom:
        return {**value, "module": None, "registered_name": name}
    if name in LOCALLY_CONNECTED:
        return {**value, "module": None, "registered_name": f"kzoo>{name}", "config": _layer_config(BaseConv, config)}
    if name in ("Functional", "Model"):
        return {**value, "module": "keras.src.models.functional", "class_name": "Functional"}
    if name == "Sequential":
        return {**value, "module": "keras"}
    cls = getattr(keras.layers, name, None)
    if cls is None or value.get("module", "keras.layers") != "keras.layers":
        return value
    return {**value, "module": "keras.layers", "config": _layer_config(cls, config)}


def _with_input(config):
    """Returns the config of a Sequential model whose first layer is an InputLayer if it knew its input's shape."""
    first = config["layers"][0]["config"] if config.get("layers") else {}
    if "batch_input_shape" not in first or config["layers"][0]["class_name"] == "InputLayer":
        return config
    shape = {"batch_input_shape": first["batch_input_shape"], "dtype": first.get("dtype")}
    inputs = {"class_name": "InputLayer", "config": {**shape, "name": f"{first['name']}_input"}}
    return {**config, "layers": [inputs, *config["layers"]]}


def _layer_config(cls, config):
    """Returns the config of a layer without the arguments that its class no longer has."""
    kept = dict(config)
    shape = kept.pop("batch_input_shape", None)
    if cls is keras.layers.InputLayer and shape is not None:
        kept["batch_shape"] = shape
    if cls is keras.layers.LeakyReLU and "alpha" in kept:
        kept["negative_slope"] = kept.pop("alpha")
    known = {*inspect.signature(cls.__init__).parameters}
    known |= {*inspect.signature(keras.layers.Layer.__init__).parameters} if "kwargs" in known else set()
    for name, same in REMOVED.items():
        if name in kept and name not in known:
            require(
                same is ... or kept[name] == same, cls.__name__, f"{name}={same!r} in Keras 3", **{name: kept[name]}
            )
            del kept[name]
    if cls is keras.layers.BatchNormalization and isinstance(kept.get("axis"), list):
        (kept["axis"],) = kept["axis"]
    return kept
