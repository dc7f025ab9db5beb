"""Spatial sizes that only a running graph knows, and their checks.

A graph that was traced with unknown sizes has assertions in place of the checks. XLA drops assertions; a function that
it compiles as a whole has reshapes next to them, which fail where an assertion would.
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
# collections of a graph's checks for which nothing waits yet
ASSERTIONS, CONDITIONS = "kzoo_assertions", "kzoo_size_conditions"

__all__ = ()  # for other ops only


def shape_of(x):
    """Returns the shape of x (B, *spatial, C), with scalar tensors for spatial sizes that only the running graph knows.

    On JAX they are None.
    """
    shape = tuple(x.shape)
    if None not in shape[1:-1] or keras.backend.backend() != "tensorflow":
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

    `ok` depends on sizes only: XLA refuses to compile the graph unless it is true.
    expected: text, or a list of texts and sizes.
    """
    if isinstance(ok, KNOWN):
        require(ok, who, "".join(map(str, expected if isinstance(expected, list) else [expected])), **received)
        return
    if not tf.executing_eagerly():
        tf.compat.v1.add_to_collection(CONDITIONS, (who, ok))
    if graphs_check():  # XLA has no texts
        require_values(ok, who, expected, **received)


def require_values(ok, who, expected, **received):
    """Does what `require_size` does, for a tensor that depends on values; not in a graph that XLA compiles."""
    tensors = []
    parts = expected if isinstance(expected, list) else [expected]
    expected = "".join(part if isinstance(part, str) else _template(part, tensors) for part in parts)
    values = ", ".join(f"{name}={_template(value, tensors)}" for name, value in received.items())
    text = tf.strings.format(f"{who} expects {expected}; received {values}.", tensors)
    assertion = tf.debugging.Assert(ok, [text])
    if not tf.executing_eagerly():
        tf.compat.v1.add_to_collection(ASSERTIONS, assertion)


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
    """Returns x; in a graph, what is computed from it waits for all checks so far."""
    if keras.backend.backend() != "tensorflow" or tf.executing_eagerly():
        return x
    assertions, conditions = map(tf.compat.v1.get_collection_ref, (ASSERTIONS, CONDITIONS))
    if assertions:
        with tf.control_dependencies(assertions):
            x = tf.identity(x)
    for who, ok in conditions:
        x = _reshape_if(ok, x, who)
    assertions.clear()
    conditions.clear()
    return x


def _reshape_if(ok, x, who):
    """Returns x reshaped to its own shape, or to one of more elements unless `ok`, which XLA refuses to compile."""
    with tf.name_scope(f"{who}_refuses_this_size"):
        shape = tf.shape(x)
        y = tf.reshape(x, tf.where(ok, shape, shape + 1))
    y.set_shape(x.shape)
    return y


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
