"""Writes the golden files of new models: path and shape of each weight, in order.

Usage: python -m tests.models.golden

A saved weight is found by its name, so existing files are never overwritten: a change would break published files.
"""

import json
from pathlib import Path

from kzoo.analysis.catalogue import sketch
from kzoo.models.registry import list_models

GOLDEN = Path(__file__).parents[1] / "golden"


def weights_of(model):
    """Returns path and shape of each weight, in order; the model's own name is no part of a path."""
    return [[weight.path, list(weight.shape)] for weight in model.weights]


def text(weights):
    """Returns the text of a golden file, one line for each weight."""
    return "[\n" + ",\n".join(f"  {json.dumps(weight)}" for weight in weights) + "\n]\n"


def main():
    """Writes a file for each model that has none."""
    for name in list_models():
        file = GOLDEN / f"{name}.json"
        if not file.exists():
            file.write_text(text(weights_of(sketch(name))))
            print(f"wrote {file}")


if __name__ == "__main__":
    main()
