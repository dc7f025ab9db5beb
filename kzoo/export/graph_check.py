"""Graphs that any TensorFlow runs: no operation of XLA's, no function that must be compiled, no operation of one's own.

Source: none.
"""

import tensorflow as tf

from kzoo.checks import Refusal

MARKS = ("_XlaMustCompile", "_XlaCompile")


def check_plain(graph, who="export"):
    """Refuse a `GraphDef` that holds more than TensorFlow's own operations.

    Errors: Refusal that names what it holds.

    >>> check_plain(tf.function(lambda x: x + 1).get_concrete_function(1.0).graph.as_graph_def())
    """
    found = strange(graph)
    if found:
        raise Refusal(
            f"{who}: its graph holds {', '.join(found)}, which a SavedModel's users may not be able to run; "
            "kzoo's layers leave none, nor do functions without jit_compile=True."
        )


def strange(graph):
    """What a graph holds that only XLA or only this process can run, sorted."""
    known = {_spelled(name) for name in dir(tf.raw_ops)} | {_spelled(f.signature.name) for f in graph.library.function}
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    odd = {node.op for node in nodes if node.op.startswith("Xla") or _spelled(node.op) not in known}
    marked = [mark for thing in (*nodes, *graph.library.function) for mark in MARKS if thing.attr[mark].b]
    return sorted(odd | {"a function that must be compiled by XLA" for _ in marked})


def _spelled(name):
    return name.lower().replace("_", "")
