"""The compatibility matrix: which formats can represent which models of the zoo.

Every model is made small and exported to every format, each in a process with limited memory.
"""

import hashlib
import importlib.metadata
import json
import resource
import tempfile
import time
from pathlib import Path

import keras

from kzoo.analysis.catalogue import sketch
from kzoo.checks import Refusal, require
from kzoo.export.exporter import export
from kzoo.export.inference_model import inference_model
from kzoo.export.registry import FORMATS, find_format
from kzoo.files import atomic_replace
from kzoo.models.registry import describe, list_models, model
from kzoo.processes import exit_with_parent, forkserver
from kzoo.terminal import say
from kzoo.user_modules import requested_modules

# candidates for the sides of the input; the smallest that a model accepts is taken
SIDES = (8, 13, 16, 17, 23, 24, 29, 31, 32, 33, 39, 47, 64, 72, 79, 91, 128, 193, 380)
UNITS, CLASSES = 64, 10
HUGE, WIDTH = 10**8, 1 / 8  # models with more parameters get this fraction of their filters
MEMORY = 16 * 2**30  # bytes of data that the process of one export may have
TIMEOUT = 1800  # seconds


def run_matrix(results, pattern="*", formats=("saved_model",), memory=MEMORY):
    """Exports every model that matches to every format; writes the outcomes to the file `results` and returns them.

    A second run resumes the first and repeats an export only if its model or a package has changed. An
    outcome is a dict: ok, reason, hash, bytes, max_difference, seconds, tried, and peak, the bytes of memory.
    """
    results = Path(results)
    for format in formats:
        find_format(format)
    matrix = json.loads(results.read_text()) if results.is_file() else {}
    names = list_models(pattern)
    require(names, "export", "a pattern that models match", pattern=pattern)
    for number, name in enumerate(names, start=1):
        settings, small = small_variant(name)
        shape = list(small.inputs[0].shape[1:])
        matrix.setdefault(name, {}).update(parameters=small.count_params(), input=shape, settings=settings)
        for format in formats:
            digest = fingerprint(small, format)
            if matrix[name].get(format, {}).get("hash") == digest:
                continue
            outcome = {**export_in_process(name, settings, format, memory), "hash": digest}
            matrix[name][format] = outcome
            with atomic_replace(results) as file:
                file.write_text(json.dumps(dict(sorted(matrix.items())), indent=1) + "\n")
            summary = f"{outcome['max_difference']:.1e}" if outcome["ok"] else outcome["reason"]
            say(f"{number}/{len(names)} {name} {format}: {summary}")
    return json.loads(results.read_text())


def small_variant(name):
    """Returns (settings, model without weights) of a variant with 10 classes, small dense layers and a small input.

    Hidden layers have at most 64 units. Sides are the smallest that the model accepts, at least 8; unknown ones stay
    unknown. There is no softmax: in a model that is not trained its values are almost 0 or 1, which hides differences.

    >>> small_variant("vgg11")[0]
    {'classes': 10, 'classifier_activation': None, 'fc_units': (64, 64), 'input_shape': (32, 32, 3)}
    """
    defaults = describe(name)["settings"]
    wanted = {"classes": CLASSES, "classifier_activation": None}
    settings = {key: value for key, value in wanted.items() if key in defaults}
    if "fc_units" in defaults:
        units = defaults["fc_units"]
        settings["fc_units"] = min(units, UNITS) if isinstance(units, int) else tuple(min(n, UNITS) for n in units)
    *sides, channels = defaults["input_shape"]
    smaller = [(side,) * len(sides) for side in SIDES if None not in sides and side < min(sides)]
    for size in (*smaller, sides):
        sized = {**settings, "input_shape": (*size, channels)}
        try:
            small = sketch(name, **sized)
            if small.count_params() > HUGE and "width" in defaults:
                sized["width"] = WIDTH
                small = sketch(name, **sized)
        except Refusal:
            continue
        return sized, small
    raise Refusal(f"export: {name} cannot be built with any of the sides tried.")


def fingerprint(model, format):
    """Returns a hash of what determines an outcome: the architecture and the versions of the packages involved."""
    versions = {}
    for package in ("keras", "tensorflow", *FORMATS[format].packages):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    text = json.dumps([model.get_config(), versions], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def export_in_process(name, settings, format, memory=MEMORY, target=None):
    """Exports one model to one format in a process of its own and returns the outcome."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = (name, settings, format, memory, folder)
        function = target or _export_small
        args = (function, arguments, requested_modules())
        process = forkserver().Process(target=exit_with_parent, args=args, daemon=True)
        started = time.perf_counter()
        process.start()
        process.join(TIMEOUT)
        process.kill()
        process.join()
        outcome = Path(folder, "outcome.json")
        if outcome.is_file():
            return json.loads(outcome.read_text())
        seconds = time.perf_counter() - started
        return {"ok": False, "reason": f"its process ended with {process.exitcode} after {seconds:.0f} s"}


def _export_small(name, settings, format, memory, folder):
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    keras.utils.set_random_seed(0)
    try:
        report = export(inference_model(model(name, **settings)), Path(folder, FORMATS[format].file), format)
        keys = ("tried", "bytes", "max_difference", "undecided", "seconds")
        outcome = {"ok": True, "reason": None, **{key: report[key] for key in keys if key in report}}
    except (Refusal, MemoryError) as error:
        outcome = {"ok": False, "reason": str(error) or "out of memory"}
    own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    Path(folder, "outcome.json").write_text(json.dumps({**outcome, "peak": 1024 * max(own, children)}))
