"""The model that `fit` trains, with the same metric names for one output and for several."""

import keras

from kzoo.checks import require

RECORDED = "recorded"  # the entry of an evaluation step's results that holds an input, targets and outputs


class Trainer(keras.Model):
    """A `keras.Model` that strips the first output's name from metric names.

    Keras prefixes a metric with its output's name if there are several outputs: "first_accuracy" instead of "accuracy".
    What it is saved or serialized to is a plain functional model, which Keras loads without kzoo.training.

    >>> inputs = keras.Input((1,))
    >>> heads = [keras.layers.Dense(3, name=name)(inputs) for name in ("first", "second")]
    >>> model = Trainer(inputs, heads)
    >>> model.compile(loss=["mse", "mse"], metrics=[["mae"], []])
    >>> sorted(model.evaluate(keras.ops.ones((2, 1)), [keras.ops.ones((2, 3))] * 2, return_dict=True, verbose=0))
    ['first_loss', 'loss', 'mae', 'second_loss']
    """

    records = 0  # how many outputs

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.saved_class = type(self._plain())

    @property  # type: ignore[misc]
    def __class__(self):
        """The class whose name Keras writes into files."""
        return vars(self).get("saved_class", type(self))

    def save(self, filepath, **options):
        """Saves a plain `keras.Model` without the optimizer."""
        self._plain().save(filepath, **options)

    def to_json(self, **options):
        """Returns the plain model as JSON, which TensorBoard shows as a graph: the same in each process."""
        return self._plain().to_json(**options)

    def _plain(self):
        return keras.Model(self.input, self.output, name=self.name)

    def record_outputs(self, count=1):
        """Has evaluation, from now on, give callbacks the first input and `count` targets and outputs as RECORDED."""
        if self.records != count:
            self.records = count
            self.make_test_function(force=True)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        results = super().compute_metrics(x, y, y_pred, sample_weight)
        if self.records:
            x, y, y_pred = (keras.tree.flatten(part) for part in (x, y, y_pred))
            results[RECORDED] = (x[0], *y[: self.records], *y_pred[: self.records])
        return results

    def get_metrics_result(self):
        results, prefix = super().get_metrics_result(), f"{self.output_names[0]}_"
        for name, value in results.items():
            shape = tuple(getattr(value, "shape", ()))
            require(
                shape == (), f"training.metrics: {name}", "one number, such as F1Score's average: macro", shape=shape
            )
        short = {key: key.removeprefix(prefix) for key in results}
        return {key if short[key] in results else short[key]: value for key, value in results.items()}
