"""A net as other programs can have it: without what XLA alone runs, in float32 where a format knows nothing else.

Source: none; what each format refuses was measured.
"""

import copy

from kzoo.layers.conv import Conv1D, Conv2D, Conv3D

GROUPED = {"Conv1D": Conv1D, "Conv2D": Conv2D, "Conv3D": Conv3D}  # Keras's, by kzoo's that do the same
CROPS = "RandomCrop"  # does something at inference too
LAYERS = "keras.layers"
TRANSFORMED = "kzoo.layers.fft_conv"  # computed by complex numbers, which few formats have


def portable(net, float32=False):
    """`net` itself, or if need be a copy with its weights whose layers every format can carry.

    Keras's grouped convolutions, which leave a function that only XLA runs, become kzoo's; its random layers, which do
    nothing at inference, become identities; with `float32` every layer computes in float32, and convolutions by the
    Fourier transform are direct ones.
    >>> import keras
    >>> net = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Conv2D(2, 3, groups=2)])
    >>> type(portable(net).layers[0]).__module__
    'kzoo.layers.conv'
    """
    config = net.get_config()
    changed = _changed(copy.deepcopy(config), float32)
    if changed == config:
        return net
    clone = type(net).from_config(changed)
    clone.set_weights(net.get_weights())
    return clone


def _low(dtype):
    return dtype != "float32" and "float" in dtype


def _changed(part, float32):
    """The config, or a part of it, as it is to be."""
    if isinstance(part, (list, tuple)):
        return type(part)(_changed(one, float32) for one in part)
    if not isinstance(part, dict):
        return part
    name, config = part.get("class_name"), part.get("config")
    if part.get("module") == LAYERS and isinstance(config, dict):
        if name.startswith("Random") and name != CROPS:
            config = {key: config[key] for key in ("name", "trainable", "dtype") if key in config}
            part = {**part, "class_name": "Identity", "config": config}
        elif name in GROUPED and config.get("groups", 1) > 1 and config["padding"] != "causal":
            part = {**part, "module": GROUPED[name].__module__, "registered_name": f"kzoo>{name}"}
    if float32 and part.get("module") == TRANSFORMED:
        direct = GROUPED[name.removeprefix("FFT")]
        part = {**part, "module": direct.__module__, "class_name": direct.__name__}
        part["registered_name"] = f"kzoo>{direct.__name__}"
    if float32 and name == "DTypePolicy":
        part = {**part, "config": {**config, "name": "float32"}} if _low(config["name"].split("_")[-1]) else part
    if float32 and isinstance(part.get("dtype"), str) and _low(part["dtype"]):
        part = {**part, "dtype": "float32"}
    return {key: _changed(value, float32) for key, value in part.items()}
