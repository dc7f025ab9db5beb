"""One net to one file or folder that other programs run: written aside, run by its runtime alone, then put in place.

Source: none.
"""

import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, require
from kzoo.export.argmax_ties import undecided
from kzoo.export.formats import FORMATS, find_format, format_at
from kzoo.export.int8 import accuracy, write_int8
from kzoo.export.isolated_process import max_difference, run_isolated
from kzoo.export.litert import write_litert
from kzoo.export.onnx import write_onnx
from kzoo.export.openvino import write_openvino
from kzoo.export.preflight import check
from kzoo.export.rewrites import portable
from kzoo.export.saved_model import stage_maps, stages, takes_images, write_saved_model
from kzoo.export.verification_inputs import BATCHES, REAL, Case, case_of, cases
from kzoo.files import atomic_replace

WRITERS = {"onnx": write_onnx, "litert": write_litert, "openvino": write_openvino}
HALF = 2e-2  # bfloat16 has 8 bits, and fusions round at other places


def export(
    net, path, format="saved_model", *, examples=None, targets=None, labels=None, images=None, representative=None
):
    """Write a functional or sequential model to `path`, run it in a bare process, and say how far it differs.

    format: "saved_model", a folder with the signatures that `kzoo.export.saved_model` tells; "onnx", a file NAME.onnx;
    "litert", a file NAME.tflite; "litert_int8", the same with 8-bit weights and maps; "openvino", a folder. All take
    any number of examples, and any size where the net does; all but "saved_model" compute in float32.
    It is written aside, run by its runtime in a process that can import neither kzoo nor Keras, on random inputs and
    the examples, and takes the place of an older export only when its outputs are right: within 1e-5 of the largest,
    1e-4 in other formats, 2e-2 for a SavedModel in half precision. Examples on which the net's own answers move as
    much for inputs as good as equal may differ more, and the report tells how many (`kzoo.export.argmax_ties`).
    "litert_int8" tells the accuracy instead.
    Arguments: examples, real inputs (N, *input_shape); targets (N,), their classes; labels, names of the classes;
    images, whether a SavedModel gets signatures for image files and pixels (None: if the net takes images);
    representative, inputs that "litert_int8" takes its ranges from, otherwise the examples.
    Returns a dict: format, file, bytes, tried, max_difference, seconds, and for some formats more.
    Errors: ValueError, one line, for a path, a format or a net that will not do; nothing is then left behind.

    >>> import tempfile
    >>> from kzoo.models.registry import model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = export(model("mnist1d_fc100"), f"{folder}/saved_model")
    >>> done["tried"], done["max_difference"] <= 1e-5
    (['1 x 40 x 1', '7 x 40 x 1'], True)
    """
    path, wanted = Path(path), Path(find_format(format).file).suffix
    require(path.suffix == wanted or not wanted, "export", f"a path that ends in {wanted!r}", path=str(path))
    ours = not path.exists() or format_at(path) == format.removesuffix("_int8")
    require(ours, "export", f"a path where there is nothing, or another {FORMATS[format].label}", path=str(path))
    with atomic_replace(path) as partial:
        return write(net, partial, format, examples, targets, labels, images, representative)


def write(net, path, format, examples=None, targets=None, labels=None, images=None, representative=None):
    """What `export` does, without care for what is at `path`."""
    check(net, format)
    began = time.perf_counter()
    held = portable(net, float32=format != "saved_model")
    tried = cases(held, examples)
    try:
        if format == "saved_model":
            images = takes_images(held) if images is None else images
            write_saved_model(held, path, labels, images)
            tried += _of_signatures(held, tried, images)
        elif format == "litert_int8":
            write_int8(held, path, examples if representative is None else representative)
        else:
            WRITERS[format](held, path)
    except tf.errors.OpError as error:  # TensorFlow's way to tell that a disk is full
        raise OSError(None, str(error).split(";")[-1].strip()) from error
    except (TypeError, NotImplementedError, ValueError) as error:
        if isinstance(error, Refusal):
            raise
        raise Refusal(f"export of {net.name} to {format}: {' '.join(str(error).split())[:300]}") from error
    answers = run_isolated(path, tried, format)
    differences = [
        max_difference(wanted, got)
        for case, found in zip(tried, answers)
        for wanted, got in zip(case.wanted, found, strict=True)
    ]
    report = {
        "format": format,
        "file": path.name,
        "bytes": sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file()),
        "tried": list(dict.fromkeys(case.shape for case in tried if case.signature == "serving_default")),
        "max_difference": max(differences, key=lambda d: np.inf if np.isnan(d) else d),
    }
    _judge(report, held, format, list(zip(tried, answers)))
    if format == "saved_model":
        report["signatures"] = list(dict.fromkeys(case.signature for case in tried))
    elif format == "litert_int8" and np.ndim(targets) == 1 and examples is not None:
        report["accuracy"] = _accuracies(tried, answers, targets)
    return {**report, "seconds": round(time.perf_counter() - began, 2)}


def _judge(report, net, format, answered):
    """Refuse a difference that is more than rounding; a NaN above all."""
    tolerance, difference = FORMATS[format].tolerance, report["max_difference"]
    if format == "saved_model" and any("16" in layer.compute_dtype for layer in net.layers):
        tolerance = HALF
    good = np.isfinite(difference) if tolerance is None else difference <= tolerance
    if not good and tolerance:
        counts = [undecided(net, case, found, tolerance) for case, found in answered]
        good = None not in counts
        report["undecided"] = sum(counts) if good else None
    if not good:
        label, limit = FORMATS[format].label, "" if tolerance is None else f"; {tolerance:g} is allowed"
        raise Refusal(
            f"export: the {label} of {net.name} differs from the net by {difference:.1e} of the largest output{limit}."
        )


def _of_signatures(net, tried, images):
    """Cases of a SavedModel's other signatures, on its smallest inputs."""
    first, found = tried[len(BATCHES) - 1], []
    inputs = list(first.inputs.values())
    if stages(net):
        maps = case_of(stage_maps(net), inputs).wanted
        found.append(Case("features", first.inputs, [np.asarray(y, "float32") for y in maps]))
    if images:
        draw = np.random.default_rng(0)
        pixels = draw.integers(0, 256, inputs[0].shape).astype("uint8")
        files = np.array([tf.io.encode_png(one).numpy() for one in pixels])
        wanted = case_of(net, [pixels.astype(inputs[0].dtype)]).wanted
        found += [Case("serve_pixels", {"pixels": pixels}, wanted), Case("serve_image", {"image": files}, wanted)]
    return found


def _accuracies(tried, answers, targets):
    """Of the net and of its export, on the examples: the cases after the random ones."""
    count = -(-len(targets) // REAL)
    real = range(len(tried) - count, len(tried))
    before, after = (np.concatenate([outputs[i][0] for i in real]) for outputs in ([c.wanted for c in tried], answers))
    return {"before": accuracy(before, targets), "after": accuracy(after, targets)}
