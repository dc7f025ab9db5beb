"""Converts the weights of keras.applications' models and of torchvision's state dicts to kzoo's models.

Names are those of keras.applications 3.15 and of torchvision 0.20's alexnet, vgg, googlenet and resnet.
"""

import contextlib
import functools
import re
import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers

from kzoo.checks import Refusal, as_bool, nearest, require
from kzoo.models import registry
from kzoo.models.weights import Tag, add_tag, download_failed
from kzoo.types import Shape

__all__ = ["from_keras_applications", "from_torch_state_dict"]

APPLICATIONS = {"vgg16": "VGG16", "vgg19": "VGG19"} | {f"resnet{n}": f"ResNet{n}" for n in (50, 101, 152)}
TOPS = {"fc1", "fc2", "predictions"}  # layers that keras.applications leaves out with include_top=False
EPSILON = 1.001e-5  # of the batch norms of Keras's ResNets
VGGS = tuple(f"vgg{n}{norms}" for norms in ("", "_bn") for n in (11, 13, 16, 19))
RESNETS = ("resnet18", "resnet34", *list(APPLICATIONS)[2:])
POOLED_SIZES = {"alexnet_torchvision": 6, **dict.fromkeys(VGGS, 7)}  # rows of the maps before the dense layers
TORCHVISION = ("alexnet_torchvision", *VGGS, "googlenet_torchvision", *RESNETS)
BRANCHES = {  # of torchvision's inception blocks
    "branch1": "1x1",
    "branch2.0": "3x3_reduce",
    "branch2.1": "3x3",
    "branch3.0": "5x5_reduce",
    "branch3.1": "5x5",
    "branch4.1": "pool_project",
}
BLOCKS = {f"4{letter}": f"stage4_block{number}" for number, letter in enumerate("abcd", start=1)}
BLOCKS |= {"3a": "stage3_block1", "3b": "stage3", "4e": "stage4", "5a": "stage5_block1", "5b": "stage5"}
UNUSED = re.compile(r"aux\d\.|.*\.num_batches_tracked$")  # auxiliary heads, and counts of steps
HOLDERS = ("state_dict", "model_state_dict", "model")  # of state dicts in checkpoints
POOLINGS = {layers.GlobalAveragePooling2D: "avg", layers.GlobalMaxPooling2D: "max"}
SHOWN = 3  # names in one message


def from_keras_applications(
    model: keras.Model, input_shape: Shape | None = None, average_channels: bool = False
) -> keras.Model:
    """Returns kzoo's model with the weights of a `keras.applications` VGG16, VGG19, ResNet50, ResNet101 or ResNet152.

    `model`: under the name that Keras gives it, of any input size and number of classes, with or without the top, with
    its pooling. `input_shape`: by default that of `model`. `average_channels`: see `from_torch_state_dict`.
    Biases before batch norms, which kzoo's ResNets lack, are subtracted from the norms' means.
    Refuses other models, naming the nearest, and weights that do not fit.
    """
    require(model.name in APPLICATIONS, "from_keras_applications", nearest(model.name, APPLICATIONS), name=model.name)
    top = next((layer for layer in model.layers if layer.name == "predictions"), None)
    pooling = next((name for cls, name in POOLINGS.items() if isinstance(model.layers[-1], cls)), None)
    more: dict[str, Any] = {"include_top": False, "pooling": pooling}
    if top:
        more = {"classes": top.units, "classifier_activation": top.activation}
    shape = tuple(model.input_shape[1:]) if input_shape is None else input_shape
    ours = registry.model(model.name, input_shape=shape, **more, **_settings(model.name))
    return _copy_application(ours, model, average_channels)


