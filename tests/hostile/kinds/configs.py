"""Configs: every shipped YAML file with its text damaged, or with values replaced in a small training."""

import re
from pathlib import Path

import keras
import numpy as np
import yaml

from kzoo.checks import Refusal
from tests.hostile import ROOT
from tests.hostile.judge import Case, expect, kzoo
from tests.hostile.kinds.arrays import check_metrics
from tests.hostile.mutations import VALUES, damage, mutate, pick
from tests.hostile.stock import take

FILES = sorted((ROOT / "zoo_configs").glob("*.yaml"))
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi")
)
LINES = (
    *("? [a]: b", "- 1", "a: b: c", "\tx: 1", "x: !!map [1]", "x: !!int ''", "x: !!binary x", "x: &x [*x]", "x: *y"),
    *("x: !!python/object/apply:os.mkdir [../outside/executed]", "<<: {a: 1}", "--- 1", "%YAML 9.9", "x: !!set {a}"),
    *(BOMB, "x: " + "[" * 3000, "x: " + "9" * 5000, '"\\e[31mx": 1', "x: \x00", "\ufeffx: 1", "x: 'unclosed", "model:"),
    *("x: 2001-01-01", "x: !!float x", "? x" * 50, "x" * 100_000 + ": 1", "1: 2", "null: 1", "x: .inf", "{}"),
)
WORDS = (
    *("0", "-1", "1e9", "1_0", "0x1F", "010", "1e400", ".inf", ".nan", "~", "null", "true", "no", "''", "[]", "{}"),
    *("&a 1", "*a", "!!str 1", "!!int ''", "!!map [1]", "!!float 1", "|", ">-", "%", "@x", "`", "é", "x y", "'a"),
    *('"\\e[0m"', "mnist1d"),
)
CALLBACKS = (
    {"class_name": "CSVLogger", "config": {"filename": "../outside/log.csv"}},
    {"class_name": "CSVLogger", "config": {"filename": "log.csv"}},
    {"class_name": "ModelCheckpoint", "config": {"filepath": "~/x.keras"}},
    {"class_name": "ModelCheckpoint", "config": {"filepath": "x.keras"}},
    {"class_name": "ModelCheckpoint", "config": {"filepath": "../outside/{nothing}.keras"}},
    {"class_name": "TensorBoard", "config": {"log_dir": "../outside/logs"}},
    {"class_name": "BackupAndRestore", "config": {"backup_dir": "../outside/backup"}},
    {"class_name": "RemoteMonitor", "config": {"root": "http://127.0.0.1:9"}},
    {"class_name": "EarlyStopping", "config": {"monitor": "nothing"}},
    {"class_name": "TerminateOnNaN", "config": {}},
    {"class_name": "SwapEMAWeights", "config": {}},
    {"class_name": "LearningRateScheduler", "config": {"schedule": {"class_name": "CosineDecay"}}},
)
CLASSES = (
    *("Adam", "Adafactor", "Lion", "Muon", "LossScaleOptimizer", "Ftrl", "SGD", "CTC", "MeanSquaredError", "Poisson"),
    *("CategoricalCrossentropy", "kzoo>RBFLoss", "kzoo>CapsuleMarginLoss", "kzoo>Conv2D", "kzoo>Fastfood", "AUC"),
    *("MeanIoU", "F1Score", "TopKCategoricalAccuracy", "Normalization", "Discretization", "StringLookup", "RandomCrop"),
    *("AugMix", "MixUp", "RandAugment", "Resizing", "TextVectorization", "Embedding", "LSTM", "Wrapper", "TFSMLayer"),
)
NUMBERS = (0.1, 0.9, 1.0, 3.0, 100.0, 3, 5, 10, 100, 1000, 2**32 - 1)
SETTINGS = (*VALUES, *CLASSES, *({"class_name": name} for name in CLASSES), *NUMBERS, *NUMBERS)


