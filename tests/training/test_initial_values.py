"""Initial values and batch norms' momentum from a config."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.layers.batch_normalization import BatchNormalization
from kzoo.training.initial_values import set_initial_values
from kzoo.training.model_building import build_model
from kzoo.training.trainer_building import build_trainer


def config(*sets):
    return read_config("mnist1d_fc", ["model.units=[50, 50]", *sets])


SETS = (
    "training.initializers={'*/kernel': {class_name: RandomNormal, config: {stddev: 0.05}}, "
    "predictions/bias: {class_name: Constant, config: {value: -7.0}}, stage2/kernel: kzoo>FanInUniform}",
)


def test_the_last_pattern_that_matches_counts():
    """Weights that no pattern matches keep the model's start; equal shapes have different values."""
    model = build_model(config(*SETS), (50, 1), 3)
    first, bias, second, last = (model.weights[index].numpy() for index in (0, 1, 2, 4))
    assert abs(first.std() - 0.05) < 0.003 and abs(first.mean()) < 0.005 and abs(last.std() - 0.05) < 0.01
    assert 0.047 < np.abs(second).max() <= 2.4 / 50
    np.testing.assert_array_equal(model.weights[5], [-7, -7, -7])
    np.testing.assert_array_equal(bias, np.zeros(50))
    alike = build_model(config("training.initializers={'*/kernel': glorot_normal}"), (50, 1), 3)
    assert not np.array_equal(alike.weights[0], alike.weights[2])


def test_they_follow_the_seed():
    """Those of the config, and those of the model, which are the same with and without them."""
    found = []
    for seed, sets in (
        (0, SETS),
        (0, SETS),
        (1, SETS),
        (0, ("training.initializers={predictions/bias: ones}",)),
        (0, ()),
    ):
        keras.utils.set_random_seed(seed)
        found.append(build_model(config(*sets), (50, 1), 3).get_weights())
    one, again, other, biased, plain = found
    assert all(map(np.array_equal, one, again))
    assert not any(np.array_equal(one[index], other[index]) for index in (0, 2, 4))
    assert all(map(np.array_equal, biased[:5], plain[:5]))


@pytest.mark.parametrize(
    "sets, words",
    [
        ("{stage1/kernels: ones}", "training.initializers: 'stage1/kernels' matches no trainable weight; did you mean"),
        ("{'*/kernel': one}", "training.initializers.*/kernel expects an initializer; received 'one'; "),
        ("{'*/kernel': SGD}", "training.initializers.*/kernel expects an initializer; SGD is of kind optimizer."),
        (
            "{'*/kernel': {class_name: Constant, config: {values: 1}}}",
            "training.initializers.*/kernel: Constant has no",
        ),
        ("{'*': Identity}", "training.initializers.*: Identity refuses stage1/bias of shape (50,): "),
    ],
)
def test_refused(sets, words):
    with pytest.raises(Refusal) as caught:
        build_model(config(f"training.initializers={sets}"), (50, 1), 3)
    assert str(caught.value).startswith(words) and "\n" not in str(caught.value)


def test_a_restored_model_starts_with_its_transferred_weights(tmp_path):
    """Values from elsewhere replace those that the initializers draw."""
    source = build_model(config(), (50, 1), 3)
    source.save(tmp_path / "model.keras")
    transfer = f"transfer={{weights: {tmp_path}, until: stage1}}"
    model = build_model(config(*SETS, transfer), (50, 1), 3)
    np.testing.assert_array_equal(model.weights[0], source.weights[0])
    np.testing.assert_array_equal(model.weights[5], [-7, -7, -7])


def test_batch_norm_momentum():
    """Of all batch norms, in what is saved too; null keeps the model's own."""
    small = "model={name: m3, filters: [2, 2]}"
    for sets, wanted in (((), 0.99), (("training.batch_norm_momentum=0.5",), 0.5)):
        chosen = read_config("mnist1d_fc", [small, *sets])
        model = build_model(chosen, (64, 1), 3)
        build_trainer(chosen, model)
        norms = [layer for layer in model.layers if isinstance(layer, BatchNormalization)]
        assert [norm.momentum for norm in norms] == [norm.get_config()["momentum"] for norm in norms] == [wanted] * 2
    chosen = config("training.batch_norm_momentum=0.5")
    with pytest.raises(Refusal, match="training.batch_norm_momentum expects a model with batch normalization that is"):
        build_trainer(chosen, build_model(chosen, (50, 1), 3))


def test_no_patterns_change_nothing():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    before = model.get_weights()
    assert all(map(np.array_equal, set_initial_values(model, {}).get_weights(), before))