def from_torch_state_dict(
    name: str, state_dict: Mapping[str, Any], average_channels: bool = False, **settings: Any
) -> keras.Model:
    """Returns kzoo's model `name` with the weights of a torchvision model's `state_dict()`, tensors or NumPy arrays.

    `name`: "alexnet_torchvision", "vgg11", "vgg13", "vgg16", "vgg19" and, with batch norms, "vgg11_bn" ...,
    "googlenet_torchvision", or "resnet18" ... "resnet152". They are built as torchvision's are: ResNets with
    `stride_on="3x3"` and momentum 0.9; AlexNet and VGGs for any `input_shape`, with `average_to`.
    `state_dict`: also a checkpoint that holds one as "state_dict", "model_state_dict" or "model", and one whose keys
    share a prefix, such as "module." or "model.", of which a warning is given. Without the classifier, or of
    `model.features`, the model has `include_top=False`; with `include_top=False` any classifier is ignored.
    `average_channels`: for inputs of another number of channels than the weights', such as grey images or optical flow:
    each channel gets the mean of the first kernel's channels, scaled so that their sum stays.
    `settings`: as `kzoo.model` takes them, such as `classifier_activation=None` for torchvision's logits.
    GoogLeNet's auxiliary classifiers are ignored. Whether it transforms its input is not in a state dict: torchvision's
    own weights need `transform_input=True`. Refuses a state dict of another model: names the keys that do not fit, and
    the models that they would fit.
    """
    who = "from_torch_state_dict"
    require(name in TORCHVISION, who, nearest(name, TORCHVISION), name=name)
    parts, names = _torch_parts(who, name, state_dict), _torch_names(name)
    if settings.get("include_top") is False:
        parts = {prefix: arrays for prefix, arrays in parts.items() if not _is_top(prefix)}
    given = {prefix for prefix, arrays in parts.items() if "weight" in arrays}
    if given == _backbone(names):
        settings = {"include_top": False, **settings}
    top = settings.get("include_top", True)
    wanted = names.keys() if top else _backbone(names)
    if given != wanted:
        wrong = [f"it has no weight of {_some(wanted - given)}"] if wanted - given else []
        wrong += [f"{name} has no {_some(given - wanted)}"] if given - wanted else []
        raise Refusal(f"{who}: the state dict is not {name}'s: {'; '.join(wrong)}; {_fitting(given)}.")
    known = {label: prefix for prefix, label in names.items()}
    if top:
        settings = {"classes": len(parts[known["predictions"]]["weight"]), **settings}
    ours = registry.model(name, **{**_torch_settings(name, names, parts), **settings})
    flat = next((layer for layer in ours.layers if isinstance(layer, layers.Flatten)), None)
    for number, layer in enumerate(layer for layer in ours.layers if layer.weights):
        require(layer.name in known, who, "settings of torchvision's layers", layer=layer.name)
        prefix = known[layer.name]
        values = _keras_order(layer, parts[prefix])
        if flat and isinstance(layer, layers.Dense):
            values[0], flat = _channels_last(values[0], flat.input.shape[1:]), None
        _assign(f"{who}: {prefix}", layer, values, average_channels, first=number == 0)
    return ours


def _torch_parts(who, name, state_dict):
    """Returns {prefix: {"weight", "bias" ...: array}} of a state dict, or of the one that a checkpoint holds."""
    inner = state_dict
    while isinstance(inner, Mapping) and (keys := [key for key in HOLDERS if isinstance(inner.get(key), Mapping)]):
        inner = inner[keys[0]]
    require(isinstance(inner, Mapping), who, "state_dict, a dict of arrays", state_dict=type(inner).__name__)
    known = {prefix.partition(".")[0] for prefix in _torch_names(name)}
    start = _shared_prefix(map(str, inner), known)
    if start:
        warnings.warn(f"{who}: removed the prefix {start!r} of all keys of the state dict.", stacklevel=3)
    parts: dict[str, dict[str, np.ndarray]] = {}
    for full, value in inner.items():
        key = str(full).removeprefix(start)
        key = f"features.{key}" if key[:1].isdigit() else key  # of `model.features` of AlexNet or VGG
        prefix, _, part = key.rpartition(".")
        if not UNUSED.match(key):
            parts.setdefault(prefix, {})[part] = _array(who, key, value)
    return parts


def _shared_prefix(keys, known):
    """Returns what all keys start with, up to the first of their parts that differ or are `known`.

    >>> _shared_prefix(["module.model.conv1.weight", "module.model.fc.weight"], {"conv1", "fc"})
    'module.model.'
    """
    shared = []
    for parts in zip(*(key.split(".")[:-1] for key in keys)):
        if len(set(parts)) > 1 or parts[0] in known:
            return "".join(f"{part}." for part in shared)
        shared.append(parts[0])
    return ""


