"""What the page is sent: outputs and maps against the model's own, other data formats, limits, and refusals."""

import re

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis.patches import top_patches
from kzoo.analysis.projection import project
from kzoo.analysis.walk import outputs_at
from kzoo.checks import Refusal
from kzoo.explore.open_session import open_session
from kzoo.explore.session import MAX_MAPS, MAX_VALUES, Session, shown_maps
from kzoo.export.inference_model import inference_model
from kzoo.layers.conv import Conv2D
from kzoo.models.registry import model


@pytest.fixture(scope="module")
def session():
    return open_session("mnist1d_tiled")


def test_maps_and_outputs_are_those_of_the_model(session):
    x = session.example(3)
    computed = session.compute(x)
    paths = [step.path for step in session.steps[1:]]
    for y, output in zip(computed.maps[1:], outputs_at(session.model, x[None], paths)):
        expected = keras.ops.convert_to_numpy(output)[0]
        np.testing.assert_allclose(y, np.moveaxis(expected, -1, 0) if expected.ndim > 1 else expected[None], atol=1e-5)
    np.testing.assert_array_equal(computed.maps[0], x.T)
    np.testing.assert_allclose(computed.outputs, session.model.predict(x[None], verbose=0)[0], atol=1e-6)
    assert session.compute(x) is computed
    assert session.compute(2 * x) is not computed


def test_what_is_known_of_a_model_of_the_zoo(session):
    told = session.describe()
    assert told["origin"] == "The model mnist1d_tiled of kzoo's zoo, with initial weights"
    assert told["input"]["shape"] == [40, 1] and told["examples"] == 100 and len(told["targets"]) == 100
    assert told["labels"] == [str(digit) for digit in range(10)]
    conv, units = told["steps"][1], told["steps"][-1]
    assert (conv["shape"], conv["channels"], conv["vector"]) == ([19], 15, False)
    assert (units["shape"], units["vector"]) == ([10], True)


def test_limits_of_drawings():
    def net(*first):
        return keras.Sequential([keras.Input((8, 8, 1)), *first, layers.Conv2D(2, 3)])

    assert Session(net()).limits == (0, 1)
    assert Session(net(layers.Rescaling(1 / 255))).limits == (0, 255)
    assert Session(net(), examples=np.full((2, 8, 8, 1), 200)).limits == (0, 255)
    assert Session(net(), examples=np.linspace(-2, 1, 64).reshape(1, 8, 8, 1)).limits == (-2, 1)


def test_channels_first(seeds):
    x = seeds.normal(size=(2, 3, 8, 9)).astype("float32")
    net = keras.Sequential([keras.Input((3, 8, 9)), Conv2D(4, 3, data_format="channels_first", name="a")])
    session = Session(net, examples=x)
    assert session.shape == (8, 9, 3)
    computed = session.compute(session.example(1))
    expected = keras.ops.convert_to_numpy(net(x))[1]
    np.testing.assert_allclose(computed.maps[1], expected, atol=1e-5)
    np.testing.assert_allclose(computed.outputs, np.moveaxis(expected, 0, -1), atol=1e-5)
    assert session.describe()["steps"][1] | {"sources": 0} == {
        **{"path": "a", "kind": "Conv2D", "shape": [6, 7], "sources": 0, "status": "exact"},
        **{"vector": False, "convolution": True, "tile": [], "channels": 4, "channelwise": False},
    }


def test_volumes_show_their_middle_and_other_inputs_are_zero(seeds):
    x, y = keras.Input((5, 4, 4, 1), name="x"), keras.Input((5, 4, 4, 1), name="y")
    net = keras.Model([x, y], layers.Add(name="sum")([layers.Conv3D(2, 3, padding="same", name="a")(x), y]))
    session = Session(net, examples=seeds.normal(size=(1, 5, 4, 4, 1)))
    computed = session.compute(session.example(0))
    np.testing.assert_array_equal(computed.maps[0], session.example(0)[2][None, ..., 0])
    np.testing.assert_array_equal(computed.maps[3], computed.maps[2])


