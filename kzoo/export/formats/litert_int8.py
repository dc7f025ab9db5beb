"""LiteRT files with 8-bit weights and activations, whose ranges come from examples.

Source: Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only
inference"
"""

from kzoo.checks import require
from kzoo.export.fixed_shape import fill_batch
from kzoo.export.formats.litert import LiteRT, convert

CALIBRATION = 200  # examples that determine the ranges


class LiteRTInt8(LiteRT):
    """One file that computes with integers; inputs and outputs are float32.

    Operations without an 8-bit form stay in float32. The report has the accuracy before and after, if there are
    targets, because quantized outputs may differ by any amount.
    """

    name, label, order, file, tolerance = "litert_int8", "LiteRT int8", 3, "model_int8.tflite", None

    def check_data(self, model, *, examples=None, representative=None, **_):
        """Raises Refusal for models of several inputs and if there are no examples to calibrate with."""
        who, representative = f"export to {self.name}", examples if representative is None else representative
        require(len(model.inputs) == 1, who, "a model of one input", inputs=len(model.inputs))
        enough = representative is not None and len(representative) > 0
        require(enough, who, "representative examples", examples=representative)

    def write(self, model, path, *, examples=None, representative=None, **_):
        """Writes the file; the ranges come from `representative`, or from `examples` if it is None."""
        import numpy as np
        import tensorflow as tf

        self.check_data(model, examples=examples, representative=representative)
        representative = examples if representative is None else representative
        count = min(CALIBRATION, len(representative))
        chosen = np.linspace(0, len(representative) - 1, count).astype(int)
        x = np.asarray(representative[chosen], model.inputs[0].dtype)
        size = model.inputs[0].shape[0] or 1
        convert(
            model,
            path,
            [tf.lite.OpsSet.TFLITE_BUILTINS_INT8],
            optimizations=[tf.lite.Optimize.DEFAULT],
            representative_dataset=lambda: ([fill_batch(x[i : i + size], size)] for i in range(0, len(x), size)),
        )

    def report_extra(self, batches, outputs, targets=None):
        import numpy as np

        real = [i for i, batch in enumerate(batches) if batch.real]
        if np.ndim(targets) != 1 or not real:
            return {}
        before = np.concatenate([batches[i].expected[0] for i in real])
        after = np.concatenate([outputs[i][0] for i in real])
        return {"accuracy": {"before": accuracy(before, targets), "after": accuracy(after, targets)}}

    def card_notes(self, report):
        if "accuracy" not in report:
            return []
        before, after = (f"{100 * report['accuracy'][key]:.2f} %" for key in ("before", "after"))
        return [f"Accuracy on the test examples: {after}; in float32 {before}."]


def accuracy(outputs, targets):
    """Returns the fraction of examples whose largest output is that of their class.

    >>> import numpy as np
    >>> accuracy(np.eye(3), np.array([0, 1, 1])) == 2 / 3
    True
    """
    import numpy as np

    return float(np.mean(np.argmax(outputs, -1) == np.asarray(targets)))


FORMAT = LiteRTInt8()
