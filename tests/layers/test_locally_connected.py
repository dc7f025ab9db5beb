"""LocallyConnected1D, 2D, 3D: the contract, the op with the layer's weights, Keras 2's arguments and weights."""

import numpy as np
import pytest

from kzoo.layers import LocallyConnected1D, LocallyConnected2D, LocallyConnected3D
from kzoo.ops.locally_connected import locally_connected
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers import keras_2
from tests.layers.cases import SHAPES, Case, noise
from tests.ops.test_locally_connected import reference

LAYER_CASES = {
    f"LocallyConnected{rank}D": Case(
        {
            "filters": 4,
            "kernel_size": (3, 2, 3)[:rank],
            "activation": "tanh",
            "bias_initializer": "ones",
            "strides": 2,
            "padding": "full",
        },
        noise(*SHAPES[rank]),
        free=False,
    )
    for rank in SHAPES
}
CONVOLUTIONS = {"LocallyConnected": (reference, {})}
RANKS = {1: LocallyConnected1D, 2: LocallyConnected2D, 3: LocallyConnected3D}
FORMATS = ["channels_last", "channels_first"]


@pytest.mark.parametrize("cls", [LocallyConnected1D, LocallyConnected2D, LocallyConnected3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("untied", [True, False])
def test_passes_its_weights_to_the_op(rank, untied):
    x = noise(*SHAPES[rank])
    layer = RANKS[rank](4, 3, 2, "replicate", activation="relu", dilation_rate=2, untied_bias=untied)
    layer.build(x.shape)
    output = layer.compute_output_shape(x.shape)[1:-1]
    kernel, bias = randomize(layer)
    assert kernel.shape == (*output, *(3,) * rank, 2, 4) and bias.shape == (*output, 4)
    same(layer(x), np.maximum(np.asarray(locally_connected(x, kernel, 2, "replicate", 2)) + bias, 0))


def test_takes_keras_2s_arguments_by_position():
    """All fifteen, including the implementation, which is ignored."""
    arguments = (4, 3, 2, "valid", "channels_last", "tanh", False, "he_normal", "ones", "l2", "l1")
    layer = LocallyConnected2D(*arguments, None, "non_neg", "unit_norm", 3)
    config = layer.get_config()
    for part, names in (("initializer", ("HeNormal", "Ones")), ("regularizer", ("L2", "L1"))):
        assert tuple(config[f"{which}_{part}"]["class_name"] for which in ("kernel", "bias")) == names
    assert tuple(config[f"{which}_constraint"]["class_name"] for which in ("kernel", "bias")) == ("NonNeg", "UnitNorm")
    assert (config["implementation"], config["use_bias"], config["untied_bias"]) == (3, False, True)
    with pytest.raises(TypeError, match="kernel_initializer"):
        LocallyConnected2D(*arguments, kernel_initializer="zeros")


SETTINGS = [  # spatial, kernel, strides, padding in Keras 2 and here
    ((6,), (3,), (2,), "valid", "valid"),
    ((7,), (3,), (1,), "same", "same"),
    ((7,), (4,), (2,), "same", ((2, 1),)),
    ((5, 6), (3, 2), (1, 2), "valid", "valid"),
    ((5, 4), (3, 3), (1, 1), "same", "same"),
    ((6, 5), (3, 2), (2, 1), "same", ((1, 0), (1, 0))),
]
LAYOUTS = [
    (layout, *setting) for setting in SETTINGS for layout in (1, 2, 3) if (layout, setting[3]) != (1, "same")
]  # unknown to 1


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("layout, spatial, size, strides, theirs, ours", LAYOUTS)
def test_takes_the_weights_of_keras_2(layout, spatial, size, strides, theirs, ours, data_format):
    """With a kernel of each layout the output equals that of Keras 2's loops.

    With channels first Keras 2 reshaped its bias instead of transposing it: (*output, F) holds (F, *output).
    """
    rng, first = np.random.default_rng(layout), data_format == "channels_first"
    x = rng.normal(size=(2, 2, *spatial) if first else (2, *spatial, 2)).astype("float32")
    more = () if layout == 1 else (theirs,)
    kernel, y = {1: keras_2.layout_1, 2: keras_2.layout_2, 3: keras_2.layout_3}[layout](
        x, size, strides, 3, rng, first, *more
    )
    bias = rng.normal(size=y.shape[1:]).astype("float32")
    layer = RANKS[len(spatial)](3, size, strides, ours, data_format)
    layer.build(x.shape)
    layer.set_weights([kernel, bias])
    same(layer(x), np.moveaxis(y, -1, 1) + bias.reshape(3, *y.shape[1:-1]) if first else y + bias)


def test_refuses_weights_of_no_layout():
    layer = LocallyConnected1D(3, 3)
    layer.build((None, 7, 2))
    with pytest.raises(ValueError, match=r"LocallyConnected1D expects a kernel of .*\(5, 6, 3\).*shape=\(5, 7, 3\)"):
        layer.set_weights([np.zeros((5, 7, 3)), np.zeros((5, 3))])


@pytest.mark.parametrize("spatial, size, strides, theirs, ours", [s for s in SETTINGS if s[3] != s[4]])
def test_refuses_weights_that_another_same_made(spatial, size, strides, theirs, ours):
    """Keras 2 centred its windows differently from TensorFlow: in "same" its weights would compute something else."""
    x, rng = np.zeros((1, *spatial, 2), "float32"), np.random.default_rng(0)
    kernel, _ = keras_2.layout_2(x, size, strides, 3, rng, False, theirs)
    layer = RANKS[len(spatial)](3, size, strides, "same", use_bias=False)
    layer.build(x.shape)
    with pytest.raises(ValueError) as refusal:
        layer.set_weights([kernel])
    assert f"expects for these weights padding={ours}" in str(refusal.value)


@pytest.mark.peers
@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("layout, spatial, size, strides, theirs, ours", LAYOUTS)
def test_equals_tf_keras(layout, spatial, size, strides, theirs, ours, data_format):
    tf_keras = pytest.importorskip("tf_keras")
    shape = (2, 2, *spatial) if data_format == "channels_first" else (2, *spatial, 2)
    old = getattr(tf_keras.layers, f"LocallyConnected{len(spatial)}D")
    arguments = (
        3,
        size,
        strides,
        theirs,
        data_format,
        "tanh",
        True,
        *("glorot_uniform", "normal", *(None,) * 5),
        layout,
    )
    peer = old(*arguments)
    wanted = peer(noise(*shape)).numpy()
    layer = RANKS[len(spatial)](*arguments[:3], ours, *arguments[4:])
    layer.build(shape)
    layer.set_weights(peer.get_weights())
    same(layer(noise(*shape)), wanted)


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({"kernel_size": 6}, (1, 9, 5, 2), ["a window that fits", "spatial axis 1", "kernel_size=6", "input=5"]),
        ({"kernel_size": 0}, (1, 5, 5, 2), ["kernel_size", "kernel_size=0"]),
        ({"strides": 1.5}, (1, 5, 5, 2), ["strides", "strides=1.5"]),
        ({"filters": 0}, (1, 5, 5, 2), ["filters", "filters=0"]),
        ({"padding": "half"}, (1, 5, 5, 2), ["padding, one of", "padding='half'"]),
        ({"implementation": 4}, (1, 5, 5, 2), ["implementation, 1, 2 or 3", "implementation=4"]),
        ({}, (1, 5, None, 2), ["known spatial sizes, as each position has weights", "output=(3, None)"]),
        ({"untied_bias": False}, (1, 5, None, 2), ["known spatial sizes", "output=(3, None)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(LocallyConnected2D, {"filters": 4, "kernel_size": 3, **kwargs}, shape, *words)


@pytest.mark.parametrize("rank", [1, 3])
def test_refuses_in_other_ranks(rank):
    kwargs = {"filters": 4, "kernel_size": 2}
    check_refusal(RANKS[rank], kwargs, (1, 5, 5, 2), f"rank {rank + 2}", " 5, 5, 2)")
    check_refusal(RANKS[rank], kwargs, (1, None, *SHAPES[rank][2:]), "known spatial sizes", "output=(None,")


def test_counts_weights():
    """Kernels and, with untied biases, biases for each position. A lecture's example, 7x7x3 filters on 30x30."""
    layer = LocallyConnected2D(10, 7, use_bias=False)
    layer.build((None, 30, 30, 3))
    assert layer.count_params() == 24 * 24 * 7 * 7 * 3 * 10
