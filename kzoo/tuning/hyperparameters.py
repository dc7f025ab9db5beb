"""Conversion of a config's search space to KerasTuner's hyperparameters, and of their values back to settings.

It avoids these faults of KerasTuner 1.4.8: a choice of booleans returns integers, one of mixed types is refused, and a
float with a step may miss its upper end (0.5 // 0.1 is 4). Therefore everything but a range becomes a choice, either of
numbers of one type or of JSON texts.
"""

import contextlib
import copy
import json

from kzoo.config.config import check_config, resolved
from kzoo.config.search_space import possible_values, when_values
from kzoo.config.yaml_file import set_value
from kzoo.models.registry import describe


def values_from_hyperparameters(config, hp):
    """Returns {path: value} of a trial from KerasTuner's `HyperParameters`, and registers the search space there.

    Settings whose `when` condition does not hold are left out. Defaults are the config's values where the space
    contains them.
    """
    space, baseline, values = config.search.space, baseline_values(config), {}
    for path, entry in space.items():
        with contextlib.ExitStack() as scopes:
            for parent, allowed in reversed(list(_conditions(space, path))):
                choices = [_to_choice(space[parent], value) for value in allowed]
                scopes.enter_context(hp.conditional_scope(parent, choices))
            value = _register(hp, path, entry, baseline.get(path))
        if value is not None:
            values[path] = _from_choice(entry, value)
    return values


def baseline_values(config):
    """Returns {path: value} of the config itself, for the settings of the search space.

    A setting that the config does not have takes the model's default; without one it is left out, and so is a setting
    whose `when` condition does not hold.

    >>> from kzoo.config.config_files import read_config
    >>> baseline_values(read_config("mnist1d_cnn"))["model.filters"]
    15
    """
    space, settings, values = config.search.space, resolved(config), {}
    settings["model"] = {**describe(config.model.name)["settings"], **settings["model"]}
    for path in space:
        node = settings
        for part in path.split("."):
            known = isinstance(node, dict) and part in node
            node = node[part] if known else node[int(part)] if _is_index(node, part) else _MISSING
        if node is not _MISSING and all(values.get(parent) in allowed for parent, allowed in _conditions(space, path)):
            values[path] = json.loads(json.dumps(node, default=str))  # tuples as lists
    return values


def config_with_values(config, values, where="search"):
    """Returns the config with {path: value} applied. Raises Refusal, which begins with `where`, if it is invalid."""
    settings = resolved(config)
    for path, value in values.items():
        # a copy, because a later path may be within a value that is a mapping
        set_value(settings, path, copy.deepcopy(value), f"{where}: {path}")
    return check_config(settings, where)


def run_config(config, values, where="search"):
    """Returns the config of a run with a trial's values; the search's validation split is not held out."""
    return config_with_values(config, values, where).model_copy(update={"search": None})


def trial_config(config, values, where="search"):
    """Returns the config of a trial: its values, the search's validation split, a stop at NaN, no exports."""
    settings = resolved(config_with_values(config, values, where))
    settings["data"]["validation"] = config.search.validation
    settings["training"]["callbacks"].append({"class_name": "TerminateOnNaN", "config": {}})
    return check_config({**settings, "export": {"formats": []}, "search": None}, where)


def boundary_configs(config):
    """Yields (path, config with that value) for both ends of each range and for each choice.

    Raises Refusal that names the path if such a config is invalid.
    """
    space = config.search.space
    for path, entry in space.items():
        ends = entry.get("int") or entry.get("float") or entry.get("log")
        for value in ends or possible_values(entry):
            parents = {parent: allowed[0] for parent, allowed in reversed(list(_conditions(space, path)))}
            yield path, config_with_values(config, {**parents, path: value}, f"search.space.{path}")


_MISSING = object()


def _is_index(node, part):
    return isinstance(node, list) and part.isdecimal() and int(part) < len(node)


def _conditions(space, path):
    """Yields (parent, its allowed values) from the `when` of a setting, of its parent and so on."""
    while "when" in space[path]:
        when = space[path]["when"]
        (path,) = when
        yield path, when_values(when)


def _register(hp, path, entry, default):
    """Registers a setting in `hp` and returns its value there, None if it is inactive."""
    if "int" in entry:
        low, high = entry["int"]
        step = entry.get("step", 1)
        fits = type(default) is int and default in range(low, high + 1, step)
        return hp.Int(path, low, high, step=step, default=default if fits else None)
    if "log" in entry or ("float" in entry and "step" not in entry):
        low, high = entry.get("log") or entry["float"]
        fits = type(default) in (int, float) and low <= default <= high
        sampling = "log" if "log" in entry else "linear"
        return hp.Float(path, low, high, sampling=sampling, default=float(default) if fits else None)
    values = possible_values(entry)
    return hp.Choice(path, _choices(values), default=_to_choice(entry, default) if default in values else None)


def _choices(values):
    """Returns values as KerasTuner accepts them in a choice: numbers of one type unchanged, otherwise JSON texts."""
    numbers = len({type(value) for value in values}) == 1 and type(values[0]) in (int, float)
    return values if numbers else [json.dumps(value) for value in values]


def _to_choice(entry, value):
    if "int" in entry:
        return value
    values = possible_values(entry)
    return _choices(values)[values.index(value)]


def _from_choice(entry, value):
    if "int" in entry or possible_values(entry) is None:
        return value
    values = possible_values(entry)
    return values[_choices(values).index(value)]
