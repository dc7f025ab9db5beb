import math

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.config.specs import Spec
from kzoo.training.keras_objects import (
    KINDS,
    REFUSED,
    REQUIRED,
    _classes,
    _constructor_settings,
    build_object,
    has_setting,
)

STEPS = {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}
DECAY = {"class_name": "ExponentialDecay", "config": STEPS}
EXAMPLES = {
    "optimizer": ("SGD", keras.optimizers.SGD),
    "schedule": (DECAY, keras.optimizers.schedules.ExponentialDecay),
    "loss": ("MeanSquaredError", keras.losses.MeanSquaredError),
    "metric": ("MeanSquaredError", keras.metrics.MeanSquaredError),
    "callback": ({"class_name": "EarlyStopping", "config": {"patience": 3}}, keras.callbacks.EarlyStopping),
    "layer": ({"class_name": "Rescaling", "config": {"scale": 0.5}}, keras.layers.Rescaling),
    "initializer": ("HeNormal", keras.initializers.HeNormal),
    "regularizer": ({"class_name": "L2", "config": {"l2": 1e-3}}, keras.regularizers.L2),
    "constraint": ("MaxNorm", keras.constraints.MaxNorm),
}


def spec(class_name, **config):
    return {"class_name": class_name, "config": config}


def refusal(kind, given, where="here"):
    with pytest.raises(Refusal) as caught:
        build_object(kind, given, where)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def ours():
    """Two classes registered as kzoo's for one test: a new layer, and one with the name of a Keras layer."""

    class BuildTestLayer(keras.layers.Layer):
        def __init__(self, part=None, parts=(), metrics=(), **kwargs):
            super().__init__(**kwargs)
            self.part, self.parts, self.measures = part, parts, metrics

    class Dropout(keras.layers.Layer):
        pass

    for cls in (BuildTestLayer, Dropout):
        keras.saving.register_keras_serializable("kzoo")(cls)
    yield BuildTestLayer, Dropout
    for cls in (BuildTestLayer, Dropout):
        del keras.saving.get_custom_objects()[f"kzoo>{cls.__name__}"]


def test_every_kind():
    assert set(EXAMPLES) == set(KINDS)
    for kind, (given, cls) in EXAMPLES.items():
        assert type(build_object(kind, given)) is cls
        assert build_object(kind, given) is not build_object(kind, given)
    with pytest.raises(
        Refusal, match="build_object expects kind, one of optimizer, schedule,.*; received kind='optimiser'."
    ):
        build_object("optimiser", "SGD")


def test_spellings():
    for given in ("SGD", spec("SGD"), {"class_name": "SGD"}, Spec(class_name="SGD")):
        assert type(build_object("optimizer", given)) is keras.optimizers.SGD
    assert type(build_object("initializer", "he_normal")) is keras.initializers.HeNormal


def test_nested():
    optimizer = build_object("optimizer", spec("SGD", learning_rate=DECAY))
    optimizer.iterations.assign(10)
    np.testing.assert_allclose(optimizer.learning_rate, 0.05)
    dense = build_object(
        "layer", spec("Dense", units=2, kernel_regularizer=spec("L2", l2=0.5), bias_initializer=spec("Ones"))
    )
    assert dense.kernel_regularizer.l2 == 0.5 and type(dense.bias_initializer) is keras.initializers.Ones
    assert build_object("layer", spec("Bidirectional", layer=spec("LSTM", units=2))).forward_layer.units == 2
    assert type(build_object("layer", spec("Activation", activation=spec("ReLU"))).activation) is keras.layers.ReLU
    scaled = build_object("optimizer", spec("LossScaleOptimizer", inner_optimizer=spec("Adam")))
    assert type(scaled.inner_optimizer) is keras.optimizers.Adam


def test_the_config_is_not_modified():
    given = spec("SGD", learning_rate=DECAY, momentum=0)
    before = repr(given)
    build_object("optimizer", given)
    assert repr(given) == before


