"""Checks the callbacks of a config against the model and what its training reports."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras

from kzoo.checks import Refusal, nearest

SELECTING = ("EarlyStopping", "ReduceLROnPlateau", "ModelCheckpoint")  # Keras's callbacks that read `monitor`


class CallbackChecks(keras.callbacks.Callback):
    """Runs `check_callbacks` after the first step of training, which is when Keras knows the names of all values.

    Arguments: callbacks, to be checked; validated, whether there is validation data.
    """

    def __init__(self, callbacks: Sequence[Any], validated: bool):
        super().__init__()
        self.callbacks, self.validated, self.checked = callbacks, validated, False

    def on_train_batch_end(self, batch, logs=None):
        if not self.checked:
            self.checked = True
            check_callbacks(self.callbacks, self.model, logs, self.validated)


def check_callbacks(callbacks: Sequence[Any], model: keras.Model, names: Iterable[str], validated: bool) -> None:
    """Raises Refusal for a callback that would have no effect or fail at the end of an epoch.

    Keras only warns about a `monitor` that is not reported. Arguments: names, of the values that a step reports.
    """
    names = [*names, *(f"val_{name}" for name in names if validated)]
    for callback in callbacks:
        who = type(callback).__name__
        selects = who in SELECTING and getattr(callback, "save_best_only", True)
        if selects and callback.monitor not in names:
            missing = callback.monitor.startswith("val_") and not validated
            remedy = "data.validation is 0" if missing else nearest(callback.monitor, names)
            raise Refusal(f"training.callbacks: {who} monitors {callback.monitor!r}, which is not reported; {remedy}")
        if isinstance(callback, keras.callbacks.SwapEMAWeights) and not model.optimizer.use_ema:
            raise Refusal(f"training.callbacks: {who} needs an optimizer with use_ema: true.")
