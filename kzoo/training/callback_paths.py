"""Where a config's callbacks may write and send: into the run's folder, and elsewhere only with the user's consent.

Resuming a run restores these files (`kzoo.training.callback_files`), so what cannot be restored is refused here.
"""

import os
import re
from pathlib import Path, PurePath

from kzoo.checks import Refusal, require
from kzoo.config.config import Config
from kzoo.config.specs import Spec
from kzoo.export.registry import FORMATS
from kzoo.user_modules import RECORD

ALLOW_OUTSIDE = "KZOO_ALLOW_OUTSIDE"  # environment variable, so that processes of a search see it too
BOARD = "tensorboard"  # the folder of the event files that every run writes
PATHS = {"CSVLogger": ("filename", ""), "ModelCheckpoint": ("filepath", ""), "TensorBoard": ("log_dir", "logs")}
FIELD = re.compile(r"\{\w+(:\d*(\.\d+)?[defg]?)?\}")  # other formats could produce "/" and ".."
RECORDS = ("state.npz", "state.pickle", "metrics.json", "trial.json", "result.json")  # kzoo looks for them at any depth
OWN = {  # the first parts of the paths that kzoo itself writes in a run's folder
    *("README.md", "config.yaml", "data.json", "model.keras", BOARD, "search.yaml", "trials", "trials.csv", RECORD),
    *("history.csv", "history.png", "confusion.png", "maps.png", "mistakes.png", "filters.png", "trials.png"),
    *("settings.png", "predictions.csv", "classes.csv", *RECORDS),
    *(PurePath(each.file).parts[0] for each in FORMATS.values()),
}


def is_own(name: str) -> bool:
    """Returns whether kzoo itself writes a file or folder of this name directly into a run's folder.

    >>> is_own("metrics.json"), is_own("seed_0"), is_own("log.csv")
    (True, True, False)
    """
    return name in OWN or name.startswith("seed_") or name.endswith(".writing")


def place_callbacks(config: Config, folder: Path) -> list[Spec]:
    """Returns the specs of a config's callbacks, with their relative paths inside `folder`.

    Raises Refusal for a path outside and for RemoteMonitor unless the environment variable KZOO_ALLOW_OUTSIDE is set,
    for a path of the run's own files, and for settings whose files could not be restored when the run is resumed.
    """
    specs = [_placed(config, index, spec, folder) for index, spec in enumerate(config.training.callbacks)]
    paths = [spec.config.get(PATHS[spec.class_name][0]) for spec in specs if spec.class_name in PATHS]
    for path in paths:
        require(paths.count(path) == 1, "training.callbacks", "a different path for each callback", path=path)
    return specs


def _placed(config, index, spec, folder):
    where = f"training.callbacks.{index}"
    if spec.class_name == "RemoteMonitor":
        _require_consent(f"{where}: RemoteMonitor sends results to a server")
    if spec.class_name == "TensorBoard":
        profile = spec.config.get("profile_batch", 0)
        require(profile == 0, f"{where}.config", "profile_batch 0: a trace cannot be resumed", profile_batch=profile)
    setting, default = PATHS.get(spec.class_name, ("", ""))
    path = spec.config.get(setting, default)
    if not setting or not isinstance(path, str):  # of another type: `build_object` refuses it
        return spec
    where = f"{where}.config.{setting}"
    parts = PurePath(path).parts
    require(parts and path.isprintable(), where, "a path", path=path)
    outside = PurePath(path).is_absolute() or ".." in parts or path.startswith("~") or "://" in path
    if outside:
        _require_consent(f"{where}: {path!r} is outside the run's folder")
        several = len(config.training.seeds) > 1 or config.search
        require(not several, where, "a path inside the run's folder, where each training has its own", path=path)
    else:
        ours = is_own(parts[0]) or not set(RECORDS).isdisjoint(parts)
        require(not ours, where, "a name that no file of the run itself has", path=path)
    if spec.class_name == "ModelCheckpoint":
        plain = not set("{}") & set(FIELD.sub("", path))
        require(plain, where, "fields of the form {epoch:02d} or {val_loss:.2f}", path=path)
        folder = str(folder).replace("{", "{{").replace("}", "}}")
    else:
        require("://" not in path, where, "a local path, whose files can be cut back on resuming", path=path)
    placed = path if "://" in path else str(Path(folder, os.path.expanduser(path)))
    return spec.model_copy(update={"config": {**spec.config, setting: placed}})


def _require_consent(what):
    if os.environ.get(ALLOW_OUTSIDE, "0") in ("", "0"):
        raise Refusal(f"{what}, which needs --allow-outside.")
