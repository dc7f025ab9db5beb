"""What `fit` trains: a model whose first output's figures are called as if it were the only one.

Source: none.
"""

import keras


class Trainer(keras.Model):
    """The model of these inputs and outputs; its metrics are "loss", "accuracy" however many outputs there are.

    Keras puts an output's name before its metrics once there is a second output.

    >>> inputs = keras.Input((1,))
    >>> heads = [keras.layers.Dense(3, name=name)(inputs) for name in ("first", "second")]
    >>> net = Trainer(inputs, heads)
    >>> net.compile(loss=["mse", "mse"], metrics=[["mae"], []])
    >>> sorted(net.evaluate(keras.ops.ones((2, 1)), [keras.ops.ones((2, 3))] * 2, return_dict=True, verbose=0))
    ['first_loss', 'loss', 'mae', 'second_loss']
    """

    def get_metrics_result(self):
        found, first = super().get_metrics_result(), f"{self.output_names[0]}_"
        short = {key: key.removeprefix(first) for key in found}
        return {key if short[key] in found else short[key]: value for key, value in found.items()}
