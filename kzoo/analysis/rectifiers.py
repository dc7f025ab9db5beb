"""Rectifiers of a model whose gradient follows a rule: that of guided backpropagation or of a deconvolutional network.

Source: Zeiler & Fergus 2014, arXiv:1311.2901 ("deconvnet"); Springenberg et al. 2015, arXiv:1412.6806 ("guided");
Simonyan, Vedaldi & Zisserman 2014, arXiv:1312.6034 ("gradient").
"""

import contextlib
from collections.abc import Callable, Hashable
from typing import Any

import keras
from keras import activations, layers, ops

from kzoo.analysis.walk import Visit, activation_replaced, compute, operation_type
from kzoo.checks import require
from kzoo.layers.max_pooling import MaxPooling
from kzoo.ops.max_pool_with_argmax import max_pool_with_argmax
from kzoo.types import Tensor

RULES = ("deconvnet", "guided", "gradient")
REVIVED = "revived"  # the rule of `revived`, of no use for projections
GLOBAL_POOLS = (layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D)
POOLS = (MaxPooling, layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D, *GLOBAL_POOLS)


def ruled(who: str, rule: str, passed: set[Hashable]) -> Visit:
    """Returns a visit that computes a model's outputs unchanged, and whose rectifiers pass gradients on by a rule.

    rule: "gradient" is the plain one; "guided" also sets negative gradients to 0; "deconvnet" sets negative ones to 0
    and passes the others whatever the rectifier's input was, and its max pools pass all to the first maximum of a
    window. `passed` receives one entry for each call of a rectifier that a gradient passes.

    Rectifiers are `keras.layers.ReLU`, `keras.ops.relu` and `relu6`, and these and `tf.nn.relu` as activations of
    layers, also of layers inside a layer. Leaky ones are none. ValueError for a layer, other than a model, with a ReLU
    layer inside.
    """
    require(rule in RULES, who, f"rule, one of {', '.join(RULES)}", rule=rule)
    return _visit(who, rule, passed)


def revived(who: str) -> Visit:
    """Returns a visit that computes a model's outputs unchanged, with gradients where all units of a rectifier are 0.

    There, of the gradients of an example those that raise an output pass the rectifier. An input that maximises a unit
    can so be found from one where the unit is 0. Rectifiers and errors are those of `ruled`.
    Source: Olah, Mordvintsev & Schubert 2017, "Feature visualization", Distill, whose program has such a rule.
    """
    return _visit(who, REVIVED, set())


def _visit(who: str, rule: str, passed: set[Hashable]) -> Visit:
    number = 0

    def visit(path: str, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        nonlocal number
        number += 1
        x = keras.tree.flatten((args, kwargs))[0]
        if is_rectifier(operation):
            return _pass_by_rule(rule, passed, number, x, compute(path, operation, args, kwargs))
        if rule == "deconvnet" and isinstance(operation, (*POOLS, _max_pool_operation())):
            return _max_pool(operation, x)
        with contextlib.ExitStack() as stack:
            for index, layer in enumerate(_rectified_layers(who, path, operation)):
                activation = _ruled_activation(rule, passed, (number, index), layer.activation)
                stack.enter_context(activation_replaced(layer, activation))
            return compute(path, operation, args, kwargs)

    return visit


def is_rectifier(operation: Any) -> bool:
    """Returns whether a layer, operation or activation is max(x, 0), perhaps limited from above.

    >>> is_rectifier(keras.layers.ReLU(max_value=6)), is_rectifier(keras.layers.ReLU(negative_slope=0.1))
    (True, False)
    """
    import tensorflow as tf

    if operation in (activations.relu, activations.relu6, ops.relu, ops.relu6, tf.nn.relu, tf.nn.relu6):
        return True
    if isinstance(operation, (layers.ReLU, operation_type(activations.relu))):
        return not getattr(operation, "negative_slope", None)
    return isinstance(operation, (operation_type(ops.relu), operation_type(ops.relu6)))


def _rectified_layers(who: str, path: str, operation: Any) -> list[Any]:
    """Returns the layer, and the layers inside it, whose activation is a rectifier."""
    if not isinstance(operation, layers.Layer):
        return []
    parts = operation._flatten_layers()  # the only list that has the layers inside wrappers and cells
    # recurrent layers name the activation of their cell, which is one of the parts
    settable = [part for part in parts if not isinstance(getattr(type(part), "activation", None), property)]
    found = [part for part in settable if is_rectifier(getattr(part, "activation", None))]
    handled = {id(part.activation) for part in found}
    inside = [part.name for part in parts if is_rectifier(part) and id(part) not in handled]
    require(not inside, who, "ReLU layers that are layers of a model, not inside a layer", layer=path, inside=inside)
    return found


def _ruled_activation(rule: str, passed: set[Hashable], key: Hashable, activation: Any) -> Callable[[Tensor], Tensor]:
    return lambda x: _pass_by_rule(rule, passed, key, x, activation(x))


def _pass_by_rule(rule: str, passed: set[Hashable], key: Hashable, x: Tensor, y: Tensor) -> Tensor:
    """Returns y, a rectifier's output for x. Its gradient goes through the rectifier, or past it straight to x."""

    @ops.custom_gradient
    def output(x, y):
        def backward(slope):
            passed.add(key)
            if rule == REVIVED:
                zero = tuple(range(1, len(slope.shape)))
                dead = ops.all(ops.equal(ops.where(y > 0, slope, 0), 0), axis=zero, keepdims=True)
                return ops.where(dead, ops.relu(slope), 0), slope
            slope = slope if rule == "gradient" else ops.relu(slope)
            nothing = ops.zeros_like(slope)
            return (slope, nothing) if rule == "deconvnet" else (nothing, slope)

        return y, backward

    return output(x, y)


def _max_pool_operation() -> type:
    return type(ops.max_pool(keras.KerasTensor((None, 2, 1)), 2)._keras_history[0])


def _max_pool(operation: Any, x: Tensor) -> Tensor:
    """Returns what a max pool does, by kzoo's op: TensorFlow's passes gradients to several equal maxima in 3D."""
    first = (operation.data_format or keras.config.image_data_format()) == "channels_first"
    x = ops.moveaxis(x, 1, -1) if first else x
    if isinstance(operation, GLOBAL_POOLS):
        y, _ = max_pool_with_argmax(x, tuple(x.shape[1:-1]))
        y = y if operation.keepdims else ops.reshape(y, (-1, x.shape[-1]))
    elif isinstance(operation, MaxPooling):
        y, _ = max_pool_with_argmax(x, **operation.geometry)
    else:
        y, _ = max_pool_with_argmax(x, operation.pool_size, operation.strides, operation.padding)
    return ops.moveaxis(y, -1, 1) if first and len(y.shape) > 2 else y
