"""Folders of exported models whose record, labels or models are damaged or point elsewhere."""

import json
import shutil
from pathlib import Path

import numpy as np

from tests.hostile.judge import Case, expect
from tests.hostile.kinds.images import predict
from tests.hostile.mutations import ESCAPES, VALUES, damage_file, mutate, pick
from tests.hostile.stock import EXPORTS, take

ELSEWHERE = (
    "../elsewhere/model.onnx",
    "../../box/elsewhere/model.onnx",
    "link.onnx",
    "./../elsewhere/saved_model",
    ".",
    "",
)


def exports(rng, stock):
    take(EXPORTS, "mnist1d_cnn", "export")
    shutil.copytree("export", "elsewhere")
    np.save("x.npy", np.load("export/examples.npy"))
    folder, model = (
        Path("export"),
        Path(pick(rng, ("export", "export", "export/model.onnx", "export/model_int8.tflite"))),
    )
    how = pick(rng, ("record", "record", "points elsewhere", "record damaged", "labels", "model", "model", "missing"))
    record = json.loads((folder / "export.json").read_text())
    elsewhere = False
    if how == "record":
        changed, changes = mutate(rng, record, (*VALUES, *ELSEWHERE, "onnx", "litert_int8", "README.md"))
        write_json(folder / "export.json", changed)
        how = f"export.json changed: {', '.join(changes)}"
    elif how == "points elsewhere":
        (folder / "link.onnx").symlink_to("../elsewhere/model.onnx")
        file = pick(rng, (*ELSEWHERE[:4], str(Path("elsewhere/model.onnx").absolute())))
        first = {"file": file, "format": "saved_model" if file.endswith("saved_model") else "onnx"}
        write_json(folder / "export.json", {**record, "exports": [first]})
        model, elsewhere, how = folder, True, f"export.json names {file}"
    elif how == "record damaged":
        damage_file(rng, folder / "export.json")
    elif how == "labels":
        labels = pick(
            rng, (b"", b"\xff\xfe", b"a\n" * 9, b"a\n" * 10, ESCAPES.encode() * 9, f"{ESCAPES}\n".encode() * 10)
        )
        (folder / "labels.txt").write_bytes(labels)
        how = f"labels.txt holds {labels[:40]!r}"
    elif how == "missing":
        file = pick(rng, sorted(path for path in folder.rglob("*") if path.is_file()))
        file.unlink()
        how = f"{file} is missing"
    else:
        file = pick(
            rng, sorted(path for path in folder.rglob("*") if path.suffix in (".onnx", ".tflite", ".pb", ".index"))
        )
        damage_file(rng, file)
        recorded = rng.random() < 0.3
        if not recorded:  # then nothing but its runtime can tell
            (folder / "export.json").unlink()
        how = f"{file} is damaged, {'with' if recorded else 'without'} a record"
        model = file if file.suffix in (".onnx", ".tflite") else folder / "saved_model"

    def run():
        predict(model, Path("x.npy"), ())
        expect(not elsewhere, "a model outside the folder was run")

    return Case(f"{how}; kzoo predict {model} x.npy", run)


def write_json(path, value):
    try:
        path.write_text(json.dumps(value))
    except (UnicodeEncodeError, TypeError):
        path.write_text("[]")
