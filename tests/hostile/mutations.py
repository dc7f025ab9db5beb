"""Random damage to bytes, text and nested settings; all of it follows from the generator that is passed in."""

import copy
import math

ESCAPES = "\x1b[31mred\x1b[0m\x07"
VALUES = (
    *(None, True, False, 0, -1, 1, 2, 7, 10**7, 2**31, 2**63, 10**400, 0.0, -0.5, 0.5, 1e-320, 1e308),
    *(math.inf, -math.inf, math.nan, "", "0", "x", "null", "..", "/", "/dev/null", "/dev/full", "/etc/passwd"),
    *("../outside/x", "~nouser/x", "~/x", "a/b", "a\0b", "a\nb", ESCAPES, "\ud800", "é\u202e", "x" * 300, "x" * 20_000),
    *([], [[]], [1], [0, -1], ["x"], {}, {"a": 1}, {"class_name": "X"}, {"class_name": "Lambda", "config": {}}),
    *({"class_name": None}, {"class_name": "Dense", "config": {"units": -1}}, [None], [math.nan], {"": ""}),
)


def pick(rng, options):
    """Returns one of the options as it is; `rng.choice` would convert it to a type of NumPy."""
    options = list(options)
    return options[int(rng.integers(len(options)))]


def damage(rng, data):
    """Returns bytes with one to three random changes, mostly one."""
    data = bytearray(data)
    for _ in range(pick(rng, (1, 1, 1, 2, 3))):
        start = int(rng.integers(len(data) + 1))
        stop = min(len(data), start + int(2 ** rng.uniform(0, 8)))
        match pick(rng, ("flip", "flip", "set", "cut", "delete", "repeat", "insert", "zero", "empty")):
            case "flip" if start < len(data):
                data[start] ^= 1 << int(rng.integers(8))
            case "set" if start < len(data):
                data[start] = pick(rng, (0, 1, 127, 128, 255))
            case "cut":
                del data[start:]
            case "delete":
                del data[start:stop]
            case "repeat":
                data[start:start] = data[start:stop]
            case "insert":
                data[start:start] = rng.bytes(stop - start)
            case "zero":
                data[start:stop] = bytes(stop - start)
            case "empty" if rng.random() < 0.1:
                data.clear()
    return bytes(data)


def damage_file(rng, path):
    path.write_bytes(damage(rng, path.read_bytes()))


def paths_of(settings, path=()):
    """Returns the paths of all values in nested mappings and lists, each a tuple of keys."""
    items = (
        settings.items() if isinstance(settings, dict) else enumerate(settings) if isinstance(settings, list) else ()
    )
    return [found for key, value in items for found in ((*path, key), *paths_of(value, (*path, key)))]


def like(rng, value, values):
    """Returns one of the values, mostly one of the type of `value`."""
    same = [other for other in values if type(other) is type(value)]
    return pick(rng, same if same and rng.random() < 0.85 else values)


def mutate(rng, settings, values=VALUES):
    """Returns a copy of nested settings with values replaced, removed, copied elsewhere or added; and their paths."""
    settings, changes = copy.deepcopy(settings), []
    for _ in range(pick(rng, (1, 1, 2, 3))):
        paths = paths_of(settings)
        if not paths:
            break
        path = pick(rng, paths)
        parent = settings
        for key in path[:-1]:
            parent = parent[key]
        match pick(rng, ("set",) * 6 + ("remove", "copy", "add")):
            case "set":
                parent[path[-1]] = like(rng, parent[path[-1]], values)
            case "remove":
                del parent[path[-1]]
            case "copy":
                parent[path[-1]] = copy.deepcopy(value_at(settings, pick(rng, paths)))
            case "add" if isinstance(parent, dict):
                parent[pick(rng, ("x", "", ESCAPES, "class_name", "name", 1))] = pick(rng, values)
        changes.append(".".join(map(str, path)))
    return settings, changes


def value_at(settings, path):
    for key in path:
        settings = settings[key]
    return settings
