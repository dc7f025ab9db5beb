"""Writes the public lists: `__init__.py` of kzoo's layers, ops, models, losses and so on, from the files next to it.

Usage: python -m docs.public_lists [--check]    (--check writes nothing and fails if a list is out of date)

Public is what a file's `__all__` names. Without `__all__`, public are the classes that the file registers with Keras
and the function that has the file's name. A file of `kzoo.models` that calls `register_family` is public as a module.
"""

import ast
import sys
from pathlib import Path

KZOO = Path(__file__).resolve().parents[1] / "kzoo"
PACKAGES = (
    *("constraints", "initializers", "layers", "losses", "metrics", "models", "ops"),
    *("optimizers", "regularizers", "schedules"),
)
MODULES = {"ops": ("filters",)}  # further files that are public as modules
MOVED = {  # {package: names that it still exports from their new packages}
    "losses": {
        "constraints.orthogonal_filters": ["OrthogonalFilters"],
        "initializers.digit_codes": ["DigitCodes"],
        "initializers.fan_in_uniform": ["FanInUniform"],
        "initializers.identity_kernel": ["IdentityKernel"],
        "metrics.masked_accuracy": ["MaskedAccuracy"],
        "regularizers.row_sparsity": ["RowSparsity"],
    }
}
LINE_LENGTH = 120


def public_names(file):
    """Returns the public names of a file, sorted."""
    body = ast.parse(file.read_text()).body
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return sorted(ast.literal_eval(node.value))
    classes = [node.name for node in body if isinstance(node, ast.ClassDef) and registered(node)]
    functions = [node.name for node in body if isinstance(node, ast.FunctionDef) and node.name == file.stem]
    return sorted(name for name in classes + functions if not name.startswith("Base"))


def registered(node):
    """Returns whether a class is registered with Keras."""
    return any("register_keras_serializable" in ast.unparse(decorator) for decorator in node.decorator_list)


def is_family(file):
    """Returns whether a file registers models."""
    return any(ast.unparse(node).startswith("register_family(") for node in ast.parse(file.read_text()).body)


def public_list(package):
    """Returns the text of a package's `__init__.py`; its docstring and its imports of other packages are kept."""
    init = KZOO / package / "__init__.py"
    head = init.read_text().partition("\nfrom kzoo")[0].rstrip()
    files = sorted(file for file in init.parent.glob("*.py") if file.name != "__init__.py")
    modules = [file.stem for file in files if file.stem in MODULES.get(package, ()) or is_family(file)]
    sources = {f"{package}.{file.stem}": public_names(file) for file in files if file.stem not in modules}
    sources |= MOVED.get(package, {})
    lines = [import_line(f"kzoo.{package}", modules)] if modules else []
    lines += [import_line(f"kzoo.{source}", names) for source, names in sorted(sources.items()) if names]
    public = sorted(modules + [name for names in sources.values() for name in names])
    return f"{head}\n\n" + "".join(lines) + "\n" + wrapped("__all__ = [", [f'"{name}"' for name in public], "]")


def import_line(module, names):
    """Returns the import of some names, on one line if it fits."""
    line = f"from {module} import {', '.join(names)}\n"
    return line if len(line) <= LINE_LENGTH + 1 else wrapped(f"from {module} import (", names, ")")


def wrapped(start, items, end):
    """Returns a list as Ruff formats it: on one line if it is a single item, else one item per line."""
    if len(items) == 1 or (len(items) < 4 and len(start + ", ".join(items) + end) <= LINE_LENGTH):
        return start + ", ".join(items) + end + "\n"
    return start + "\n" + "".join(f"    {item},\n" for item in items) + end + "\n"


def main(check=False):
    """Writes the lists, or with `check` returns a message that names those which are out of date."""
    texts = {KZOO / package / "__init__.py": public_list(package) for package in PACKAGES}
    old = [file for file, text in texts.items() if file.read_text() != text]
    if check:
        names = ", ".join(str(file.relative_to(KZOO.parent)) for file in old)
        return f"out of date: {names}; run python -m docs.public_lists" if old else None
    for file in old:
        file.write_text(texts[file])
    return None


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
