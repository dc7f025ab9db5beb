"""Checks that a graph holds only TensorFlow's own operations: none of XLA's, none that must be compiled by XLA."""

import tensorflow as tf

from kzoo.checks import Refusal

MARKS = ("_XlaMustCompile", "_XlaCompile")


def check_graph(graph, who="export"):
    """Raises Refusal if a `GraphDef` holds more than TensorFlow's own operations, and names what it holds.

    >>> check_graph(tf.function(lambda x: x + 1).get_concrete_function(1.0).graph.as_graph_def())
    """
    found = foreign_operations(graph)
    if found:
        raise Refusal(
            f"{who}: its graph holds {', '.join(found)}, which a SavedModel's users may not be able to run. "
            "They come from custom layers or from jit_compile=True; kzoo's layers have neither."
        )


def foreign_operations(graph):
    """Returns the sorted operations of a graph that are not TensorFlow's own, and whether XLA must compile a part."""
    known = {_normalize(name) for name in dir(tf.raw_ops)}
    known |= {_normalize(function.signature.name) for function in graph.library.function}
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    foreign = {node.op for node in nodes if node.op.startswith("Xla") or _normalize(node.op) not in known}
    marked = any(part.attr[mark].b for part in (*nodes, *graph.library.function) for mark in MARKS)
    return sorted(foreign | ({"a function that must be compiled by XLA"} if marked else set()))


def _normalize(name):
    return name.lower().replace("_", "")
