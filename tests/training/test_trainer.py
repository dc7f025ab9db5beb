"""Figures of a model with several outputs, stepwise and looped, are called as those of a model with one."""

import numpy as np
import pytest
import tensorflow as tf
from tests.training.test_assemble import TWO, config, two_headed

from kzoo.export.inference_model import inference_model
from kzoo.training.model_building import arrange, build_trainer


@pytest.mark.parametrize("calls", [1, 3])
def test_training_on_two_inputs_and_two_outputs(calls):
    chosen, net = config(*TWO, f"training.steps_per_call={calls}", "training.steps_per_epoch=3"), two_headed()
    draw = np.random.default_rng(0)
    data = tf.data.Dataset.from_tensors((draw.normal(size=(5, 4)).astype("float32"), draw.integers(0, 3, 5)))
    stream, trainer = arrange(chosen, net, data), build_trainer(chosen, net)
    figures = trainer.fit(stream.repeat(3).batch(3) if calls > 1 else stream.repeat(3), verbose=0).history
    assert {"loss", "accuracy", "predictions_loss", "again_loss"} <= set(figures)
    scores = trainer.evaluate(stream, return_dict=True, verbose=0)
    assert scores["loss"] == pytest.approx(scores["predictions_loss"] + 0.5 * scores["again_loss"], rel=1e-6)
    only = inference_model(net)
    assert only.input_shape == (None, 4) and only.output_shape == (None, 3)