def _fitting(given):
    """Returns the models whose layers are those of the prefixes `given`, as words of a message."""
    names = {name: _torch_names(name) for name in TORCHVISION}
    fitting = [name for name in names if given == names[name].keys()]
    fitting += [f"{name} with include_top=False" for name in names if given == _backbone(names[name])]
    return f"it fits {' and '.join(fitting)}" if fitting else "it fits none of " + ", ".join(TORCHVISION)


def _is_top(prefix):
    return prefix.partition(".")[0] in ("fc", "classifier")


def _backbone(names):
    """Returns the prefixes of torchvision's keys that are not those of the classifier."""
    return {prefix for prefix in names if not _is_top(prefix)}


def _settings(name):
    """Returns the settings with which a variant equals the one of keras.applications."""
    return {"epsilon": EPSILON} if name in RESNETS else {}


def _open_imagenet(name, names):
    """Returns a context manager that yields the weights that keras.applications downloads, with the top if needed."""
    try:
        top = not TOPS.isdisjoint(names)
        theirs = getattr(keras.applications, APPLICATIONS[name])(weights="imagenet", include_top=top)
    except Exception as error:  # Keras raises a bare Exception without a network
        raise download_failed(name, "imagenet", error) from error
    return contextlib.nullcontext(_application_weights(theirs))


for _name in APPLICATIONS:
    add_tag(_name, "imagenet", Tag(functools.partial(_open_imagenet, _name), _settings(_name)))


def _application_weights(model):
    """Returns {kzoo's layer: arrays} of keras.applications' model, without the biases before batch norms."""
    found = {layer.name: [np.array(weight) for weight in layer.weights] for layer in model.layers if layer.weights}
    for norm in [name for name in found if name.endswith("_bn")]:
        conv = norm.removesuffix("_bn") + "_conv"
        kernel, bias = found[conv]
        found[conv], found[norm][2] = [kernel], found[norm][2] - bias
    return {_of_application(name): values for name, values in found.items()}


def _copy_application(ours, theirs, average_channels=False):
    """Copies the weights of keras.applications' model `theirs`; returns `ours`."""
    sources = _application_weights(theirs)
    for number, layer in enumerate(layer for layer in ours.layers if layer.weights):
        if layer.name not in sources:
            raise Refusal(f"from_keras_applications: {theirs.name} has no layer for {layer.name}.")
        _assign("from_keras_applications: it", layer, sources.pop(layer.name), average_channels, first=number == 0)
    if sources:
        raise Refusal(f"from_keras_applications: no layer of {ours.name} takes {', '.join(sorted(sources))}.")
    return ours


def _of_application(name):
    """Returns kzoo's name of a layer.

    >>> [_of_application(name) for name in ("block1_conv1", "conv2_block1_1_bn", "conv1_conv")]
    ['stage1_conv1', 'stage2_block1_norm1', 'stage1_conv']
    """
    name = re.sub(r"^block(\d)_conv", r"stage\1_conv", name)
    name = re.sub(r"^conv(\d)_block(\d+)_(\d)_(conv|bn)$", r"stage\1_block\2_\4\3", name)
    return re.sub(r"^conv1_(conv|bn)$", r"stage1_\1", name).replace("_bn", "_norm")


def _torch_names(name):
    """Returns {prefix of torchvision's keys: kzoo's layer} of a variant."""
    settings = registry.describe(name)["settings"]
    if name in RESNETS:
        return {"conv1": "stage1_conv", "bn1": "stage1_norm", "fc": "predictions"} | _residual(**settings)
    if name == "googlenet_torchvision":
        convs = {"conv1": "stage1_conv", "conv2": "stage2_conv1", "conv3": "stage2_conv2"}
        for block, label in BLOCKS.items():
            convs |= {f"inception{block}.{branch}": f"{label}_{ours}" for branch, ours in BRANCHES.items()}
        norms = {f"{prefix}.bn": f"{label}_norm" for prefix, label in convs.items()}
        return {f"{prefix}.conv": label for prefix, label in convs.items()} | norms | {"fc": "predictions"}
    if name in VGGS:
        heads, index, convs = ("fc1", "fc2"), 0, {}
        for stage, count in enumerate(settings["convolutions"], start=1):
            for conv in range(1, count + 1):
                convs[f"features.{index}"] = f"stage{stage}_conv{conv}"
                if settings["batch_norm"]:
                    index += 1
                    convs[f"features.{index}"] = f"stage{stage}_norm{conv}"
                index += 2  # a ReLU after each
            index += 1  # a pool after the stage
        dense = (0, 3, 6)
    else:
        heads, dense = ("fc6", "fc7"), (1, 4, 6)
        labels = ("stage1_conv", "stage2_conv", "stage3", "stage4", "stage5_conv")
        convs = {f"features.{index}": label for index, label in zip((0, 3, 6, 8, 10), labels)}
    return convs | {f"classifier.{index}": label for index, label in zip(dense, (*heads, "predictions"))}