def config_text(rng, stock):
    file = pick(rng, FILES)
    text = "".join(line for line in file.read_text().splitlines(keepends=True) if not line.startswith("#"))
    how = pick(rng, ("damage", "word", "word", "line", "line"))
    if how == "damage":
        data, what = damage(rng, text.encode()), "damaged"
    elif how == "word":
        word, new = pick(rng, re.findall(r"[\w.>]+", text)), pick(rng, WORDS)
        data, what = text.replace(word, new, 1).encode(), f"with {new[:80]!r} for {word!r}"
    else:
        lines, line = text.splitlines(), pick(rng, LINES)
        at = int(rng.integers(len(lines)))
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        lines.insert(at, indent + line)
        data, what = "\n".join(lines).encode(), f"with the line {line[:80]!r}"
    Path("c.yaml").write_bytes(data)
    command = "tune" if file.stem.startswith("search_") else "train"
    return Case(f"{file.stem}.yaml {what}", lambda: only_read(command, "c.yaml"))


def only_read(command, config):
    """Has the command line read a config, and refuse the name of the run before it builds or trains anything."""
    try:
        kzoo(command, config, "--run", "/")
    except Refusal as refusal:
        if "expects a plain name" not in str(refusal):
            raise


def config_values(rng, stock):
    take(stock, "signals.npz")
    file = pick(rng, FILES)
    settings = small(rng, yaml.safe_load(file.read_text()))
    how = pick(rng, ("values", "class", "class", "callback"))
    if how == "values":
        settings, changes = mutate(rng, settings, SETTINGS)
    else:
        changes = [put_class(rng, settings) if how == "class" else "training.callbacks"]
        if how == "callback":
            settings["training"]["callbacks"] = [pick(rng, CALLBACKS)]
    text = yaml.safe_dump(settings, sort_keys=False) if storable(settings) else repr(settings)
    Path("c.yaml").write_text(text, errors="surrogatepass")
    really = how == "callback" or rng.random() < 0.1
    what = f"{file.stem}.yaml, made small, changed {', '.join(changes)}:\n{text[:3000]}"
    return Case(what, train if really else dry_run)


def put_class(rng, settings):
    """Puts any class of its kind, without settings of its own, into the config; returns its place."""
    part, key = pick(rng, (("training", "optimizer"), ("training", "loss"), ("training", "metrics")) + (LAYERED,) * 2)
    namespace = {"optimizer": keras.optimizers, "loss": keras.losses, "metrics": keras.metrics}.get(key, keras.layers)
    name = pick(rng, sorted(name for name, value in vars(namespace).items() if isinstance(value, type)))
    settings[part][key] = [{"class_name": name}] if key in ("metrics", "preprocess") else {"class_name": name}
    return f"{part}.{key}"


LAYERED = ("data", "preprocess")


def small(rng, settings):
    """Returns the settings with a tiny model, data and duration; losses, optimizers, callbacks stay."""
    data, training = settings["data"], settings["training"]
    kept = {key: value for key, value in data.items() if key in ("inputs", "targets", "validation")}
    kept["validation"] = min(kept.get("validation", 0), 5)
    layers = data.get(pick(rng, ("preprocess", "augment"))) or []
    settings["data"] = {**kept, "arrays": "signals.npz", "batch_size": 10, "preprocess": layers[:1]}
    settings["training"] = {**training, "epochs": 1, "steps_per_epoch": 2, "steps_per_call": 1, "jit_compile": False}
    settings["model"] = {"name": "mnist1d_fc", "units": [4]}
    settings["export"] = {"formats": []}
    settings.pop("transfer", None)
    return settings


def storable(settings):
    try:
        yaml.safe_dump(settings).encode()
    except (yaml.YAMLError, UnicodeEncodeError):
        return False
    return True


def dry_run():
    printed, _ = kzoo("train", "c.yaml", "--dry-run")
    loss = float(re.search(r"loss (\S+)$", printed.strip())[1])
    expect(np.isfinite(loss), f"a dry run ends with a loss of {loss}")
    check_files("c.yaml", "signals.npz")


def train():
    kzoo("train", "c.yaml")
    check_metrics()
    check_files("c.yaml", "signals.npz", "saved_models")


def check_files(*expected):
    more = {path.name for path in Path().iterdir()} - {*expected}
    expect(not more, f"files outside the run's folder: {sorted(more)}")