def pair():
    """Returns a model of two inputs whose output is their sum."""
    x, y = keras.Input((4, 4, 1), name="frame"), keras.Input((4, 4, 1), name="flow")
    return keras.Model([x, y], layers.Conv2D(1, 1, kernel_initializer="ones", name="same")(layers.Add()([x, y])))


def test_other_inputs_are_those_of_the_example(seeds):
    frames, flows = seeds.normal(size=(2, 3, 4, 4, 1)).astype("float32")
    session = Session(pair(), examples=[frames, flows])
    assert session.describe()["inputs"] == ["frame", "flow"] and session.describe()["follow"] is True
    for example in (1, 2, 1):
        computed = session.compute(frames[0], example)
        np.testing.assert_array_equal(computed.maps[1], flows[example, ..., 0][None])
        np.testing.assert_allclose(computed.outputs, frames[0] + flows[example], rtol=1e-5, atol=1e-6)
    assert session.compute(frames[0], 1) is computed
    cell = session.cell(frames[0], 3, [1, 2], 0, example=2)
    assert cell["output"] == pytest.approx(frames[0, 1, 2, 0] + flows[2, 1, 2, 0])
    first = Session(pair(), examples=frames)
    assert first.describe()["follow"] is False and (first.compute(frames[0]).maps[1] == 0).all()
    with pytest.raises(Refusal, match=r"as many examples of each input, 2 arrays, or of the first; .*=\[3, 1\]"):
        Session(pair(), examples=[frames, flows[:1]])


@pytest.mark.parametrize("name, inputs", [("two_stream", ["frame", "flow"]), ("capsnet", ["input_layer"])])
def test_models_of_the_zoo_without_data_start_with_random_numbers(name, inputs):
    net = inference_model(model(name, width=0.1, **({"input_shape": (47, 47, 3)} if name == "two_stream" else {})))
    session = Session(net)
    told = session.describe()
    assert len(told["inputs"]) == len(inputs) and told["follow"] == (len(inputs) > 1)
    maps = session.compute(session.example(0)).maps[: len(inputs)]
    assert all(0 <= y.min() < 0.01 and 0.99 < y.max() <= 1 for y in maps)


def test_only_so_many_maps_are_kept():
    net = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(MAX_MAPS + 6, 1, name="a"), layers.Flatten()])
    session = Session(net)
    x = session.example(0)
    y = session.compute(x).maps[1]
    assert y.shape == (MAX_MAPS, 4, 4) and session.describe()["steps"][1]["channels"] == MAX_MAPS + 6
    (expected,) = outputs_at(net, x[None], ["a"])
    np.testing.assert_allclose(y, np.moveaxis(np.asarray(expected)[0], -1, 0)[:MAX_MAPS], atol=1e-6)
    for sides in ((28, 28), (224, 224), (500, 500), (2000, 2000)):
        count = shown_maps((300, *sides))
        assert 1 <= count <= MAX_MAPS and (count == 1 or count * np.prod(sides) <= MAX_VALUES)


def test_a_cell_is_the_sum_of_products(session):
    x = session.example(0)
    for number, position in ((1, 7), (2, 4), (3, 3)):
        cell = session.cell(x, number, [position], 5)
        total = (np.array(cell["patches"]) * cell["kernels"]).sum() + cell["rest"] + cell["bias"]
        assert cell["total"] == pytest.approx(total, abs=1e-5) and cell["activation"] == "relu"
        assert cell["output"] == pytest.approx(max(total, 0), abs=1e-5)
        assert cell["output"] == pytest.approx(session.compute(x).maps[number][5, position], abs=1e-5)
        assert cell["tile"] == (position % 2,)
    with pytest.raises(Refusal, match="the number of a step that is a convolution; received step=0"):
        session.cell(x, 0, [0], 0)


