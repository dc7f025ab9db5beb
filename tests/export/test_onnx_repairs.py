"""Graphs that ONNX Runtime refuses, or computes as NaN, without the repairs."""

import keras
import numpy as np
import pytest
from onnx import helper

from kzoo import layers
from kzoo.export.formats.onnx import FORMAT
from kzoo.export.onnx_repairs import explicit_pads, where_nodes


@pytest.mark.parametrize("size", [3, 4])
def test_dilations_at_unknown_sizes(size, tmp_path):
    x = keras.Input((None, None, 16), name="input")
    same = {"padding": "same", "dilation_rate": (2, 3), "bias_initializer": "ones"}
    model = keras.Model(x, layers.Conv2D(16, size, **same)(x))  # the width of ONNX Runtime's vectorized convolution
    FORMAT.write(model, tmp_path / "it.onnx")
    _, run = FORMAT.open(tmp_path / "it.onnx")
    for height in (9, 12):
        data = np.random.default_rng(0).normal(size=(2, height, 8, 16)).astype("float32")
        np.testing.assert_allclose(run({"input": data})[0], model(data), atol=1e-5)


def test_infinity_is_not_multiplied_by_0(tmp_path):
    x = keras.Input((4,), name="input")
    model = keras.Model(x, keras.ops.where(x > 0, keras.ops.log(keras.ops.relu(x)), x))
    FORMAT.write(model, tmp_path / "it.onnx")
    _, run = FORMAT.open(tmp_path / "it.onnx")
    data = np.float32([[-1, 0, 1, 2]])
    np.testing.assert_allclose(run({"input": data})[0], np.float32([[-1, 0, 0, np.log(2)]]), rtol=1e-6)


@pytest.mark.parametrize("mode, pads", [("SAME_UPPER", [1, 4, 2, 5]), ("SAME_LOWER", [2, 5, 1, 4])])
def test_odd_pads_go_to_their_side(mode, pads):
    more = {"auto_pad": mode, "kernel_shape": [4, 4], "dilations": [1, 3], "strides": [1, 1]}
    graph = helper.make_graph([helper.make_node("Conv", ["x", "w"], ["y"], **more)], "graph", [], [])
    explicit_pads(graph)
    known = {a.name: helper.get_attribute_value(a) for a in graph.node[0].attribute}
    assert known["pads"] == pads and "auto_pad" not in known and known["dilations"] == [1, 3]


def test_strides_keep_their_same():
    node = helper.make_node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", kernel_shape=[3], strides=[2])
    graph = helper.make_graph([node], "graph", [], [])
    explicit_pads(graph)
    assert graph.node[0] == node


def test_inputs_of_branches_are_kept():
    """A node whose output only a branch uses, and one whose output is not used."""
    result = helper.make_tensor_value_info("y", 1, [1])
    branch = helper.make_graph([helper.make_node("Neg", ["used"], ["z"])], "branch", [], [result])
    nodes = [helper.make_node("Abs", ["x"], [name]) for name in ("used", "unused")]
    nodes.append(helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch))
    graph = helper.make_graph(nodes, "graph", [], [result])
    where_nodes(graph)
    assert [node.output[0] for node in graph.node] == ["used", "y"]