def test_schedules_of_ours_within_others():
    warm = spec("Warmup", learning_rate=DECAY, warmup_steps=4)
    rate = spec("kzoo>SequentialSchedule", schedules=[warm, 0.2], boundaries=[30])
    optimizer = build_object("optimizer", spec("ScheduledMomentumSGD", learning_rate=rate, momentum=DECAY))
    optimizer.iterations.assign(2)
    np.testing.assert_allclose(optimizer.learning_rate, 0.1 * 0.5**0.2 * 2 / 4, rtol=1e-6)
    assert optimizer.momentum.get_config()["decay_rate"] == 0.5
    wrong = spec("SequentialSchedule", schedules=[spec("Warmupp"), 0.2], boundaries=[30])
    assert refusal("schedule", wrong).startswith("here.config.schedules.0 expects a schedule; received 'Warmupp'")
    assert "SequentialSchedule expects boundaries, integers above 0" in refusal(
        "schedule", {**rate, "config": {**rate["config"], "boundaries": [3, 4]}}
    )


def test_whole_numbers_where_keras_wants_floats():
    assert build_object("optimizer", spec("SGD", momentum=0, learning_rate=1)).momentum == 0


def test_ours(ours):
    new, dropout = ours
    assert type(build_object("layer", "BuildTestLayer")) is type(build_object("layer", "kzoo>BuildTestLayer")) is new
    assert type(build_object("layer", "kzoo>Dropout")) is dropout
    assert type(build_object("layer", spec("Dropout", rate=0.5))) is keras.layers.Dropout  # Keras's, without the prefix
    made = build_object("layer", spec("BuildTestLayer", part={"a": spec("Ones")}, parts=[3, spec("Adam")], name="x"))
    assert type(made.part["a"]) is keras.initializers.Ones and made.parts[0] == 3 and made.name == "x"
    assert type(made.parts[1]) is keras.optimizers.Adam
    made = build_object(
        "layer", spec("BuildTestLayer", metrics=[spec("MeanSquaredError")])
    )  # there is a loss of that name too
    assert type(made.measures[0]) is keras.metrics.MeanSquaredError
    assert "received 'BuildTestLaye'; did you mean 'BuildTestLayer'" in refusal("layer", "BuildTestLaye")
    assert refusal("layer", spec("BuildTestLayer", part=spec("No"))).startswith("here.config.part expects a layer;")
    assert refusal("optimizer", "BuildTestLayer") == "here expects an optimizer; BuildTestLayer is of kind layer."


