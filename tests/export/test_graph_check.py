"""Graphs of TensorFlow's own operations pass; XLA's, functions that must be compiled, and foreign ones do not."""

import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.export.graph_check import check_graph, foreign_operations

X = tf.TensorSpec((None, 3))


def graph(fn):
    return tf.function(fn).get_concrete_function(X).graph.as_graph_def()


def test_functions_within_functions_are_fine():
    inner = tf.function(lambda x: tf.nn.relu(x) + 1)
    assert foreign_operations(graph(lambda x: tf.map_fn(inner, inner(x)))) == []


def test_compiled_functions_are_refused():
    inner = tf.function(lambda x: x + 1, jit_compile=True)
    with pytest.raises(Refusal, match="^export of it: its graph holds a function that must be compiled by XLA, which"):
        check_graph(graph(inner), "export of it")
    outer = tf.function(lambda x: 2 * inner(x))  # also when nested
    assert foreign_operations(graph(outer)) == ["a function that must be compiled by XLA"]


@pytest.mark.parametrize("op", ["XlaDot", "MyOwnOp"])
def test_other_operations_are_refused(op):
    found = graph(lambda x: x + 1)
    found.node.add(name="odd", op=op)
    assert foreign_operations(found) == [op]
