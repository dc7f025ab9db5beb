"""Spatial sizes that only a running graph knows, and their checks.

A graph that was traced with unknown sizes has assertions in place of the checks. XLA drops assertions, so that a
function that XLA compiles after it was traced with unknown sizes checks none.
"""

import keras
import numpy as np
from keras import ops

from kzoo.checks import require
from kzoo.ops.xla import compiling

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
else:
    import jax

KNOWN = (bool, np.bool_)  # not by ops.is_tensor, which takes longer than all the checks of a small op
PENDING = "kzoo_size_checks"  # the collection of a graph's assertions for which nothing waits yet

__all__ = ()  # for other ops only


def shape_of(x):
    """Returns the shape of x (B, *spatial, C), with scalar tensors for spatial sizes that only the running graph knows.

    They are None if that graph cannot check them.
    """
    shape = tuple(x.shape)
    if None not in shape[1:-1] or not graphs_check():
        return shape
    return (shape[0], *ops.shape(x)[1:-1], shape[-1])


def sizes_of(x):
    """Returns the spatial sizes in `shape_of(x)`."""
    return shape_of(x)[1:-1]


def graphs_check():
    """Returns whether a graph that is being traced can hold assertions."""
    return keras.backend.backend() == "tensorflow" and not compiling()


def require_size(ok, who, expected, **received):
    """Does what `require` does; if `ok` is a tensor of a graph, when the graph runs, with the same message.

    expected: text, or a list of texts and sizes.
    """
    parts = expected if isinstance(expected, list) else [expected]
    if isinstance(ok, KNOWN):
        require(ok, who, "".join(map(str, parts)), **received)
        return
    tensors = []
    expected = "".join(part if isinstance(part, str) else _template(part, tensors) for part in parts)
    values = ", ".join(f"{name}={_template(value, tensors)}" for name, value in received.items())
    text = tf.strings.format(f"{who} expects {expected}; received {values}.", tensors)
    assertion = tf.debugging.Assert(ok, [text])
    if not tf.executing_eagerly():
        tf.compat.v1.add_to_collection(PENDING, assertion)


def known_tensor(x):
    """Returns x as a tensor whose values can be read within `outside_graphs`, or None if a graph computes them."""
    if keras.backend.backend() != "tensorflow":
        return None if isinstance(x, jax.core.Tracer) else x
    if tf.executing_eagerly():
        return x
    value = tf.get_static_value(x)
    if value is None or not tf.compat.v1.executing_eagerly_outside_functions():
        return None
    with outside_graphs():
        return tf.constant(value)


def outside_graphs():
    """Context manager: computes at once, also where a graph is being traced."""
    return tf.init_scope() if keras.backend.backend() == "tensorflow" else jax.ensure_compile_time_eval()


def after_checks(x):
    """Returns x; in a graph, what is computed from it waits for the assertions of `require_size` so far."""
    if keras.backend.backend() != "tensorflow" or tf.executing_eagerly():
        return x
    pending = tf.compat.v1.get_collection_ref(PENDING)
    if pending:
        with tf.control_dependencies(pending):
            x = tf.identity(x)
        pending.clear()
    return x


def require_pixels(who, shape):
    """Raises a ValueError if a spatial axis of a shape has no pixel. Unknown sizes are not checked."""
    good = every(n > 0 for n in shape[1:-1] if n is not None)
    require_size(good, who, "an input of at least 1 pixel on each axis", shape=tuple(shape))


def at_least(n, least):
    """Returns the maximum of an integer or scalar tensor and `least`."""
    return max(n, least) if isinstance(n, int) else ops.maximum(n, least)


def equal_sizes(a, b):
    """Returns whether sizes are equal; not as a == b, the identity of tensors in graphs of TensorFlow 1."""
    return a == b if isinstance(a, int) and isinstance(b, int) else ops.equal(a, b)


def every(conditions):
    """Returns whether all conditions hold: a bool, or a tensor where one is a tensor."""
    result = True
    for condition in conditions:
        if not isinstance(condition, KNOWN):
            result = condition if result is True else ops.logical_and(result, condition)
        elif not condition:
            return False
    return result


def _template(value, tensors):
    """Returns the text of a value with {} in place of each tensor, which it adds to `tensors`."""
    if ops.is_tensor(value):
        tensors.append(value)
        return "{}"
    if isinstance(value, (tuple, list)):
        parts = ", ".join(_template(part, tensors) for part in value)
        return f"({parts}{',' * (len(value) == 1)})" if isinstance(value, tuple) else f"[{parts}]"
    return repr(value)
