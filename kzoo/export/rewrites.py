"""Rewrites a model so that formats can represent it: no layer that only XLA runs, and float32 where it is required."""

import copy

from kzoo.layers.conv import Conv1D, Conv2D, Conv3D

CONV = {"Conv1D": Conv1D, "Conv2D": Conv2D, "Conv3D": Conv3D}  # kzoo's layers that compute what Keras's do
RANDOM_AT_INFERENCE = "RandomCrop"  # the only random layer that acts at inference
KERAS_LAYERS = "keras.layers"
FFT_LAYERS = "kzoo.layers.fft_conv"  # need complex numbers, which few formats have


def rewrite_for_export(model, float32=False):
    """Returns `model`, or a copy with the same weights and outputs whose layers more formats can represent.

    Keras computes grouped convolutions in a function that must be compiled by XLA; they become kzoo's. Random layers of
    Keras, which do nothing at inference, become identities. With `float32` every layer computes in float32, and
    convolutions by the Fourier transform become direct ones.

    >>> import keras
    >>> model = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Conv2D(2, 3, groups=2)])
    >>> type(rewrite_for_export(model).layers[0]).__module__
    'kzoo.layers.conv'
    """
    config = model.get_config()
    rewritten = _rewrite(copy.deepcopy(config), float32)
    if rewritten == config:
        return model
    clone = type(model).from_config(rewritten)
    clone.set_weights(model.get_weights())
    return clone


def _other_float(dtype):
    return dtype != "float32" and "float" in dtype


def _rewrite(part, float32):
    """Returns a config, or a part of it, with the rewrites."""
    if isinstance(part, (list, tuple)):
        return type(part)(_rewrite(one, float32) for one in part)
    if not isinstance(part, dict):
        return part
    name, config = part.get("class_name"), part.get("config")
    if part.get("module") == KERAS_LAYERS and isinstance(config, dict):
        if name.startswith("Random") and name != RANDOM_AT_INFERENCE:
            config = {key: config[key] for key in ("name", "trainable", "dtype") if key in config}
            part = {**part, "class_name": "Identity", "config": config}
        elif name in CONV and config.get("groups", 1) > 1 and config["padding"] != "causal":
            part = {**part, "module": CONV[name].__module__, "registered_name": f"kzoo>{name}"}
    if float32 and part.get("module") == FFT_LAYERS:
        direct = CONV[name.removeprefix("FFT")]
        part = {**part, "module": direct.__module__, "class_name": direct.__name__}
        part["registered_name"] = f"kzoo>{direct.__name__}"
    if float32 and name == "DTypePolicy" and _other_float(config["name"].split("_")[-1]):
        part = {**part, "config": {**config, "name": "float32"}}
    if float32 and isinstance(part.get("dtype"), str) and _other_float(part["dtype"]):
        part = {**part, "dtype": "float32"}
    return {key: _rewrite(value, float32) for key, value in part.items()}
