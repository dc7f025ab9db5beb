"""A folder with one net in several formats, the names of its classes, a card and a record: whole or not there.

Source: none.
"""

import json
from pathlib import Path

import numpy as np
from rich.table import Table

from kzoo.checks import Refusal, require
from kzoo.export.exporter import write
from kzoo.export.formats import FORMATS, find_format
from kzoo.export.int8 import check_representative
from kzoo.export.model_card import EXAMPLES, card, difference, size
from kzoo.export.preflight import check
from kzoo.export.saved_model import takes_images
from kzoo.files import atomic_replace

RECORD, LABELS, CARD = "export.json", "labels.txt", "README.md"
FEW, MOST = 8, 10_000  # real inputs to keep; numbers of answers to write down


def export_all(net, out, formats, what, figures=None, overwrite=False, serving=False, say=None, **more):
    """Write `net` to the folder `out` in several formats; returns their reports, as `kzoo.export.exporter` gives them.

    what: a sentence on where the net is from; figures, of its run, as in its metrics.json; serving: the SavedModel goes
    to `out/1/`, or the next number, as TensorFlow Serving wants it; say, a function that is told in a line what is done
    next; more: examples, targets, labels, images, representative, as `export` takes them.
    Errors: ValueError, one line, if the folder is there and `overwrite` is false, or is no export, or a format will
    not do; what was there is then as it was.
    """
    out, formats = Path(out), list(dict.fromkeys(formats))
    require(formats, "export", f"at least one format of {', '.join(FORMATS)}", formats=formats)
    for format in formats:
        find_format(format)
    require(not serving or "saved_model" in formats, "export", "format saved_model for serving", formats=formats)
    if out.exists() and not (out / RECORD).is_file():
        raise Refusal(f"{out} is no export of kzoo, so nothing is written there: choose another folder.")
    if out.exists() and not overwrite:
        raise Refusal(f"{out} is an export already: choose another folder, or --overwrite it.")
    for format in formats:  # all before the first is written
        check(net, format)
    if "litert_int8" in formats:
        ranges = more.get("representative")
        check_representative(net, more.get("examples") if ranges is None else ranges)
    version = str(1 + max((int(child.name) for child in _children(out) if child.name.isdecimal()), default=0))
    with atomic_replace(out) as folder:
        folder.mkdir()
        reports = []
        for format in formats:
            if say:
                say(f"{FORMATS[format].label}: writing and checking")
            file = version if serving and format == "saved_model" else FORMATS[format].file
            reports.append(write(net, folder / file, format, **more))
        about = describe(net, what, more.get("labels"), more.get("images"))
        about |= {**keep_examples(net, folder, more.get("examples")), "figures": figures}
        if about["labels"]:
            (folder / LABELS).write_text("".join(f"{label}\n" for label in about["labels"]))
        (folder / CARD).write_text(card(about, reports))
        (folder / RECORD).write_text(json.dumps({**about, "exports": reports}, indent=2) + "\n")
    return reports


def describe(net, what, labels=None, images=None):
    """What is known of a net whatever its format: a dict that JSON holds."""
    last = net.outputs[0].shape
    classes = last[-1] if len(net.outputs) == 1 and len(last) == 2 else None
    kind = f"{classes} scores, one a class" if classes else "; ".join(str(tuple(y.shape)) for y in net.outputs)
    if classes and getattr(getattr(net.layers[-1], "activation", None), "__name__", "") == "softmax":
        kind = f"probabilities of {classes} classes"
    return {
        "name": net.name,
        "what": what,
        "parameters": net.count_params(),
        "inputs": {t.name: list(t.shape) for t in net.inputs},
        "outputs": kind,
        "classes": classes,
        "labels": [" ".join(str(label).split()) for label in labels] if labels else None,
        "images": takes_images(net) if images is None else images,
    }


def keep_examples(net, folder, examples):
    """Save a few real inputs for whoever tries the export, and return them with the net's answers, for the record."""
    if examples is None:
        return {"examples": 0, "answers": None}
    x = np.asarray(examples[:FEW])
    whole = x.min() >= 0 and x.max() <= 255 and (x == np.round(x)).all()
    np.save(folder / EXAMPLES, x.astype("uint8" if whole else "float32"))
    answers = np.round(net.predict(x, verbose=0).astype("float64"), 6)
    return {"examples": len(x), "answers": answers.tolist() if answers.size < MOST else None}


def table(title, reports):
    """A table of reports for the terminal."""
    found = Table(title=title, title_justify="left")
    for column in ("format", "file", "size", "tried with", "largest difference", "seconds"):
        right = column in ("size", "largest difference", "seconds")
        found.add_column(column, justify="right" if right else "left", overflow="fold")
    for one in reports:
        label, told = FORMATS[one["format"]].label, difference(one)
        if "accuracy" in one:
            before, after = (100 * one["accuracy"][key] for key in ("before", "after"))
            told += f"; right {after:.2f} %, before {before:.2f} %"
        cells = (label, one["file"], size(one["bytes"]), "; ".join(one["tried"]), told, f"{one['seconds']:.1f}")
        found.add_row(*cells)
    return found


def _children(folder):
    return folder.iterdir() if folder.is_dir() else ()
