"""Metric names of a model with several outputs equal those of a model with one, stepwise and looped."""

import pickle
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.export.inference_model import inference_model
from kzoo.training.looped_model import LoopedModel
from kzoo.training.model_batches import map_inputs_and_targets
from kzoo.training.trainer import RECORDED, Trainer
from kzoo.training.trainer_building import build_trainer
from tests.training.small import TWO, config, two_headed


@pytest.mark.parametrize("calls", [1, 3])
def test_training_on_two_inputs_and_two_outputs(calls):
    chosen, model = config(*TWO, f"training.steps_per_call={calls}", "training.steps_per_epoch=3"), two_headed()
    draw = np.random.default_rng(0)
    data = tf.data.Dataset.from_tensors((draw.normal(size=(5, 4)).astype("float32"), draw.integers(0, 3, 5)))
    dataset, trainer = map_inputs_and_targets(chosen, model, data), build_trainer(chosen, model)
    history = trainer.fit(dataset.repeat(3).batch(3) if calls > 1 else dataset.repeat(3), verbose=0).history
    assert {"loss", "accuracy", "predictions_loss", "again_loss"} <= set(history)
    scores = trainer.evaluate(dataset, return_dict=True, verbose=0)
    assert scores["loss"] == pytest.approx(scores["predictions_loss"] + 0.5 * scores["again_loss"], rel=1e-6)
    only = inference_model(model)
    assert only.input_shape == (None, 4) and only.output_shape == (None, 3)


def test_recorded_outputs():
    """Callbacks of an evaluation see the first input, target and output; results and saved files stay as they are."""
    chosen, model = config(*TWO), two_headed()
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((x, np.arange(5) % 3)).batch(2)
    dataset, trainer, seen = map_inputs_and_targets(chosen, model, data), build_trainer(chosen, model), []
    record = keras.callbacks.LambdaCallback()
    record.on_test_batch_end = lambda batch, logs: seen.append(logs[RECORDED])
    before = trainer.evaluate(dataset, return_dict=True, verbose=0)
    trainer.record_outputs()
    after = trainer.evaluate(dataset, return_dict=True, verbose=0, callbacks=[record])
    assert {name: after[name] for name in before} == before and set(after) == {*before, RECORDED}
    inputs, targets, outputs = (np.concatenate(parts) for parts in zip(*seen))
    assert np.array_equal(inputs, x) and targets.tolist() == [0, 1, 2, 0, 1]
    assert np.allclose(outputs, inference_model(model).predict(x, verbose=0), atol=1e-6)
    seen.clear()
    trainer.record_outputs(2)
    trainer.evaluate(dataset, return_dict=True, verbose=0, callbacks=[record])
    _, _, again, _, output = (np.concatenate(parts) for parts in zip(*seen))
    assert np.allclose(again, x / 2) and output.shape == (5, 4)  # the second target is the preprocessed input


@pytest.mark.parametrize("calls", [1, 3])
def test_a_saved_trainer_is_a_plain_model(tmp_path, calls):
    """So that what ModelCheckpoint saves can be loaded."""
    chosen, model = config(*TWO, f"training.steps_per_call={calls}", "training.steps_per_epoch=3"), two_headed()
    build_trainer(chosen, model).save(tmp_path / "x.keras", overwrite=True)
    loaded = keras.saving.load_model(tmp_path / "x.keras")
    assert type(loaded).__name__ == "Functional"
    for one, other in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def through_a_file(model, path):
    keras.saving.save_model(model, path)
    return keras.saving.load_model(path)


WAYS = {  # every way in which Keras writes a model, and reads it again
    "save": lambda model, path: (model.save(path), keras.saving.load_model(path))[1],
    "save_model": through_a_file,
    "json": lambda model, path: keras.models.model_from_json(model.to_json()),
    "clone": lambda model, path: keras.models.clone_model(model),
    "pickle": lambda model, path: pickle.loads(pickle.dumps(model)),
    "part": lambda model, path: through_a_file(keras.Sequential([keras.Input((4,)), model]), path).layers[0],
}


@pytest.mark.parametrize("cls", [Trainer, LoopedModel])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_saving_gives_a_plain_model(tmp_path, cls, way):
    inputs = keras.Input((4,))
    trainer = cls(inputs, keras.layers.Dense(2)(inputs))
    trainer.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        again = WAYS[way](trainer, tmp_path / "x.keras")
        x = np.ones((3, 4), "float32")
        assert again.predict(x, verbose=0).shape == (3, 2)  # a list of inputs, for one, would be warned about
    assert type(again) is type(keras.Model(inputs, inputs)) and isinstance(trainer, cls)
    if way not in ("json", "clone"):
        np.testing.assert_array_equal(again.predict(x, verbose=0), trainer.predict(x, verbose=0))
