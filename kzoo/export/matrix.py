"""Which models of the zoo every format carries: all variants, small, each cell in a process with bounded memory.

Source: none.
"""

import hashlib
import importlib.metadata
import json
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import keras
from rich.console import Console

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal, require
from kzoo.export.exporter import export
from kzoo.export.formats import FORMATS, find_format
from kzoo.export.inference_model import inference_model
from kzoo.files import atomic_replace
from kzoo.models.registry import describe, list_models, model

SIDES = (
    8,
    13,
    16,
    17,
    23,
    24,
    29,
    31,
    32,
    33,
    39,
    47,
    64,
    72,
    79,
    91,
    128,
    193,
    380,
)  # the smallest that builds is taken
UNITS, CLASSES = 64, 10
HUGE, WIDTH = 10**8, 1 / 8  # parameters left after cutting dense layers; the factor of all filters then
MEMORY = 16 * 2**30  # bytes of data that a cell's process may have
PATIENCE = 1800  # seconds
PACKAGES = ("keras", "tensorflow", "tf2onnx", "onnxruntime", "ai-edge-litert", "openvino")


def run_matrix(results, pattern="*", formats=("saved_model",), memory=MEMORY):
    """Try every model that matches in every format, and write what came of it to the file `results`; returns it.

    Started again it goes on, and cells of models that are as they were are not tried again. A cell: {ok, reason,
    hash, bytes, max_difference, seconds, tried, peak}, the peak in bytes of memory.
    """
    results, say = Path(results), Console(stderr=True).print
    for format in formats:
        find_format(format)
    known = json.loads(results.read_text()) if results.is_file() else {}
    names = list_models(pattern)
    require(names, "export", "a pattern that models match", pattern=pattern)
    for place, name in enumerate(names, start=1):
        settings, net = small(name)
        known.setdefault(name, {}).update(
            parameters=net.count_params(), input=list(net.inputs[0].shape[1:]), settings=settings
        )
        mark = fingerprint(net)
        for format in formats:
            if known[name].get(format, {}).get("hash") == mark:
                continue
            cell = {**try_cell(name, settings, format, memory), "hash": mark}
            known[name][format] = cell
            with atomic_replace(results) as file:
                file.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")
            told = f"{cell['max_difference']:.1e}" if cell["ok"] else cell["reason"]
            say(f"{place}/{len(names)} {name} {format}: {told}", highlight=False, markup=False)
    return json.loads(results.read_text())


def small(name):
    """(settings, sketch) of a variant with 10 classes, at most 64 units in hidden layers and the least input it takes.

    No side is below 8; inputs of unknown size stay so. Softmax is left out: of a net that is not trained its values are
    almost 0 or 1, which hides what differs.

    >>> small("vgg11")[0]
    {'classes': 10, 'classifier_activation': None, 'fc_units': (64, 64), 'input_shape': (32, 32, 3)}
    """
    known = describe(name)["settings"]
    given = {"classes": CLASSES, "classifier_activation": None}
    settings = {key: value for key, value in given.items() if key in known}
    if "fc_units" in known:
        units = known["fc_units"]
        settings["fc_units"] = min(units, UNITS) if isinstance(units, int) else tuple(min(n, UNITS) for n in units)
    *sides, channels = known["input_shape"]
    for side in (None,) if None in sides else [n for n in SIDES if n < min(sides)] + [0]:
        fitting = {**settings, "input_shape": (*((side for _ in sides) if side != 0 else sides), channels)}
        try:
            net = sketch(name, **fitting)
            if net.count_params() > HUGE and "width" in known:
                fitting["width"] = WIDTH
                net = sketch(name, **fitting)
        except Refusal:
            continue
        return fitting, net
    raise Refusal(f"export: {name} is built with none of the sides tried.")


def fingerprint(net):
    """What decides a cell: the architecture, and the versions of what writes and runs it."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    text = json.dumps([net.get_config(), found], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def try_cell(name, settings, format, memory=MEMORY, work=None):
    """One model to one format, in a process of its own; what came of it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kzoo_trials"])  # TensorFlow is imported once
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=work or _cell, args=(name, settings, format, memory, folder), daemon=True)
        began = time.perf_counter()
        process.start()
        process.join(PATIENCE)
        process.kill()
        process.join()
        said = Path(folder, "cell.json")
        if said.is_file():
            return json.loads(said.read_text())
        return {
            "ok": False,
            "reason": f"its process ended with {process.exitcode} after {time.perf_counter() - began:.0f} s",
        }


def _cell(name, settings, format, memory, folder):
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    file = FORMATS[format].file
    keras.utils.set_random_seed(0)
    try:
        report = export(inference_model(model(name, **settings)), Path(folder, file), format)
        kept = ("tried", "bytes", "max_difference", "undecided", "seconds")
        cell = {"ok": True, "reason": None, **{key: report[key] for key in kept if key in report}}
    except (Refusal, MemoryError) as error:
        cell = {"ok": False, "reason": str(error) or "out of memory"}
    own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    Path(folder, "cell.json").write_text(json.dumps({**cell, "peak": 1024 * max(own, children)}))
