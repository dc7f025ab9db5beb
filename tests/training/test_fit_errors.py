"""Errors in `fit`: of the config before the first step, of the program after it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.callbacks import EarlyStopping

from kzoo.checks import Refusal
from kzoo.training.fit_errors import FitErrors, note_on_error


class Fail(keras.callbacks.Callback):
    """Raises an error at the end of the epoch with the given index."""

    def __init__(self, error, at):
        super().__init__()
        self.error, self.at = error, at

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.at:
            raise self.error


def fit(loss="mse", error=None, at=0, label="it", steps_per_call=1):
    """Trains for two epochs of three batches."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", loss)
    with FitErrors(label, steps_per_call) as errors:
        callbacks = [errors, *([Fail(error, at)] if error else [])]
        model.fit(np.ones((6, 2)), np.ones((6, 1)), batch_size=2, epochs=2, callbacks=callbacks, verbose=0)


def test_before_the_first_step_the_config_is_refused():
    with pytest.raises(Refusal, match="^it cannot be trained with this config: two lines$") as caught, FitErrors("it"):
        raise ValueError("two\n  lines")
    assert type(caught.value.__cause__) is ValueError  # for `kzoo --debug`
    with pytest.raises(Refusal, match="^it cannot be trained with this config: .*nonsense$"):
        fit(loss="nonsense")


def test_refusals_pass_through():
    with pytest.raises(Refusal, match="^mine$") as caught, FitErrors("it"):
        raise Refusal("mine")
    assert not hasattr(caught.value, "__notes__")
    with pytest.raises(KeyboardInterrupt), FitErrors("it"):
        raise KeyboardInterrupt


def test_errors_of_keras_callbacks_are_the_configs():
    """Of the end of the first epoch: Keras does not know whether a metric of the user's is to be maximized."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[metric])
    words = "^training.callbacks: EarlyStopping fails: .*monitor=metric"
    with pytest.raises(Refusal, match=words), FitErrors("it") as errors:
        model.fit(np.ones((6, 2)), np.ones((6, 1)), callbacks=[errors, EarlyStopping("metric")], verbose=0)


def metric(y, predicted):
    return keras.ops.mean(y - predicted)


def test_other_errors_before_the_first_step_are_not_the_configs():
    with pytest.raises(KeyError), FitErrors("it"):
        raise KeyError("x")


@pytest.mark.parametrize("kind", [ValueError, RuntimeError])
def test_later_errors_keep_their_class_and_text(kind):
    with pytest.raises(kind, match="a long\n text") as caught:
        fit(error=kind("a long\n text"), at=1, steps_per_call=10)
    assert type(caught.value) is kind and str(caught.value) == "a long\n text"
    assert caught.value.__notes__ == ["it: in epoch 2, after 30 steps of it."]


@pytest.mark.parametrize(
    "callback, path",
    [
        (keras.callbacks.CSVLogger("/dev/full"), "/dev/full"),
        (Fail(tf.errors.ResourceExhaustedError(None, None, "x; No space left on device"), 0), "Fail"),
    ],
    ids=["CSVLogger", "without a path"],
)
def test_a_full_disk_is_said_of_the_callbacks_file(callback, path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(OSError, match=f"No space left on device: '{path}'$"), FitErrors("it") as errors:
        model.fit(np.ones((6, 2)), np.ones((6, 1)), callbacks=[errors, callback], verbose=0)


def test_a_full_disk_outside_of_callbacks_keeps_its_own_words():
    full = tf.errors.ResourceExhaustedError(None, None, "cache/x.pb; No space left on device")
    with pytest.raises(tf.errors.ResourceExhaustedError, match="cache/x.pb"), FitErrors("it"):
        raise full


def test_note_on_error():
    with pytest.raises(ValueError, match="x") as caught, note_on_error("a note"):
        raise ValueError("x")
    assert caught.value.__notes__ == ["a note"]
    with pytest.raises(Refusal, match="^y$") as caught, note_on_error("a note"):
        raise Refusal("y")
    assert not hasattr(caught.value, "__notes__")
