"""A model that runs several optimizer steps in one call, for models so small that a call costs more than a step."""

from typing import Any

import keras
import tensorflow as tf

from kzoo.training.trainer import Trainer


class LoopedModel(Trainer):
    """A `Trainer` whose batches have shape (steps, batch, ...): one compiled loop runs all their steps.

    Weights and metrics equal those of a plain `fit` over the same batches. For callbacks each call is one batch.

    >>> inputs = keras.Input((1,))
    >>> model = LoopedModel(inputs, keras.layers.Dense(1)(inputs))
    >>> model.compile("sgd", "mse")
    >>> _ = model.fit(tf.data.Dataset.from_tensors((tf.ones((5, 2, 1)), tf.ones((5, 2, 1)))), verbose=0)
    >>> int(model.optimizer.iterations)
    5
    """

    def train_step(self, data: Any) -> dict[str, Any]:
        """Runs Keras's `train_step` once for each step in `data`."""
        steps = tf.shape(tf.nest.flatten(data)[0])[0]

        def body(i):
            keras.Model.train_step(self, tf.nest.map_structure(lambda each: each[i], data))
            return i + 1

        tf.while_loop(lambda i: i < steps, body, [tf.constant(0)])
        return self.get_metrics_result()