def _torch_settings(name, names, parts):
    """Returns the settings with which a variant equals torchvision's whose arrays are `parts`."""
    if name in RESNETS:
        return {"stride_on": "3x3", "momentum": 0.9}
    if name not in POOLED_SIZES:
        return {}
    size, last = POOLED_SIZES[name], [prefix for prefix in names if not _is_top(prefix)][-1]
    first = next((prefix for prefix in names if _is_top(prefix) and prefix in parts), last)
    pooled = parts[first]["weight"].shape[1:] == tuple(size**2 * n for n in parts[last]["weight"].shape[:1])
    return {"average_to": size if pooled else None}


def _residual(blocks, bottleneck, **_):
    """Returns the names of the convolutions and batch norms of residual blocks."""
    names = {}
    for stage, count in enumerate(blocks, start=1):
        for block in range(count):
            theirs, ours = f"layer{stage}.{block}", f"stage{stage + 1}_block{block + 1}"
            for n in (1, 2, 3)[: 2 + bottleneck]:
                names |= {f"{theirs}.conv{n}": f"{ours}_conv{n}", f"{theirs}.bn{n}": f"{ours}_norm{n}"}
            if block == 0 and (bottleneck or stage > 1):  # the shape changes
                names |= {f"{theirs}.downsample.0": f"{ours}_conv0", f"{theirs}.downsample.1": f"{ours}_norm0"}
    return names


def _some(prefixes):
    """Returns the first of some keys, in order of their numbers, as text."""
    found = sorted(prefixes, key=lambda prefix: re.sub(r"\d+", lambda n: n[0].zfill(3), prefix))
    return ", ".join(found[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")


def _keras_order(layer, parts):
    """Returns a torch layer's arrays in Keras's order and layout."""
    if isinstance(layer, layers.BatchNormalization):
        return [parts[key] for key in ("weight", "bias", "running_mean", "running_var") if key in parts]
    kernel, *bias = (parts[key] for key in ("weight", "bias") if key in parts)
    return [kernel.transpose(*range(2, kernel.ndim), 1, 0) if kernel.ndim > 1 else kernel, *bias]


def _channels_last(kernel, shape):
    """Returns the kernel of a dense layer after maps (H, W, C) that torch flattens channels first."""
    height, width, channels = shape
    if len(kernel) != height * width * channels:
        return kernel  # `_assign` refuses its shape
    units = kernel.shape[-1]
    return kernel.reshape(channels, height, width, units).transpose(1, 2, 0, 3).reshape(-1, units)


def _array(who, key, value):
    """Returns an array or a torch tensor, on any device, as a NumPy array of a dtype that NumPy itself has."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    array = np.asarray(value)
    require("float" in array.dtype.name or array.dtype.kind in "iu", who, "state_dict, numbers", **{key: value})
    return array if array.dtype.kind in "fiu" else array.astype("float32")  # bfloat16 and smaller


def _assign(who, layer, values, average_channels, first):
    """Sets the weights of a layer; `first`: of the model, with the kernel that reads the channels of the input."""
    wanted = [tuple(weight.shape) for weight in layer.weights]
    hint, channels = "", wanted[0][-2] if first else None
    if first and values[0].ndim == len(wanted[0]) and values[0].shape[-2] != channels:
        if as_bool(who, average_channels=average_channels):
            values = [np.repeat(values[0].sum(-2, keepdims=True) / channels, channels, -2), *values[1:]]
        hint = ", which average_channels=True fits to other channels"
    shapes = [value.shape for value in values]
    if shapes != wanted:
        raise Refusal(f"{who} has weights of shapes {shapes}{hint}; layer {layer.name} takes {wanted}.")
    layer.set_weights(values)
