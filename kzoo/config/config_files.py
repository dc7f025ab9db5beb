"""Finds configs by name or path and reads them."""

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from kzoo.checks import Refusal, is_integer, nearest
from kzoo.config.config import Config, check_config
from kzoo.config.yaml_file import apply_sets, read_yaml
from kzoo.types import PathLike

FOLDERS = [up / "zoo_configs" for up in Path(__file__).resolve().parents[1:3]]  # in the wheel; in a checkout


def list_configs(pattern: str = "*") -> list[str]:
    """Returns the sorted names of the configs shipped with kzoo that match a shell pattern."""
    return sorted({file.stem for folder in FOLDERS for file in folder.glob("*.yaml") if fnmatch(file.stem, pattern)})


def config_path(name: PathLike) -> Path:
    """Returns the file of a config: of a shipped one by its name, or `name` itself if it is a path.

    A path ends in .yaml or .yml or contains a separator. Raises Refusal with the nearest names for an unknown name.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return path
    for file in (folder / f"{name}.yaml" for folder in FOLDERS):
        if file.is_file():
            return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    raise Refusal(f"no config is called {str(name)!r}; {nearest(name, list_configs())}")


def read_config(path_or_name: PathLike, sets: Sequence[str] = ()) -> Config:
    """Reads a config, applies each "part.key=value" of `sets`, and checks it.

    Raises Refusal, one line with the file and each invalid setting: what it expects and what was received.
    """
    path = config_path(path_or_name)
    written = read_yaml(path)
    config = check_config(apply_sets(written, sets), path)
    return _with_recipe(config, written.get("training"))


def _with_recipe(config, written):
    """Returns the config with the length of the published result's training, if `--set` gives it another one.

    written: the part `training` of the file.
    """
    if config.published is None or not isinstance(written, dict):
        return config
    recipe = {"epochs": written.get("epochs"), "steps_per_epoch": written.get("steps_per_epoch") or 0}
    now = {"epochs": config.training.epochs, "steps_per_epoch": config.training.steps_per_epoch or 0}
    changed = {key: value for key, value in recipe.items() if value != now[key] and is_integer(value, key == "epochs")}
    missing = {key: value for key, value in changed.items() if getattr(config.published, key) is None}
    return config.model_copy(update={"published": config.published.model_copy(update=missing)})
