"""A folder with one model in several formats, its class names, a model card and a record; complete or absent.

The record, export.json, has `model_info`, the number of saved examples and the model's outputs for them ("answers"),
the results of its run ("figures") and the reports of the formats ("exports").
"""

import json
from pathlib import Path

import keras
import numpy as np
from rich.table import Table

from kzoo.checks import Refusal, as_bool, require
from kzoo.export.damage import RECORD, sha256_of
from kzoo.export.exporter import write_and_verify
from kzoo.export.fixed_shape import fill_batch, fix_input_shape, takes_examples
from kzoo.export.model_card import EXAMPLES, export_card, file_size, format_difference, model_info
from kzoo.export.preflight import check_exportable
from kzoo.export.registry import FORMATS, find_format
from kzoo.files import atomic_replace

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
    tasks=(),
    **data,
):
    """Exports `model` to the folder in several formats. Returns their reports, as `kzoo.export.exporter.export` does.

    formats: their names; origin: where the model comes from, for the card; results: those of its run, as in
    metrics.json; serving: write the SavedModel to `folder/1/`, or the next number, for TensorFlow Serving; say: a
    function that prints a line of progress; integer: as for `export`, for those of the formats that can have integers;
    tasks: of the outputs, where they are not one of classes;
    batch_size, size and data (examples, targets, labels, images, resize, representative): as for `export`.
    Raises ValueError with one line if the folder exists and `overwrite` is false, if it is not an export, or if a
    format fails; what existed before is then unchanged.
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
    if folder.exists() and not overwrite:
        raise Refusal(f"{folder} is an export already: choose another folder, or --overwrite it.")
    model = fix_input_shape(model, batch_size, size)
    if size is not None:
        data = leave_out_other_sizes(model, data, say)
    for format in formats:  # all of them before the first is written
        check_exportable(model, format)
        format.check_data(model, **data, integer=integer and format.quantized)
    versions = [int(child.name) for child in folder.iterdir() if child.name.isdecimal()] if folder.is_dir() else []
    version = str(1 + max(versions, default=0))
    with atomic_replace(folder) as partial:
        partial.mkdir()
        reports = []
        for format in formats:
            if say:
                say(f"{format.label}: writing and verifying")
            file = version if serving and format.name == "saved_model" else format.file
            reports.append(
                write_and_verify(model, partial / file, format, **data, integer=integer and format.quantized)
            )
        info = model_info(model, origin, data.get("labels"), data.get("images"), tasks)
        info["resize"] = data.get("resize", "stretch")
        info |= {**save_examples(model, partial, data.get("examples")), "figures": results}
        if info["labels"]:
            (partial / LABELS).write_text("".join(f"{label}\n" for label in info["labels"]))
        (partial / CARD).write_text(export_card(info, reports))
        for report in reports:
            report["sha256"] = sha256_of(partial / report["file"])
        (partial / RECORD).write_text(json.dumps({**info, "exports": reports}, indent=2) + "\n")
    return reports


def leave_out_other_sizes(model, data, say=None):
    """Returns the keyword arguments of `export` without examples that a model of fixed size does not take."""
    examples = data.get("examples")
    if examples is None or takes_examples(model, examples):
        return data
    if say:
        sizes = f"{np.shape(examples)[1:]}, not {model.inputs[0].shape[1:]}"
        say(f"Exporting without the examples of the data, which are of another size: {sizes}")
    return {name: value for name, value in data.items() if name not in ("examples", "targets", "representative")}


def save_examples(model, folder, examples):
    """Saves a few real inputs. Returns their number and the model's outputs for them, as entries of the record."""
    if examples is None:
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
