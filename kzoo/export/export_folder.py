"""A folder with one model in several formats, its class names, a model card and a record; complete or absent.

The record, export.json, has `model_info`, the number of saved examples and the model's outputs for them ("answers"),
the results of its run ("figures"), a hash of the weights and the reports of the formats ("exports").
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import keras
import numpy as np
from annotated_types import Len
from pydantic import BaseModel
from rich.table import Table

from kzoo.checks import Refusal, as_bool, require
from kzoo.export.damage import RECORD, sha256_of
from kzoo.export.exporter import write_and_verify
from kzoo.export.fixed_shape import fill_batch, fix_input_shape, takes_examples
from kzoo.export.model_card import EXAMPLES, export_card, file_size, format_difference, model_info
from kzoo.export.preflight import check_exportable
from kzoo.export.registry import FORMATS, find_format
from kzoo.files import atomic_replace, copy_path
from kzoo.json_record import read_record

LABELS, CARD = "labels.txt", "README.md"
KEPT_EXAMPLES, MAX_OUTPUTS = 8, 10_000  # examples saved; output values from which the record leaves them out


def write_export_folder(
    model,
    folder,
    formats,
    origin,
    results=None,
    overwrite=False,
    serving=False,
    say=None,
    batch_size=None,
    size=None,
    integer=False,
    trained=None,
    tasks=(),
    **data,
):
    """Exports `model` to the folder in several formats. Returns the reports of all formats that are in it then.

    An earlier export of the same model there keeps its other formats: only those that are named are replaced. With
    `overwrite` the whole folder is replaced. At any moment the folder is the old one or the new one, complete.
    A report is as that of `kzoo.export.exporter.export`. formats: their names; origin: where the model comes from, for
    the card; results: those of its run, as in metrics.json; serving: write the SavedModel to `folder/1/`, or the next
    number, for TensorFlow Serving; say: a function that prints a line of progress; integer: as for `export`, for those
    of the formats that can have integers; trained: whether the weights are trained (None: unknown); tasks: of the
    outputs, where they are not one of classes; batch_size, size and data (examples, targets, labels, images, resize,
    representative): as for `export`.
    Raises ValueError with one line if the folder is no export, if it is a damaged one or one of another model and
    `overwrite` is false, or if a format fails; what existed before is then unchanged.
    """
    folder = Path(folder)
    require(formats, "export", f"at least one format of {', '.join(FORMATS)}", formats=formats)
    formats = [find_format(name) for name in dict.fromkeys(formats)]
    ready = not serving or FORMATS["saved_model"] in formats
    require(ready, "export", "format saved_model for serving", formats=[format.name for format in formats])
    integer = as_bool("export", integer=integer)
    ready = not integer or any(format.quantized for format in formats)
    require(ready, "export", "format litert_int8 for integers", formats=[format.name for format in formats])
    if folder.exists() and not (folder / RECORD).is_file():
        raise Refusal(f"{folder} is not an export of kzoo, so nothing is written there: choose another folder.")
    model = fix_input_shape(model, batch_size, size)
    if size is not None:
        data = leave_out_other_sizes(model, data, say)
    for format in formats:  # all of them before the first is written
        check_exportable(model, format)
        format.check_data(model, **data, integer=integer and format.quantized)
    info = model_info(model, origin, data.get("labels"), data.get("images"), trained, tasks)
    info |= {"resize": data.get("resize", "stretch"), "weights_sha256": weights_sha256(model)}
    with atomic_replace(folder) as partial:
        earlier = None if overwrite or not folder.exists() else read_same_model(folder, info)
        kept = [each for each in earlier["exports"] if find_format(each["format"]) not in formats] if earlier else []
        check_undamaged(folder, kept)
        partial.mkdir()
        for path in others_in(folder, earlier, kept):
            copy_path(path, partial / path.name)
        versions = [int(child.name) for child in folder.iterdir() if child.name.isdecimal()] if folder.exists() else []
        version = str(1 + max(versions, default=0))
        new = []
        for format in formats:
            if say:
                say(f"{format.label}: writing and verifying")
            file = version if serving and format.name == "saved_model" else format.file
            new.append(write_and_verify(model, partial / file, format, **data, integer=integer and format.quantized))
        info |= {**save_examples(model, partial, data.get("examples")), "figures": results}
        if earlier:  # whose data may have gone meanwhile
            info["labels"] = info["labels"] or earlier["labels"]
            if earlier["examples"] and not info["examples"] and (folder / EXAMPLES).is_file():
                info |= {key: earlier[key] for key in ("examples", "answers")}
                copy_path(folder / EXAMPLES, partial / EXAMPLES)
        if info["labels"]:
            (partial / LABELS).write_text("".join(f"{label}\n" for label in info["labels"]))
        for report in new:
            report["sha256"] = sha256_of(partial / report["file"])
        by_format = {report["format"]: report for report in new}
        reports = [by_format.pop(one["format"], one) for one in (earlier["exports"] if earlier else [])]
        reports += by_format.values()
        (partial / CARD).write_text(export_card(info, reports))
        (partial / RECORD).write_text(json.dumps({**info, "exports": reports}, indent=2) + "\n")
    return reports


class Report(BaseModel):
    """The entries of a report that a card needs."""

    format: str
    file: Annotated[str, Len(1)]
    bytes: int
    tried: list[str]
    max_difference: float
    seconds: float
    sha256: str | None = None


class KeptRecord(BaseModel):
    """The entries of export.json that a folder with more formats takes over."""

    inputs: dict[str, Any]
    weights_sha256: str | None = None
    labels: list[str] | None = None
    examples: int = 0
    answers: list | None = None
    exports: list[Report]


def read_same_model(folder, info):
    """Returns the record of an earlier export in the folder. Raises Refusal unless it is of the model of `info`."""
    remedy = "choose another folder, or --overwrite it"
    record = read_record(folder / RECORD, KeptRecord.model_validate, remedy)
    for key, what in {"weights_sha256": "other weights", "inputs": f"inputs of {record['inputs']}"}.items():
        if record.get(key) != info[key]:
            raise Refusal(f"{folder} is an export of another model, with {what}: {remedy}.")
    return {"labels": None, "examples": 0, "answers": None, **record}


def check_undamaged(folder, reports):
    """Raises Refusal if one of the exports in a folder is missing or is not the one that was written."""
    for report in reports:
        path = folder / report["file"]
        inside = folder.resolve() in path.resolve().parents  # the record may be somebody else's
        if not inside or not path.exists() or report.get("sha256") not in (None, sha256_of(path)):
            raise Refusal(f"{path} is not what was exported: choose another folder, or --overwrite it.")


def others_in(folder, earlier, kept):
    """Returns the paths in an earlier export's folder that stay: the formats that are kept, and files of others."""
    if earlier is None:
        return []
    replaced = {each["file"] for each in earlier["exports"]} - {each["file"] for each in kept}
    replaced |= {LABELS, CARD, RECORD, EXAMPLES}
    return [path for path in folder.iterdir() if path.name not in replaced]