RATE, FRACTION = "a number of at least 0", "a number from 0 to 1"
WRONG = [  # kind, spec, how the message continues after "here"
    ("optimizer", "SDG", " expects an optimizer; received 'SDG'; did you mean 'SGD'?"),
    ("loss", "mse", " expects a loss; received 'mse'; known: BinaryCrossentropy,"),
    ("loss", "mean_squared_error", " expects a loss; received 'mean_squared_error'; did you mean 'MeanSquaredError'"),
    ("optimizer", "Optimizer", " expects an optimizer; received 'Optimizer'; did you mean 'MultiOptimizer'"),
    ("optimizer", "OptimizerMap", " expects an optimizer; received 'OptimizerMap';"),
    ("loss", "Adam", " expects a loss; Adam is of kind optimizer."),
    ("optimizer", 5, " expects a class name or class_name and config; received 5."),
    ("optimizer", {"config": {}}, " expects a class name or class_name and config; received {'config': {}}."),
    ("optimizer", {"class_name": ["SGD"]}, " expects a class name or class_name and config;"),
    ("optimizer", {"class_name": "SGD", "confg": {}}, ".confg is not a setting; did you mean 'config'?"),
    ("optimizer", {"class_name": "SGD", "config": 3}, ".config expects a mapping; received 3."),
    ("optimizer", spec("SGD", learning_rat=1), ": SGD has no setting 'learning_rat'; did you mean 'learning_rate'?"),
    ("optimizer", spec("SGD", decay=0.1), ": SGD has no setting 'decay'; did you mean 'weight_decay'?"),
    ("layer", spec("Rescaling", scale=1, input_shape=[3]), ": Rescaling has no setting 'input_shape'; known: "),
    ("callback", spec("History", x=1), ": History has no setting 'x'; it has none"),
    (
        "schedule",
        spec("ExponentialDecay", decay_steps=1),
        ": ExponentialDecay needs initial_learning_rate and decay_rate.",
    ),
    *[("layer", name, f": {name} {reason}.") for name, reason in REFUSED.items()],
]
WRONG_VALUES = [  # kind, class, setting, value, what the setting expects; Keras accepts all these values
    *[("optimizer", "SGD", "learning_rate", bad, RATE + " or a schedule") for bad in ("0.1", -1, True, None, [0.1])],
    *[("optimizer", "SGD", "learning_rate", bad, RATE + " or a schedule") for bad in (math.nan, math.inf, {"a": 1})],
    ("optimizer", "SGD", "momentum", 1.5, FRACTION),
    ("optimizer", "SGD", "momentum", DECAY, FRACTION),
    ("optimizer", "SGD", "nesterov", 1, "true or false"),
    ("optimizer", "SGD", "weight_decay", -1, RATE),
    ("optimizer", "Adam", "beta_1", "x", FRACTION),
    ("optimizer", "Adam", "beta_1", 10**400, FRACTION),
    ("optimizer", "Ftrl", "beta", "x", "a number"),
    ("schedule", "PiecewiseConstantDecay", "boundaries", ["a"], RATE),
    ("schedule", "PolynomialDecay", "decay_steps", 0, "a number of at least 1"),
    ("loss", "Huber", "delta", True, "a number"),
    ("loss", "MeanSquaredError", "reduction", 3, "text"),
    ("layer", "Rescaling", "scale", "1/255", "a number"),
    ("layer", "Dense", "units", True, "something other than true and false"),
    ("layer", "RandomFlip", "mode", "up", "one of horizontal, vertical, horizontal_and_vertical"),
    ("layer", "RandomColorJitter", "value_range", "x", "a number or a list of numbers"),
    ("callback", "CSVLogger", "filename", 5, "text"),
    ("callback", "EarlyStopping", "patience", "3", RATE),
    ("callback", "EarlyStopping", "monitor", 5, "text"),
]
REFUSED_BY_KERAS = [
    ("layer", spec("Dense", units=-3), "Received an invalid value for `units`"),
    ("layer", spec("Dense", units=3, kernel_initializer="he"), "Could not interpret initializer identifier: he"),
    ("layer", spec("RandomFlip", factor=0.5), "Layer RandomFlip does not take a `factor`"),
    ("callback", spec("ModelCheckpoint", filepath="x"), "The filepath provided must end in"),
    ("callback", spec("EarlyStopping", mode="mn"), "EarlyStopping mode 'mn' is unknown"),  # to Keras a warning
    ("metric", spec("SensitivityAtSpecificity", specificity="x"), "'"),
    ("schedule", spec("PiecewiseConstantDecay", boundaries=3, values=[1, 2]), "object of type 'int' has no len()"),
]
WRONG_WITHIN = [  # kind, spec, how the message continues after "here.config."
    (
        "optimizer",
        spec("SGD", learning_rate=spec("Adam")),
        "learning_rate expects a schedule; Adam is of kind optimizer.",
    ),
    ("optimizer", spec("SGD", learning_rate={**DECAY, "config": {}}), "learning_rate: ExponentialDecay needs initial"),
    ("optimizer", spec("SGD", learning_rate={**DECAY, "x": 1}), "learning_rate.x is not a setting; known: class_name"),
    ("layer", spec("Dense", units=1, bias_regularizer=spec("L3")), "bias_regularizer expects a regularizer;"),
    (
        "layer",
        spec("StackedRNNCells", cells=[spec("LSTMCel", units=3)]),
        "cells.0 expects a layer; received 'LSTMCel';",
    ),
    ("layer", spec("TimeDistributed", layer=spec("Lambda")), "layer: Lambda needs Python code"),
    ("layer", spec("Dense", units=1, name=spec(["Dense"])), "name expects a class name or class_name and config;"),
]


@pytest.mark.parametrize("kind, given, words", WRONG)
def test_wrong_classes_and_settings(kind, given, words):
    assert refusal(kind, given).startswith("here" + words)


@pytest.mark.parametrize("kind, name, key, value, expected", WRONG_VALUES)
def test_wrong_values(kind, name, key, value, expected):
    needed = {"boundaries": [1], "values": [1, 2], "units": 1, "initial_learning_rate": 1, "decay_steps": 1, "scale": 1}
    settings = {key: item for key, item in needed.items() if key in _constructor_settings(_classes(kind)[name])}
    got = refusal(kind, spec(name, **{**settings, key: value}))
    assert got.startswith(f"here.config.{key} expects {expected}; received ")


