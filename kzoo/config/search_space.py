"""The grammar of `search.space`: which settings a search varies, and over which values.

An entry is {path: {kind: values}}: "int", "float" or "log" with [low, high], "choice" with a list, or "boolean" with
True. With int and float there may be a "step". With "when": {path of an earlier entry: value or values} the setting
varies only where that earlier setting has one of these values.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from kzoo.checks import Refusal, is_integer, is_number, nearest, require

KINDS = ("int", "float", "log", "choice", "boolean")
FIXED = {"data.validation": "search.validation", "training.seeds": "search.seeds"}  # not searched: set by the latter


def check_space(space: dict, setting_names: Mapping[str, Sequence[str]]) -> dict:
    """Returns `space`, or raises Refusal for an unknown setting, an invalid range or an invalid condition.

    setting_names: {part: its settings} of the parts that are searched, next to model, whose settings depend on its
    family.
    """
    require(space, "search.space", "at least one setting", space=space)
    known = [f"{part}.{name}" for part, names in setting_names.items() for name in names]
    earlier: dict = {}
    for path, entry in space.items():
        who = f"search.space.{path}"
        _check_path(who, path, [name for name in known if name not in FIXED])
        _check_entry(who, entry)
        if "when" in entry:
            _check_when(who, entry["when"], earlier)
        earlier[path] = entry
    return space


def _check_path(who, path, known):
    setting = ".".join(path.split(".")[:2])
    if setting in FIXED:
        raise Refusal(f"{who} is not a setting to search; every trial takes it from {FIXED[setting]}.")
    if setting not in known and not (setting.startswith("model.") and all(path.split("."))):
        near = nearest(setting, [*known, "model." + setting.split(".")[-1]])
        raise Refusal(f"{who} is not a setting to search; {near}")


def _check_entry(who, entry):
    kind = next((kind for kind in KINDS if kind in entry), None)
    allowed = {kind, "when", "step"} if kind in ("int", "float") else {kind, "when"}
    expected = "one of int, float (each with or without step), log, choice and boolean"
    require(kind and set(entry) <= allowed, who, expected, entry=entry)
    value, step = entry[kind], entry.get("step", 1)
    if kind == "boolean":
        require(value is True, who, "boolean: true", boolean=value)
    elif kind == "choice":
        distinct = isinstance(value, list) and len({json.dumps(item) for item in value}) == len(value) > 0
        require(distinct, who, "choice: a list of different values", choice=value)
    else:
        is_kind = is_integer if kind == "int" else _is_finite
        pair = isinstance(value, list) and len(value) == 2 and all(map(is_kind, value)) and value[0] < value[1]
        noun, low = "integers" if kind == "int" else "numbers", "0 < low" if kind == "log" else "low"
        valid = pair and (kind != "log" or value[0] > 0)
        require(valid, who, f"{kind}: [low, high], two {noun} with {low} < high", **{kind: value})
        require(is_kind(step) and step > 0, who, f"step above 0, as {noun}", step=step)


def _check_when(who, when, earlier):
    require(isinstance(when, dict) and len(when) == 1, who, "when: one setting and its value or values", when=when)
    (parent,) = when
    if parent not in earlier:
        near = nearest(parent, earlier) if earlier else "there is none"
        raise Refusal(f"{who}.when expects a setting that precedes it in the space; received {parent!r}; {near}")
    possible = possible_values(earlier[parent])
    require(possible is not None, f"{who}.when", "a setting of an int, choice, boolean or stepped float", when=when)
    for value in when_values(when):
        require(value in possible, f"{who}.when", f"values of {parent}, among {possible}", value=value)
    require(when_values(when), f"{who}.when", f"at least one value of {parent}", when=when)


def when_values(when: dict) -> list:
    """Returns the values in a condition {path: value or list of values}."""
    (values,) = when.values()
    return values if isinstance(values, list) else [values]


def possible_values(entry: dict) -> list[Any] | None:
    """Returns all values of an entry in order, or None for a continuous range.

    >>> possible_values({"float": [0, 0.3], "step": 0.1})
    [0.0, 0.1, 0.2, 0.3]
    """
    if "choice" in entry:
        return entry["choice"]
    if "boolean" in entry:
        return [False, True]
    if "int" in entry:
        low, high = entry["int"]
        return list(range(low, high + 1, entry.get("step", 1)))
    if "step" in entry:
        (low, high), step = entry["float"], entry["step"]
        return [round(low + index * step, 12) for index in range(math.floor((high - low) / step + 1e-9) + 1)]
    return None


def _is_finite(value):
    return is_number(value) and abs(value) < math.inf
