"""Writes kzoo/index.json: what `kzoo list`, `kzoo layers` and the check of a config read without importing Keras.

Usage: python -m docs.index [--check]    (--check writes nothing and fails if the file is out of date)
"""

import inspect
import json
import sys

from kzoo.analysis.catalogue import families, sizes, source
from kzoo.index import FILE
from kzoo.models.registry import facts, list_models


def model_facts(name, count=True):
    """Returns what the index holds of a model; without `count`, what is known before the model is built."""
    return {**facts(name), **(sizes(name) if count else {})}


def layer_facts():
    """Returns what the index holds of each layer: its classes, the first line of the 2D one's docstring, its source."""
    found = {}
    for name, classes in families().items():
        shown = next((cls for cls in classes if cls.__name__.endswith("2D")), classes[0])
        what = inspect.getdoc(shown).splitlines()[0]
        found[name] = {"classes": [cls.__name__ for cls in classes], "what": what, "source": source(shown.__module__)}
    return found


def index():
    """Returns the text of index.json, with one line for each model and layer."""
    parts = {"models": {name: model_facts(name) for name in list_models()}, "layers": layer_facts()}
    return "{\n" + ",\n".join(f'"{part}": {{\n{lines(entries)}\n}}' for part, entries in parts.items()) + "\n}\n"


def lines(entries):
    """Returns a JSON object without its braces, one line for each key."""
    return ",\n".join(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in entries.items())


def main(check=False):
    """Writes the index, or with `check` returns a message if it is out of date."""
    text = index()
    if check:
        same = FILE.is_file() and FILE.read_text() == text
        return None if same else "kzoo/index.json is out of date; run python -m docs.index"
    FILE.write_text(text)
    return None


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
