"""Many optimizer steps in one call of Keras, for nets so small that the call costs more than the step.

Source: none.
"""

import keras
import tensorflow as tf

from kzoo.training.trainer import Trainer


class LoopedModel(Trainer):
    """The model of these inputs and outputs, trained on super-batches (steps, batch, ...) by a compiled loop.

    Weights and metrics are those of plain `fit` over the same batches; Keras sees each call as one batch.

    >>> inputs = keras.Input((1,))
    >>> net = LoopedModel(inputs, keras.layers.Dense(1)(inputs))
    >>> net.compile("sgd", "mse")
    >>> _ = net.fit(tf.data.Dataset.from_tensors((tf.ones((5, 2, 1)), tf.ones((5, 2, 1)))), verbose=0)
    >>> int(net.optimizer.iterations)
    5
    """

    def train_step(self, data):
        """As Keras's, once for each step of the super-batch."""
        steps = tf.shape(tf.nest.flatten(data)[0])[0]

        def body(i):
            keras.Model.train_step(self, tf.nest.map_structure(lambda each: each[i], data))
            return i + 1

        tf.while_loop(lambda i: i < steps, body, [tf.constant(0)])
        return self.get_metrics_result()