@pytest.mark.parametrize("kind, given, words", REFUSED_BY_KERAS)
def test_what_keras_refuses(kind, given, words):
    assert refusal(kind, given).startswith(f"here: {given['class_name']} refuses its config: {words}")


@pytest.mark.parametrize("kind, given, words", WRONG_WITHIN)
def test_wrong_specs_within(kind, given, words):
    assert refusal(kind, given).startswith("here.config." + words)


def test_long_messages_are_cut():
    got = refusal("layer", spec("Bidirectional", layer=spec("Dense", units=3)))
    assert (
        "..." in got and len(got) == 1000 and got.endswith("keyword arguments passed to Dense: {'go_backwards': True}")
    )


def test_accepted_where_the_default_misleads():
    build_object("callback", spec("TensorBoard", update_freq=10, profile_batch=0))
    build_object("layer", spec("BatchNormalization", axis=1, scale=False, name="x", dtype="float16", trainable=False))
    build_object("layer", spec("RandomTranslation", height_factor=[-0.1, 0.2], width_factor=0, fill_value=1, seed=3))
    build_object("layer", spec("Rescaling", scale=[0.5, 2], offset=[-1, 1]))
    build_object("loss", spec("MeanSquaredError", reduction=None, name=None))
    build_object("optimizer", spec("Adam", clipnorm=1, weight_decay=None))


@pytest.mark.parametrize("kind", KINDS)
def test_no_class_takes_text_for_a_number_or_a_switch(kind):
    """In all of Keras, an argument whose default is a number or a bool refuses text."""
    checked = 0
    known = {name: cls for name, cls in _classes(kind).items() if ">" not in name or name.startswith("kzoo>")}
    for name, cls in known.items():  # without those that other tests register
        settings = {} if name in REFUSED else _constructor_settings(cls)
        missing = {key: "x" for key, default in settings.items() if default is REQUIRED}
        for key, default in settings.items():
            if isinstance(default, (bool, int, float)):
                got = refusal(kind, spec(name, **{key: "x"}, **missing))
                assert got.startswith(f"here.config.{key} expects "), got
                checked += 1
    assert checked > 0


@pytest.fixture
def theirs(own_modules):
    """A layer that a user has registered, and a function."""

    @keras.saving.register_keras_serializable("lab")
    class Own(keras.layers.Layer):
        def __init__(self, rate, size=3, part=None, **kwargs):
            super().__init__(**kwargs)
            if size == 0:
                raise ValueError("size is\n0")
            self.rate, self.size, self.part = rate, size, part

    keras.saving.register_keras_serializable("lab")(own_function)
    return Own


def own_function(y_true, y_pred):
    return y_pred


def test_theirs(theirs):
    """By package>Name only; their arguments are theirs to check, though one may be called as one of Keras's."""
    made = build_object("layer", spec("lab>Own", rate=4, size=[1, 2], part=spec("Ones"), name="x"))
    assert type(made) is theirs and (made.rate, made.size, made.name) == (4, [1, 2], "x")
    assert type(made.part) is keras.initializers.Ones
    assert has_setting("layer", "lab>Own", "rate") and not has_setting("layer", "lab>Own", "folder")
    assert refusal("layer", spec("lab>Own", rate=1, size=0)) == "here: lab>Own refuses its config: size is 0"
    assert refusal("layer", "lab>Own") == "here: lab>Own needs rate."
    assert "lab>Own has no setting 'rates'; did you mean 'rate'" in refusal("layer", spec("lab>Own", rates=1))
    assert refusal("layer", "Own").startswith("here expects a layer; received 'Own'; ")
    assert refusal("layer", "lab>Onw") == "here expects a layer; received 'lab>Onw'; did you mean 'lab>Own'?"
    assert refusal("loss", "lab>Own") == "here expects a loss; lab>Own is of kind layer."
    function = "here expects a loss; lab>own_function is no class of one: register a subclass of Loss."
    assert refusal("loss", "lab>own_function") == function
    assert refusal("loss", "bal>Own") == "here expects a loss; nothing of bal> is registered: --import its module."
