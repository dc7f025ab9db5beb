"""Folders of runs: finished ones with damaged or malicious files, and interrupted ones that are resumed."""

import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np

from kzoo.checks import Refusal
from tests.hostile.judge import Case, expect, kzoo
from tests.hostile.kinds.arrays import Payload, check_metrics
from tests.hostile.kinds.images import predict
from tests.hostile.mutations import VALUES, damage, damage_file, mutate, pick
from tests.hostile.stock import SETS, take

MARSHALLED = "4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAHMEAAAAfAAAAFMAKQFO"
LAYERS = (
    {
        "class_name": "Lambda",
        "config": {"name": "x", "function": {"class_name": "__lambda__", "config": {"code": MARSHALLED}}},
    },
    {"class_name": "mkdir", "module": "os", "config": {"path": "../outside/executed"}},
    {"class_name": "function", "module": "builtins", "config": "eval", "registered_name": "function"},
    {"class_name": "TFSMLayer", "module": "keras.layers", "config": {"filepath": "../outside"}},
    {"class_name": "Dense", "module": "keras.layers", "config": {"units": 10**9}},
)


def finished_runs(rng, stock):
    take(stock, "signals.npz")
    folder = take(stock, "finished/it")
    np.save("x.npy", np.zeros((2, 12, 1), "float32"))
    command = pick(rng, ("evaluate", "predict", "predict", "export"))
    how = pick(rng, ("config", "config", "metrics", "model", "model", "archive", "archive", "file", "data"))
    if how == "config":
        damage_file(rng, folder / "config.yaml")
        command = "evaluate"
    elif how == "metrics":
        (folder / "metrics.json").write_bytes(
            pick(rng, (b"", b"[]", b"{", b"null", b"\xff", b'{"test": 1}', b"[" * 9999))
        )
        command = "export"
    elif how == "model":
        damage_file(rng, folder / "model.keras")
    elif how == "archive":
        how = edit_archive(rng, folder / "model.keras")
    elif how == "data":
        x = np.random.default_rng(1).normal(size=pick(rng, ((45, 11, 1), (45, 12, 1), (45, 12, 2), (3, 12, 1))))
        y = np.arange(len(x)) % pick(rng, (2, 3, 4))
        np.savez("signals.npz", x_train=x, y_train=y)
        how = f"data of shape {x.shape} in {y.max() + 1} classes"
        command = "evaluate"
    else:
        file = pick(rng, sorted(path for path in folder.iterdir() if path.is_file()))
        file.unlink()
        how = f"without {file.name}"
    return Case(f"a finished run, {how}; kzoo {command}", lambda: use(command, changed_data=how.startswith("data")))


def edit_archive(rng, path):
    """Changes members of a .keras file; returns in words how."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    how = pick(rng, ("layer", "layer", "values", "values", "slip", "weights", "config"))
    if how == "layer":
        layer = pick(rng, LAYERS)
        config["config"]["layers"][-1] |= layer
        how = f"layer {layer['class_name']}"
    elif how == "values":
        config, changes = mutate(rng, config, VALUES[:40])
        how = f"model changed: {', '.join(changes)}"
    elif how == "slip":
        members |= {"../../../outside/slipped": b"x", "/tmp/slipped": b"x"}
    elif how == "weights":
        members["model.weights.h5"] = damage(rng, members["model.weights.h5"])
    try:
        members["config.json"] = json.dumps(config).encode() if how != "config" else damage(rng, members["config.json"])
    except (TypeError, UnicodeEncodeError):
        members["config.json"] = b"{}"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return how


def use(command, changed_data):
    if command == "predict":
        predict("it", Path("x.npy"), ())
    elif command == "export":
        kzoo("export", "it", "--format", "litert", "--out", "out")
    else:
        printed, notes = kzoo("evaluate", "it")
        expect("nan" not in printed, f"an evaluation of {printed}")
        noted = "the data changed since the run" in notes
        expect(noted or not changed_data, "the run is evaluated on other data than it was trained on, in silence")


def interrupted_runs(rng, stock):
    take(stock, "signals.npz")
    Path("saved_models").mkdir()
    folder = take(stock, "interrupted/.it.partial", "saved_models/.it.partial")
    states = [path for path in folder.rglob("*") if path.is_file() and "state" in path.name]
    how = pick(rng, ("state", "state", "state", "pickle", "pickle", "config", "config", "members", "data"))
    if how == "pickle":
        for state in [*states, folder / "state.pickle"]:
            state.write_bytes(pickle.dumps(Payload()))
    elif how == "config":
        (folder / "config.yaml").write_bytes(
            pick(rng, (b"", b"[]", b"\xff", b"model: 1", damage(rng, (folder / "config.yaml").read_bytes())))
        )
    elif how == "members" and zipfile.is_zipfile(states[0]):
        how = edit_members(rng, states[0])
    elif how == "data":
        np.savez("signals.npz", x_train=np.zeros((45, 11, 1)), y_train=np.arange(45) % 3)
    else:
        damage_file(rng, pick(rng, states))
    wanted = json.loads(Path(stock, "finished", "it", "metrics.json").read_text())
    return Case(f"an interrupted run, {how}", lambda: resume(wanted, exact=how != "data" and "values" not in how))


def edit_members(rng, path):
    """Changes one member of a checkpoint; returns in words how."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name, how = pick(rng, sorted(members)), pick(rng, ("missing", "values", "pickle", "damage"))
    if how == "missing":
        del members[name]
    elif how == "damage":
        members[name] = damage(rng, members[name])
    else:
        stream = io.BytesIO()
        np.save(stream, np.array([Payload()], dtype=object) if how == "pickle" else np.full(3, np.nan))
        members[name] = stream.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for each, data in members.items():
            archive.writestr(each, data)
    return f"{name}: {how}"


def resume(wanted, exact):
    """Resumes; the result is that of the undisturbed run. A run that is refused can be given up by --overwrite."""
    command = ("train", "mnist1d_fc", *SETS, "--run", "it")
    try:
        kzoo(*command)
    except Refusal:
        kzoo(*command, "--overwrite")
        check_metrics()
        raise
    check_metrics()
    found = json.loads(Path("saved_models/it/metrics.json").read_text())
    if exact:
        same = all(found[key] == wanted[key] for key in ("train", "test", "epochs"))
        expect(same, f"a resumed run has {found['train']}, an undisturbed one {wanted['train']}")
