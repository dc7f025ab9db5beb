"""LiteRT files with 8-bit weights and activations, whose ranges come from examples.

Source: Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only
inference"
"""

from kzoo.checks import require
from kzoo.export.formats.litert import LiteRT, convert, is_quantized
from kzoo.terminal import percent

CALIBRATION = 200  # examples that determine the ranges


class LiteRTInt8(LiteRT):
    """One file that computes with integers; inputs and outputs are float32, or with `integer` int8.

    Operations without an 8-bit form stay in float32. The report has the accuracy before and after, if there are
    targets, because quantized outputs may differ by any amount.
    """

    name, label, order, file, tolerance = "litert_int8", "LiteRT int8", 3, "model_int8.tflite", None
    quantized = True

    def check_data(self, model, *, examples=None, representative=None, **data):
        """Raises Refusal for models of several inputs and if there are no examples to calibrate with."""
        who, representative = f"export to {self.name}", examples if representative is None else representative
        require(len(model.inputs) == 1, who, "a model of one input", inputs=len(model.inputs))
        enough = representative is not None and len(representative) > 0
        require(enough, who, "representative examples", examples=representative)

    def write(self, model, path, *, examples=None, representative=None, integer=False, **_):
        """Writes the file; the ranges come from `representative`, or from `examples` if it is None."""
        import numpy as np
        import tensorflow as tf

        from kzoo.export.fixed_shape import fill_batch

        representative = examples if representative is None else representative
        count = min(CALIBRATION, len(representative))
        chosen = np.linspace(0, len(representative) - 1, count).astype(int)
        x = np.asarray(representative[chosen], model.inputs[0].dtype)
        size = model.inputs[0].shape[0] or 1
        types = {"inference_input_type": tf.int8, "inference_output_type": tf.int8} if integer else {}
        convert(
            model,
            path,
            [tf.lite.OpsSet.TFLITE_BUILTINS_INT8],
            optimizations=[tf.lite.Optimize.DEFAULT],
            representative_dataset=lambda: ([fill_batch(x[i : i + size], size)] for i in range(0, len(x), size)),
            **types,
        )

    def report_extra(self, path, batches, outputs, *, targets=None, examples=None, representative=None, **_):
        chosen = examples if representative is None else representative
        return {
            **quantization(path),
            "calibration": {"examples": min(CALIBRATION, len(chosen)), "verified_on": representative is None},
            **agreement(batches, outputs),
            **self._accuracy(batches, outputs, targets),
        }

    def _accuracy(self, batches, outputs, targets):
        import numpy as np

        real = [i for i, batch in enumerate(batches) if batch.real]
        if np.ndim(targets) != 1 or not real:
            return {}
        before = np.concatenate([batches[i].expected[0] for i in real])
        after = np.concatenate([outputs[i][0] for i in real])
        return {"accuracy": {"before": accuracy(before, targets), "after": accuracy(after, targets)}}

    def card_code(self, report):
        *lines, call = self.code.splitlines()
        found = report.get("quantization", {"inputs": {}, "outputs": {}})
        for one in list(found["inputs"].values())[:1]:  # none if the model itself takes integers
            integers = f"np.round(x / {one['scale']}) {_signed(one['zero_point'])}"
            lines.append(f'x = np.clip({integers}, -128, 127).astype("int8")')
        lines.append(call)
        for one in list(found["outputs"].values())[:1]:
            lines.append(f'outputs = {one["scale"]} * (outputs.astype("float32") {_signed(-one["zero_point"])})')
        return "\n".join(lines)

    def difference_note(self, report):
        """Returns what the number beside 8-bit weights means: it is no error of the export, and has no limit."""
        if "calibration" not in report:  # of an earlier version
            return ""
        calibration, same = report["calibration"], report.get("agreement")
        verified_on = calibration["verified_on"]
        which = "of the inputs that it is verified on" if verified_on else "training or other representative examples"
        text = (
            "The largest difference is the largest change of one output by rounding to 8 bits, relative to the largest "
            f"output; it has no limit. The ranges of feature maps come from {calibration['examples']} {which}."
        )
        if same:
            kind = "examples" if same["real"] else "random inputs"
            share = percent(same["share"])
            text += f" The class with the largest output is the same as before for {share} of {same['count']:,} {kind}."
        return text

    def card_notes(self, report):
        notes = [note for note in [self.difference_note(report)] if note]
        if "quantization" in report:
            tensors = "; ".join(
                f"`{name}` has scale {one['scale']} and zero point {one['zero_point']}"
                for side in report["quantization"].values()
                for name, one in side.items()
            )
            notes.append(f"Inputs and outputs are int8 and mean scale * (integer - zero point): {tensors}.")
        if "accuracy" in report:
            before, after = (f"{100 * report['accuracy'][key]:.2f} %" for key in ("before", "after"))
            notes.append(f"Accuracy on the test examples: {after}; in float32 {before}.")
        return notes


def _signed(number):
    return f"{'-' if number < 0 else '+'} {abs(number)}"


def quantization(path):
    """Returns {"quantization": scales and zero points of the inputs and outputs, by name}, or {} if they are floats."""
    from ai_edge_litert.interpreter import Interpreter

    call = Interpreter(model_path=str(path)).get_signature_runner()
    sides = {"inputs": call.get_input_details(), "outputs": call.get_output_details()}
    found = {
        side: {
            name: {"scale": float(one["quantization"][0]), "zero_point": int(one["quantization"][1])}
            for name, one in details.items()
            if is_quantized(one)
        }
        for side, details in sides.items()
    }
    return {"quantization": found} if any(found.values()) else {}


def agreement(batches, outputs):
    """Returns {"agreement": share, count, real}: where the largest of the first output's classes stays the same.

    It is counted on the real examples, or on the random inputs if there are none; of label maps at each position.
    Returns {} for a model without classes.

    >>> from kzoo.export.verification_inputs import Batch
    >>> before = [[0.1, 0.9], [0.8, 0.2]]
    >>> agreement([Batch("serving_default", {}, [before])], [[[[0.2, 0.8], [0.4, 0.6]]]])
    {'agreement': {'share': 0.5, 'count': 2, 'real': False}}
    """
    import numpy as np

    real = any(batch.real for batch in batches)
    pairs = [(batch.expected[0], arrays[0]) for batch, arrays in zip(batches, outputs) if batch.real == real]
    if np.ndim(pairs[0][0]) < 2 or np.shape(pairs[0][0])[-1] < 2:
        return {}
    same = np.concatenate([np.ravel(np.argmax(a, -1) == np.argmax(b, -1)) for a, b in pairs])
    return {"agreement": {"share": float(same.mean()), "count": len(same), "real": real}}


def accuracy(outputs, targets):
    """Returns the fraction of examples whose largest output is that of their class.

    >>> import numpy as np
    >>> accuracy(np.eye(3), np.array([0, 1, 1])) == 2 / 3
    True
    """
    import numpy as np

    return float(np.mean(np.argmax(outputs, -1) == np.asarray(targets)))


FORMAT = LiteRTInt8()