def test_views_of_units_are_those_of_the_analyses(session):
    x, y = session.example(0), session.example(1)
    found = session.unit_view("patches", 2, 3, x)
    expected = top_patches(session.model, "stage2", 3, session.examples)
    np.testing.assert_array_equal(found.pictures[0].values, expected.array[0])
    deconvnet = session.unit_view("deconvnet", 5, 9, x)
    expected = project(session.model, "predictions", 9, y[None], "deconvnet")
    patch, pattern = session.unit_view("deconvnet", 5, 9, y).pictures
    np.testing.assert_array_equal([patch.values, pattern.values], [y, expected.array[0]])
    assert session.unit_view("patches", 2, 3, y) is found and session.unit_view("deconvnet", 5, 9, x) is deconvnet
    kernel = session.unit_view("filter", 1, 14, x).pictures[0].values
    np.testing.assert_array_equal(kernel[0, :, 0], np.asarray(session.model.get_layer("stage1").kernel)[0, :, 0, 14])
    low, high = session.limits
    maximized = session.unit_view("maximized", 5, 0, x).pictures[0].values
    assert maximized.shape == (40, 1) and low <= maximized.min() < maximized.max() <= high


def test_units_that_are_refused(session):
    x = session.example(0)
    for number, unit, words in (
        (0, 0, "the number of a step that is a layer; received step=0"),
        (6, 0, "the number of a step that is a layer; received step=6"),
        (-1, 0, "the number of a step that is a layer; received step=-1"),
        (1, 15, "unit below 15; received unit=15"),
        (5, 10, "unit below 10; received unit=10"),
        (5, -1, "unit below 10; received unit=-1"),
    ):
        with pytest.raises(Refusal, match=words):
            session.unit_view("patches", number, unit, x)
    with pytest.raises(Refusal, match="view, one of filter, patches, maximized, deconvnet; received view='other'"):
        session.unit_view("other", 1, 0, x)
    view = session.unit_view("filter", 4, 0, x)
    assert "expects a convolution layer of kzoo or Keras" in view.text and not view.pictures


def test_views_of_a_model_of_several_inputs(seeds):
    x, y = keras.Input((8, 1), name="x"), keras.Input((8, 1), name="y")
    net = keras.Model([x, y], layers.Add(name="sum")([layers.Conv1D(2, 3, padding="same", name="a")(x), y]))
    examples = seeds.normal(size=(3, 8, 1)).astype("float32")
    session = Session(net, examples=examples)
    expected = top_patches(net, "a", 1, [examples, np.zeros_like(examples)])
    found = session.unit_view("patches", 2, 1, session.example(0))
    np.testing.assert_array_equal([picture.values for picture in found.pictures], expected.patches)


def test_shares_of_pixels():
    session = Session(keras.Sequential([keras.Input((2, 2, 3)), layers.ReLU()]))
    outputs = np.eye(3)[[[0, 2], [2, 2]]]
    kind, shares = session.output_kind(outputs)
    assert kind == "share of pixels" and shares.tolist() == [0.25, 0, 0.75]
    assert session.label_map(outputs).tolist() == [[0, 2], [2, 2]] and session.label_map(outputs).dtype == "uint8"
    assert session.label_map(np.stack([outputs[:, ::-1], outputs])).tolist() == [[0, 2], [2, 2]]  # a volume's middle
    assert session.label_map(outputs[0]).tolist() == [0, 2]
    assert session.label_map(np.eye(300)[None]).dtype == "int32"
    assert session.label_map(outputs[..., :1]) is session.label_map(outputs[0, 0]) is None
    assert session.output_kind(np.array([-1.0, 3]))[0] == "output"
    assert session.output_kind(np.array([0.25, 0.75]))[0] == "probability"


