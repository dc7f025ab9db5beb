"""Extends a run by more epochs: what may change, and which files of a finished run the longer one starts with."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from kzoo.checks import Refusal
from kzoo.config.comparison import differences
from kzoo.config.config import Config, check_config, resolved
from kzoo.config.yaml_file import read_yaml
from kzoo.training.callback_files import callback_paths
from kzoo.training.checkpoint import STATE, Checkpoint
from kzoo.training.data_fingerprint import FILE

SEARCH_FILE = "search.yaml"  # the config that a search was started with, in its folder
CHANGEABLE = ("training.epochs:", "export.", "evaluation", "published")  # they do not act on the epochs that are done
REMEDY = "choose another --run NAME or --out DIR, or --overwrite it"


class Extension(NamedTuple):
    """How a run, or a search, may be extended.

    changeable: how the lines of `differences` begin that name settings which may change.
    files: a function (config, folder) that returns the files of a finished run that a longer one starts with, {path in
    its folder: path in `folder`}; it raises Refusal if the config does not extend the run.
    fits: a function (config, folder) that returns whether what an interrupted run has done is part of the config's.
    """

    changeable: tuple[str, ...]
    files: Callable[[Config, Path], Mapping[Path, Path]]
    fits: Callable[[Config, Path], bool]


def files_of_run(config: Config, folder: Path) -> dict[Path, Path]:
    """Returns the files that a longer run starts with, {path in its folder: path in `folder`, the finished run's}.

    They are the state of each seed's training, the files of callbacks and the fingerprint of the data. Raises Refusal
    unless `config` is that of the finished run with more epochs; the export, the evaluation and the published result
    may differ too.
    """
    finished = f"{folder} is a finished run"
    if (folder / SEARCH_FILE).is_file():
        raise Refusal(f"{folder} is a finished search: extend it by `kzoo tune` with --set search.trials=N, {REMEDY}.")
    if not all((folder / name).is_file() for name in ("metrics.json", "config.yaml")):
        raise Refusal(f"{finished}: {REMEDY}.")
    old = check_config(read_yaml(folder / "config.yaml"), folder / "config.yaml")
    changed = [each for each in differences(resolved(old), resolved(config)) if not each.startswith(CHANGEABLE)]
    if changed:
        raise Refusal(
            f"{finished} of another config: {'; '.join(changed)}. To train it further change only training.epochs, "
            f"export, evaluation and published; otherwise {REMEDY}."
        )
    done = old.training.epochs
    if config.training.epochs <= done:
        raise Refusal(
            f"{finished} of {done} epochs: train it further with --set training.epochs=N, N above {done}, {REMEDY}."
        )
    folders = seed_folders(config.training.seeds, folder)
    for each in folders:
        if not (each / STATE).is_file():
            raise Refusal(f"{finished} that cannot be trained further, because {each / STATE} is missing: {REMEDY}.")
    states = [Checkpoint(None, each / STATE) for each in folders]
    if all(state.stopped for state in states):
        raise Refusal(
            f"{finished} that a callback stopped after epoch {states[0].epoch}, so that more epochs change nothing: "
            f"{REMEDY}."
        )
    names = [*callback_paths(folder), *([FILE] if (folder / FILE).is_file() else [])]
    found = [folder / name for name in names]
    for each in folders:
        found += [each / name for name in (STATE, *callback_paths(each))]
    return {path.relative_to(folder): path.relative_to(folder) for path in found}


def fits_run(config: Config, folder: Path) -> bool:
    """Returns whether no training in the folder of an interrupted run has more epochs than the config, or results."""
    folders = seed_folders(config.training.seeds, folder)
    if any((each / "metrics.json").exists() for each in folders):
        return False
    states = [each / STATE for each in folders if (each / STATE).exists()]
    return all(Checkpoint(None, state).epoch <= config.training.epochs for state in states)


def seed_folders(seeds: list[int], folder: Path) -> list[Path]:
    """Returns the folders of the trainings of a run: its own folder for one seed, otherwise one for each seed.

    >>> [path.as_posix() for path in seed_folders([0, 3], Path("it"))]
    ['it/seed_0', 'it/seed_3']
    """
    return [folder] if len(seeds) == 1 else [folder / f"seed_{seed}" for seed in seeds]


OF_RUN = Extension(CHANGEABLE, files_of_run, fits_run)
