"""What `jit_compile: auto` compiles: small steps of layers that are faster compiled."""

import keras
import pytest

from kzoo.config.config_files import read_config
from kzoo.training.model_building import build_model
from kzoo.training.step_compilation import compiles_step

DIGITS = (28, 28, 1)


def compiles(name, *sets, shape=DIGITS):
    config = read_config(name, sets)
    return compiles_step(config, build_model(config, shape, 10))


@pytest.mark.parametrize(
    "name, sets, wanted",
    [
        ("nielsen_0", [], True),
        ("nielsen_3", [], True),
        ("nielsen_3", ["data.batch_size=100"], False),  # too large
        ("nielsen_3", ["training.jit_compile=false"], False),
        ("nielsen_3", ["training.deterministic=true"], False),
        ("nielsen_1", ["model.dropout=0.5"], False),
        ("lenet5", [], False),  # subsampling and a connection table
        ("lenet5_modern", [], False),
        ("lenet5_modern", ["training.jit_compile=true"], True),
        ("small_vgg", [], False),
    ],
)
def test_what_is_compiled(name, sets, wanted):
    assert compiles(name, *sets) == wanted


def test_mnist1d():
    assert all(compiles(f"mnist1d_{kind}", shape=(40, 1)) for kind in ("fc", "fc100", "cnn", "local", "tiled"))


def test_layers_of_keras_and_unknown_ones():
    config, x = read_config("nielsen_3"), keras.Input((8, 8, 1))
    flat = keras.layers.Flatten()
    assert compiles_step(config, keras.Model(x, keras.layers.Dense(3)(flat(x))))
    for layer in (keras.layers.Conv2D(2, 3), keras.layers.MaxPooling2D(), keras.layers.GaussianNoise(0.5)):
        assert not compiles_step(config, keras.Model(x, keras.layers.Dense(3)(flat(layer(x)))))
    free = keras.Input((None, None, 1))  # of unknown work
    net = keras.Model(free, keras.layers.GlobalAveragePooling2D()(free))
    assert compiles_step(config, net)  # in a loop of steps
    assert not compiles_step(read_config("small_vgg"), net)


def test_with_a_gpu_all_is_compiled(monkeypatch):
    monkeypatch.setattr("tensorflow.config.list_logical_devices", lambda kind=None: ["GPU"])
    assert compiles("nielsen_3", "data.batch_size=100")
