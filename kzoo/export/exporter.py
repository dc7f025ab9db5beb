"""Exports one model to a file or folder, which is verified in an isolated process before it replaces an older one."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.export.argmax_ties import count_argmax_ties
from kzoo.export.comparison import max_difference
from kzoo.export.fixed_shape import fix_input_shape
from kzoo.export.isolated_process import run_isolated
from kzoo.export.keras_export import output_names
from kzoo.export.preflight import check_exportable
from kzoo.export.registry import find_format, format_at
from kzoo.export.rewrites import rewrite_for_export
from kzoo.export.verification_inputs import batch_sizes, verification_batches
from kzoo.files import atomic_replace
from kzoo.types import PathLike, Tensor


def export(
    model: keras.Model,
    path: PathLike,
    format: str = "saved_model",
    *,
    batch_size: int | None = None,
    size: Sequence[int] | None = None,
    examples: Tensor = None,
    targets: Tensor = None,
    labels: Any = None,
    images: bool | None = None,
    resize: str | int = "stretch",
    representative: Tensor = None,
    integer: bool = False,
) -> dict[str, Any]:
    """Exports a functional or sequential model to `path`, verifies the export, and returns a report.

    format: "saved_model", a folder (its signatures: `kzoo.export.formats.saved_model`); "onnx", a file NAME.onnx;
    "litert", a file NAME.tflite; "litert_int8", the same with 8-bit weights and activations; "openvino", a folder. All
    accept batches of any size, and images of any size if the model does. All except "saved_model" compute in float32.
    Inputs and outputs have the model's names in every format.

    batch_size: the number of examples in every batch that the export takes (None: any, unless the model was built for a
    fixed one); it is verified on such batches only. size: a number for each unknown side of the inputs, such as
    (height, width), as some formats need for some models (None: any).

    The export is written to a temporary path and run by its runtime in a process that can import neither kzoo nor
    Keras, on random inputs and on the examples. It replaces an older export at `path` only if its outputs are correct:
    the largest difference, relative to the largest output, is at most 1e-5 for a SavedModel (2e-2 in half precision)
    and 1e-4 for other formats. Examples with argmax ties that float rounding flips may differ more; the report has
    their number (`kzoo.export.argmax_ties`). For "litert_int8" any finite difference is accepted; the report has how
    many classes stay the same ("agreement"), the accuracy, and the number of examples that the ranges come from.

    Arguments: examples, real inputs (N, *input_shape), of a model of several inputs {input name: array}; targets (N,),
    their classes; labels, names of the classes; images, whether a SavedModel gets signatures for image files and pixels
    (None: if the model takes images); resize, how these give images the model's size, as for `kzoo.data.load`;
    representative, inputs that determine the ranges of "litert_int8" (None: the examples); integer, whether the inputs
    and outputs of "litert_int8" are int8, with the scales and zero points that the report has as "quantization".
    Returns a dict: format, file, inputs (their shapes by name), outputs (their names), bytes, tried, max_difference,
    seconds, and for some formats more.
    Raises ValueError with one line if the path, the format or the model does not fit; nothing is left behind.

    >>> import tempfile
    >>> from kzoo.models.registry import model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = export(model("mnist1d_fc100"), f"{folder}/saved_model")
    >>> report["tried"], report["max_difference"] <= 1e-5
    (['1 x 40 x 1', '7 x 40 x 1'], True)
    """
    path, chosen = Path(path), find_format(format)
    suffix = Path(chosen.file).suffix
    require(path.suffix == suffix or not suffix, "export", f"a path that ends in {suffix!r}", path=str(path))
    found = format_at(path)
    replaceable = not path.exists() or (found is not None and found.runtime == chosen.runtime)
    require(replaceable, "export", f"a path where there is nothing, or another {chosen.label}", path=str(path))
    data = {"examples": examples, "targets": targets, "labels": labels, "images": images}
    data |= {"resize": resize, "representative": representative, "integer": integer}
    model = fix_input_shape(model, batch_size, size)
    with atomic_replace(path) as partial:
        return write_and_verify(model, partial, chosen, **data)


def write_and_verify(model, path, format, **data):
    """Does what `export` does, but writes directly to `path`. format: an `ExportFormat`."""
    check_exportable(model, format)
    format.check_data(model, **data)
    if isinstance(model, keras.Sequential):  # one that was loaded from a file has no `input`
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    started = time.perf_counter()
    model = rewrite_for_export(model, format.float32)
    batches = verification_batches(model, data.get("examples"))
    try:
        format.write(model, path, **data)
        batches += format.signature_batches(model, batches[len(batch_sizes(model)) - 1], **data)
    except tf.errors.OpError as error:  # how TensorFlow reports a full disk
        raise OSError(None, str(error).split(";")[-1].strip()) from error
    except Refusal:
        raise
    except (TypeError, NotImplementedError, ValueError) as error:
        raise Refusal(f"export of {model.name} to {format.name}: {' '.join(str(error).split())[:300]}") from error
    outputs = [
        [y[: -batch.padding] if batch.padding else y for y in arrays]
        for batch, arrays in zip(batches, run_isolated(path, batches, format))
    ]
    differences = [
        max_difference(expected, received)
        for batch, arrays in zip(batches, outputs)
        for expected, received in zip(batch.expected, arrays, strict=True)
    ]
    report = {
        "format": format.name,
        "file": path.name,
        "inputs": {tensor.name: list(tensor.shape) for tensor in model.inputs},
        "outputs": output_names(model),
        "bytes": sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file()),
        "tried": list(dict.fromkeys(batch.shape for batch in batches if batch.signature == "serving_default")),
        "max_difference": max(differences, key=lambda d: np.inf if np.isnan(d) else d),
    }
    report |= _accept_difference(report["max_difference"], model, format, batches, outputs)
    report |= format.report_extra(path, batches, outputs, **data)
    return {**report, "seconds": round(time.perf_counter() - started, 2)}


def _accept_difference(difference, model, format, batches, outputs):
    """Returns {} for a difference within the tolerance, {"undecided": examples with argmax ties} for one due to ties.

    Raises Refusal for any other difference and for NaN.
    """
    tolerance = format.allowed_difference(model)
    if np.isfinite(difference) if tolerance is None else difference <= tolerance:
        return {}
    if tolerance is not None:
        counts = [count_argmax_ties(model, batch, arrays, tolerance) for batch, arrays in zip(batches, outputs)]
        if None not in counts:
            return {"undecided": sum(counts)}
    limit = "" if tolerance is None else f"; {tolerance:g} is allowed"
    raise Refusal(
        f"export: the outputs of the {format.label} of {model.name} differ from the model's by {difference:.1e} of the "
        f"largest output{limit}."
    )