def weights_sha256(model):
    """Returns the SHA-256 of the values of a model's weights.

    >>> import keras
    >>> weights_sha256(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")]))[:8]
    'eee13a1a'
    """
    digest = hashlib.sha256()
    for values in model.get_weights():
        digest.update(f"{values.dtype.name}{values.shape}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def leave_out_other_sizes(model, data, say=None):
    """Returns the keyword arguments of `export` without examples that a model of fixed size does not take."""
    examples = data.get("examples")
    if examples is None or isinstance(examples, dict) or takes_examples(model.inputs[0], examples):
        return data
    if say:
        sizes = f"{np.shape(examples)[1:]}, not {model.inputs[0].shape[1:]}"
        say(f"Exporting without the examples of the data, which are of another size: {sizes}")
    return {name: value for name, value in data.items() if name not in ("examples", "targets", "representative")}


def save_examples(model, folder, examples):
    """Saves a few real inputs. Returns their number and the model's outputs for them, as entries of the record.

    Of a model with several inputs or outputs nothing is saved.
    """
    if examples is None or len(model.inputs) > 1 or len(model.outputs) > 1:
        return {"examples": 0, "answers": None}
    fixed = model.inputs[0].shape[0]
    x = np.asarray(examples[: fixed or KEPT_EXAMPLES])
    x = x if fixed is None else fill_batch(x, fixed)  # one batch
    bytes_ = x.min() >= 0 and x.max() <= 255 and (x == np.round(x)).all()
    np.save(folder / EXAMPLES, x.astype("uint8" if bytes_ else "float32"))
    outputs = keras.tree.map_structure(
        lambda y: np.round(y.astype("float64"), 6), model.predict(x, batch_size=len(x), verbose=0)
    )
    if sum(y.size for y in keras.tree.flatten(outputs)) >= MAX_OUTPUTS:
        return {"examples": len(x), "answers": None}
    return {"examples": len(x), "answers": keras.tree.map_structure(lambda y: y.tolist(), outputs)}


def export_table(title, reports):
    """Returns a rich table of reports."""
    table = Table(title=title, title_justify="left")
    for column in ("format", "file", "size", "verified on", "largest difference", "seconds"):
        right = column in ("size", "largest difference", "seconds")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for report in reports:
        label, difference = FORMATS[report["format"]].label, format_difference(report)
        if "accuracy" in report:
            before, after = (100 * report["accuracy"][key] for key in ("before", "after"))
            difference += f"; accuracy {after:.2f} %, before {before:.2f} %"
        inputs, seconds = "; ".join(report["tried"]), f"{report['seconds']:.1f}"
        table.add_row(label, report["file"], file_size(report["bytes"]), inputs, difference, seconds)
    return table


def difference_notes(reports):
    """Returns a line on what the largest difference means for each format that needs one."""
    notes = {FORMATS[report["format"]].label: FORMATS[report["format"]].difference_note(report) for report in reports}
    return [f"{label}: {note}" for label, note in notes.items() if note]
