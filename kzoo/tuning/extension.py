"""Extends a search by more trials: what may change, and what of a finished search the longer one starts with."""

import os
from pathlib import Path

from kzoo.checks import Refusal
from kzoo.config.comparison import config_sha256, differences
from kzoo.config.config import check_config, resolved
from kzoo.config.yaml_file import read_yaml
from kzoo.files import remove
from kzoo.json_record import read_record
from kzoo.training.checkpoint import STATE
from kzoo.training.extension import REMEDY, SEARCH_FILE, Extension

CHANGEABLE = ("search.trials:", "search.hours:")
TRIALS, FINAL = Path("trials"), Path("trials", "final")  # FINAL: the finished search's run, until it is decided on
NOT_COPIED = ("trials", SEARCH_FILE, "trials.csv", "trials.png", "settings.png")  # of the search, and made again


def files_of_search(config, folder):
    """Returns the files that a longer search starts with, {path in its folder: path in that of the finished search}.

    They are the trials and, in a folder of its own, the run that the finished search ended with. Raises Refusal unless
    `config` is that of the finished search with more trials or hours.
    """
    finished = f"{folder} is a finished search"
    if not all((folder / name).is_file() for name in ("metrics.json", SEARCH_FILE)):
        raise Refusal(f"{folder} is a finished run: {REMEDY}.")
    old = check_config(read_yaml(folder / SEARCH_FILE), folder / SEARCH_FILE)
    changed = differences(resolved(old), resolved(config))
    others = [each for each in changed if not each.startswith(CHANGEABLE)]
    if others:
        raise Refusal(
            f"{finished} of another config: {'; '.join(others)}. To extend it change only search.trials and "
            f"search.hours; otherwise {REMEDY}."
        )
    trials = old.search.trials
    if config.search.trials < trials or not changed:
        raise Refusal(
            f"{finished} of {trials} trials: extend it with --set search.trials=N, N above {trials}, {REMEDY}."
        )
    final = [path.name for path in folder.iterdir() if path.name not in NOT_COPIED]
    return {TRIALS: TRIALS, **{FINAL / name: Path(name) for name in final}}


def fits_search(config, folder):
    """Returns whether an interrupted search still runs trials: the run that follows them depends on all of them."""
    folders = [folder, *folder.glob("seed_*")]
    return not any((each / name).exists() for each in folders for name in (STATE, "metrics.json"))


def reuse_final_run(config, folder):
    """Moves the run that the finished search ended with into the folder of the longer one, if it is one of `config`.

    Otherwise removes it. Returns whether the folder now has a finished run.
    """
    final, metrics = folder / FINAL, folder / FINAL / "metrics.json"
    if metrics.is_file() and read_record(metrics).get("config_sha256") == config_sha256(config):
        for path in sorted(final.iterdir(), key=lambda path: path == metrics):  # it says that the others are there
            os.replace(path, folder / path.name)
    remove(final)
    return (folder / "metrics.json").is_file()


OF_SEARCH = Extension(CHANGEABLE, files_of_search, fits_search)
