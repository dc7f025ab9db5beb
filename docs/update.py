"""Writes every generated file except the gallery: public lists, golden files of new models, the index, tables, plots.

Usage: python -m docs.update [--check]    (--check writes nothing and fails if a file is out of date)
"""

import importlib
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(check=False):
    """Writes the files, or with `check` returns messages that name those which are out of date."""
    if not check:  # in processes of their own, because kzoo is imported with the public lists as they were
        for module in ("docs.public_lists", "tests.models.golden"):
            subprocess.run([sys.executable, "-m", module], check=True)
    modules = [importlib.import_module(f"docs.{name}") for name in ("public_lists", "index", "tables")]
    return "\n".join(filter(None, (module.main(check) for module in modules))) or None


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