def test_refusals(session):
    with pytest.raises(Refusal, match=r"an input of shape \(40, 1\); received shape=\(41, 1\)"):
        session.compute(np.zeros((41, 1)))
    for bad in (np.nan, np.inf):
        with pytest.raises(Refusal, match="an input of finite numbers; received nan_or_infinite"):
            session.compute(np.where(np.arange(40) == 3, bad, 0)[:, None])
    for index in (-1, 100):
        with pytest.raises(Refusal, match=f"example below 100; received example={index}"):
            session.example(index)
    with pytest.raises(Refusal, match="explore expects a model whose first input has 1 to 3 spatial axes"):
        Session(keras.Sequential([keras.Input((3,)), layers.Dense(2)]))
    with pytest.raises(Refusal, match="a functional or built Sequential model; received model='Sequential'"):
        Session(keras.Sequential([layers.Dense(1)]))


def test_capsules_have_maps_too():
    session = Session(inference_model(model("capsnet")))
    computed = session.compute(session.example(0))
    assert len(computed.maps) == len(session.steps) and computed.outputs.shape == (10,)
    assert all(y.ndim in (2, 3) and np.isfinite(y).all() for y in computed.maps)


def test_a_number_for_each_example():
    x = keras.Input((4, 4, 1))
    session = Session(keras.Model(x, keras.ops.mean(x, axis=(1, 2, 3))), examples=np.ones((1, 4, 4, 1)))
    outputs = session.compute(session.example(0)).outputs
    assert outputs.tolist() == [1] and session.output_kind(outputs)[1].tolist() == [1]
    assert session.label_map(outputs) is None


def test_maps_of_more_than_three_axes():
    x = keras.Input((6, 6, 3))
    session = Session(keras.Model(x, layers.Reshape((2, 2, 3, 3, 3))(x)))
    assert session.compute(session.example(0)).maps[1].shape == (3, 3, 3)


def test_inputs_that_the_model_cannot_take():
    net = keras.Sequential([keras.Input((None, 1)), layers.Conv1D(2, 3), layers.GlobalMaxPooling1D()], name="it")
    with pytest.raises(
        Refusal, match="^explore: it cannot be computed for these inputs: Computed output size would be"
    ):
        Session(net, examples=np.ones((1, 2, 1)))
    x = keras.Input((4, 1), dtype="int32")
    y = layers.Conv1D(2, 3, name="a")(layers.Embedding(5, 2)(layers.Flatten()(x)))
    session = Session(keras.Model(x, layers.Flatten()(y), name="it"))
    words = r"^explore: it cannot be computed for these inputs: (.*\} )?indices\[0,0\] = 99 is not in \[0, 5\)"
    with pytest.raises(Refusal, match=words):
        session.compute(np.full((4, 1), 99))
    assert re.match(words, session.unit_view("deconvnet", 3, 0, np.full((4, 1), 99)).text)


def test_a_cell_that_is_not_finite():
    net = keras.Sequential([keras.Input((4, 1)), layers.Conv1D(1, 3, kernel_initializer="ones")])
    with pytest.raises(Refusal, match="explore expects an input for which the cell is finite; received output=inf"):
        Session(net).cell(np.full((4, 1), 3e38), 1, [0], 0)


def test_outputs_that_are_no_classes(seeds):
    """Numbers are never probabilities, and images of three channels are no label maps."""
    inputs = keras.Input((4, 4, 1))
    numbers = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
    session = Session(numbers, labels=("row", "column"), kind="regression")
    assert session.describe()["unit"] == "number" and session.describe()["labels"] == ["row", "column"]
    assert session.output_kind(np.array([0.25, 0.75]))[0] == "output"
    assert Session(numbers, kind="multilabel").describe()["unit"] == "label"
    assert Session(numbers).describe()["unit"] == "class"
    image = seeds.uniform(size=(4, 4, 3))
    images = Session(keras.Model(inputs, keras.layers.Conv2D(3, 1)(inputs)), kind="image")
    kind, means = images.output_kind(image)
    assert kind == "mean output" and images.label_map(image) is None
    np.testing.assert_allclose(means, image.mean((0, 1)))
