"""A config's search space as KerasTuner's hyperparameters, and a trial's values back as settings.

Faults of KerasTuner 1.4.8 with values are avoided here: a choice of booleans comes back as integers, one of mixed types
is refused, and a stepped float may miss its upper end (0.5 // 0.1 is 4). So whatever is not a range is a choice, of
numbers of one type or else of JSON texts.

Source: none.
"""

import contextlib
import json

from kzoo.models.registry import describe
from kzoo.training.config import check_config, possible_values, resolved, when_values
from kzoo.training.yaml_file import put


def values_of(config, hp):
    """Settings {path: value} of a trial, from KerasTuner's `HyperParameters`; new ones are registered there.

    A setting whose `when` does not hold is left out. Defaults are the config's own values, where those are possible.
    """
    space, own, found = config.search.space, own_values(config), {}
    for path, entry in space.items():
        with contextlib.ExitStack() as scopes:
            for parent, wanted in reversed(list(_conditions(space, path))):
                scopes.enter_context(hp.conditional_scope(parent, [_encode(space[parent], value) for value in wanted]))
            value = _ask(hp, path, entry, own.get(path))
        if value is not None:
            found[path] = _decode(entry, value)
    return found


def own_values(config):
    """The config's own settings {path: value} of its space, written or defaults of the model; without unknown ones.

    >>> from kzoo.training.config import read_config
    >>> own_values(read_config("mnist1d_cnn"))["model.filters"]
    15
    """
    space, settings, found = config.search.space, resolved(config), {}
    settings["model"] = {**describe(config.model.name)["settings"], **settings["model"]}
    for path in space:
        node = settings
        for part in path.split("."):
            known = isinstance(node, dict) and part in node
            node = node[part] if known else node[int(part)] if _inside(node, part) else _MISSING
        if node is not _MISSING and all(found.get(at) in wanted for at, wanted in _conditions(space, path)):
            found[path] = json.loads(json.dumps(node, default=str))  # tuples as lists
    return found


def with_values(config, values, where="search"):
    """The config with settings {path: value}. Errors: Refusal, beginning with `where`, if they do not fit together."""
    settings = resolved(config)
    for path, value in values.items():
        put(settings, path, value, f"{where}: {path}")
    return check_config(settings, where)


def chosen(config, values, where="search"):
    """The config of a run with a trial's values, on all examples."""
    return with_values(config, values, where).model_copy(update={"search": None})


def trial_config(config, values, where="search"):
    """The config that a trial trains: its values, the search's held out examples, an end at NaN, no export."""
    changed = resolved(with_values(config, values, where))
    changed["data"]["validation"] = config.search.validation
    changed["training"]["callbacks"].append({"class_name": "TerminateOnNaN", "config": {}})
    return check_config({**changed, "export": {"formats": []}, "search": None}, where)


def extremes(config):
    """For each value at the end of a range, and each choice, (its path, a config with that value): what to check first.

    Errors: Refusal that names the path, for a value that the config's own checks refuse.
    """
    space = config.search.space
    for path, entry in space.items():
        ranged = entry.get("int") or entry.get("float") or entry.get("log")
        for value in ranged or possible_values(entry):
            parents = {at: wanted[0] for at, wanted in reversed(list(_conditions(space, path)))}
            yield path, with_values(config, {**parents, path: value}, f"search.space.{path}")


_MISSING = object()


def _inside(node, part):
    return isinstance(node, list) and part.isdecimal() and int(part) < len(node)


def _conditions(space, path):
    """Pairs (parent, its wanted values) of a setting's `when`, of its parent's and so on."""
    while "when" in space[path]:
        when = space[path]["when"]
        (path,) = when
        yield path, when_values(when)


def _ask(hp, path, entry, own):
    """The value that KerasTuner has for a setting; None if it is inactive."""
    if "int" in entry:
        low, high = entry["int"]
        step = entry.get("step", 1)
        fits = type(own) is int and own in range(low, high + 1, step)
        return hp.Int(path, low, high, step=step, default=own if fits else None)
    if "log" in entry or ("float" in entry and "step" not in entry):
        low, high = entry.get("log") or entry["float"]
        fits = type(own) in (int, float) and low <= own <= high
        sampling = "log" if "log" in entry else "linear"
        return hp.Float(path, low, high, sampling=sampling, default=float(own) if fits else None)
    values = possible_values(entry)
    return hp.Choice(path, _encoded(values), default=_encode(entry, own) if own in values else None)


def _encoded(values):
    """Values as KerasTuner takes them in a choice: numbers of one type as they are, else JSON texts."""
    numbers = len({type(value) for value in values}) == 1 and type(values[0]) in (int, float)
    return values if numbers else [json.dumps(value) for value in values]


def _encode(entry, value):
    if "int" in entry:
        return value
    values = possible_values(entry)
    return _encoded(values)[values.index(value)]


def _decode(entry, value):
    if "int" in entry or possible_values(entry) is None:
        return value
    values = possible_values(entry)
    return values[_encoded(values).index(value)]
