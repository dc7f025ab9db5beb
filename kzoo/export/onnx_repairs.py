"""Repairs of ONNX graphs that ONNX Runtime refuses or computes wrongly.

Both faults were seen with tf2onnx 1.17 and ONNX Runtime 1.32.
"""

from onnx import helper


def repair(graph):
    """Applies both repairs below to an ONNX `GraphProto`, in place."""
    explicit_pads(graph)
    where_nodes(graph)


def explicit_pads(graph):
    """Writes the padding of convolutions without strides as numbers: ONNX Runtime lacks "same" with dilations.

    >>> weight = helper.make_tensor("w", 1, (1, 1, 3), [1.0, 1.0, 1.0])
    >>> node = helper.make_node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", dilations=[2], strides=[1])
    >>> graph = helper.make_graph([node], "graph", [], [], [weight])
    >>> explicit_pads(graph)
    >>> next(list(a.ints) for a in graph.node[0].attribute if a.name == "pads")
    [2, 2]
    """
    kernels = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        known = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        same = str(known.get("auto_pad", b""), "ascii").startswith("SAME")
        size = known.get("kernel_shape") or kernels.get(node.input[1] if len(node.input) > 1 else None, [])[2:]
        if node.op_type != "Conv" or not same or not size or max(known.get("strides", [1])) > 1:
            continue
        total = [(k - 1) * d for k, d in zip(size, known.get("dilations", [1] * len(size)))]
        less, more = [n // 2 for n in total], [n - n // 2 for n in total]
        before, after = (less, more) if known["auto_pad"] == b"SAME_UPPER" else (more, less)
        kept = [a for a in node.attribute if a.name not in ("auto_pad", "pads")]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute("pads", before + after)])


def where_nodes(graph):
    """Replaces cond * a + (not cond) * b, which is NaN where the value not chosen is infinite, by Where(cond, a, b).

    >>> names = [("Not", "c", "n"), ("Cast", "c", "one"), ("Cast", "n", "two")]
    >>> nodes = [helper.make_node(op, [x], [y]) for op, x, y in names]
    >>> nodes += [helper.make_node("Mul", ["one", "a"], ["p"]), helper.make_node("Mul", ["b", "two"], ["q"])]
    >>> nodes += [helper.make_node("Add", ["p", "q"], ["y"])]
    >>> graph = helper.make_graph(nodes, "graph", [], [helper.make_tensor_value_info("y", 1, [3])])
    >>> where_nodes(graph)
    >>> [(node.op_type, list(node.input)) for node in graph.node]
    [('Where', ['c', 'a', 'b'])]
    """
    makers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        factors = [_condition(makers, name) for name in node.input] if node.op_type == "Add" else []
        for (yes, a), (no, b) in zip(factors, reversed(factors)):
            opposite = makers.get(no)
            if yes and opposite is not None and opposite.op_type == "Not" and opposite.input[0] == yes:
                node.op_type = "Where"
                node.input[:] = [yes, a, b]
                break
    _drop_unused(graph)


def _condition(makers, name):
    """Returns (condition, value) if `name` is a value times a cast condition, otherwise (None, None)."""
    product = makers.get(name)
    for index, factor in enumerate(product.input if product is not None and product.op_type == "Mul" else ()):
        cast = makers.get(factor)
        if cast is not None and cast.op_type == "Cast":
            return cast.input[0], product.input[1 - index]
    return None, None


def _drop_unused(graph):
    """Removes nodes whose outputs are not used. ONNX sorts nodes topologically."""
    used, kept = {output.name for output in graph.output}, []
    for node in reversed(graph.node):
        if used & set(node.output):
            kept.append(node)
            used |= _inputs(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))


def _inputs(node):
    """Returns the names of a node's inputs, including those in the graphs of its loops and branches."""
    inner = (one for a in node.attribute for one in [*a.graphs, *([a.g] if a.HasField("g") else [])])
    return {*node.input, *(name for graph in inner for one in graph.node for name in _inputs(one))}
