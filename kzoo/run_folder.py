"""Finds the folder of a finished run, and checks names of runs."""

from pathlib import Path

from kzoo.checks import Refusal, nearest, require
from kzoo.files import hidden
from kzoo.index import is_keras_file, known_models
from kzoo.types import PathLike


def check_run_name(name: str) -> None:
    """Raises Refusal unless `name` can be that of a run's folder: printable, without separators and leading dots."""
    is_plain = name and Path(name).name == name and not name.startswith(".") and name.isprintable()
    require(is_plain, "run", "a plain name", name=name)


def find_run(run: PathLike, file: str = "model.keras") -> Path:
    """Returns the path of a file in a finished run's folder, given as a path or as a name under `saved_models/`.

    Raises Refusal if there is none, or if the run has several seeds and none is chosen.
    """
    folders = [Path(run), Path("saved_models") / run]
    for folder in folders:
        if (folder / file).is_file():
            return folder / file
        seeds = sorted(child.name for child in folder.glob("seed_*") if (child / file).is_file())
        if seeds:
            raise Refusal(
                f"{folder} holds a run for each seed: name one of {', '.join(f'{folder}/{seed}' for seed in seeds)}."
            )
    unfinished = find_unfinished(run)
    if unfinished:
        raise Refusal(f"the run {unfinished} is not finished: the command that started it resumes it.")
    raise Refusal(f"no finished run at {' or '.join(map(str, folders))}: {file} is missing.")


def find_unfinished(run: PathLike) -> Path | None:
    """Returns the folder that a run will have whose training is interrupted or in progress, None if there is none."""
    folders = (Path(run), Path("saved_models") / run)
    return next((folder for folder in folders if hidden(folder, "partial").is_dir()), None)


def find_seeds(run: PathLike, file: str = "metrics.json") -> list[Path]:
    """Returns the folders of a finished run's seeds in the order of their numbers, or of a run of one seed its folder.

    file: what each of them must have. Raises Refusal if there is no finished run.
    """
    for folder in (Path(run), Path("saved_models") / run):
        if (folder / "metrics.json").is_file():
            seeds = [child for child in folder.glob("seed_*") if (child / file).is_file()]
            if seeds:
                return sorted(seeds, key=lambda child: (len(child.name), child.name))
    return [find_run(run, file).parent]


def find_run_or_model(name: str) -> Path | None:
    """Returns the folder of the finished run `name`, or None if `name` is a model or a `.keras` file and no run.

    Raises Refusal with the nearest names of models if it is neither.
    """
    if is_keras_file(name):
        return None
    try:
        return find_run(name).parent
    except Refusal as refusal:
        models = known_models()
        if name in models:
            return None
        if "holds a run for each seed" in str(refusal):
            raise
        if find_unfinished(name):
            raise
        hint = f" and no model is called {name!r}; {nearest(name, models)}"
        raise Refusal(str(refusal).rstrip(".") + hint) from None
