"""The rules of the house, read off the source text: who imports whom, what a file opens with, which test it has.

Every message says why the rule is there and what to do.
"""

import ast
import functools
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FILES = sorted(path.relative_to(ROOT) for path in (ROOT / "kzoo").rglob("*.py"))
SOURCES = [path for path in FILES if path.name != "__init__.py"]
GROUPS = [path for path in FILES if path.name == "__init__.py" and path.parent.name != "kzoo"]

ARROW = [
    ["checks"],
    ["ops"],
    ["layers", "losses"],
    ["models"],
    ["data"],
    ["analysis"],
    ["export"],
    ["training"],
    ["tuning"],
    ["cli"],
]
PLACE = {part: place for place, parts in enumerate(ARROW) for part in parts}

# Imports of a whole package, each with its reason. This list may only shrink.
WHOLE_PACKAGES = {
    ("kzoo/models/load_model.py", "kzoo.layers"): "loading needs every layer registered with Keras",
    ("kzoo/training/keras_objects.py", "kzoo.layers"): "configs name any registered layer",
    (
        "kzoo/training/keras_objects.py",
        "kzoo.losses",
    ): "configs name any registered loss, metric, initialiser and constraint",
    ("kzoo/training/seed_run.py", "kzoo"): "the version is written into a run's metrics",
}

# Files without a test file of their name. This list may only shrink: write the test, then strike the line.
WITHOUT_TEST = set()

# What `import kzoo` must not bring along: each takes seconds, and most programs need none.
SLOW = ("tensorflow_datasets", "keras_tuner", "matplotlib")


@functools.cache
def tree_of(path):
    return ast.parse((ROOT / path).read_text(), str(path))


def name_of(path):
    return str(path)


def part_of(path):
    """The part of the house a file or module lies in: kzoo/ops/conv.py -> ops."""
    return pathlib.Path(path).with_suffix("").parts[1]


def imports(path):
    """Yield (line, module, name or None) of each import in a file, also within functions."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, "." * node.level + (node.module or ""), alias.name) for alias in node.names)


def defining_file(module, name):
    """The file that an import names, or None where it stops at a package.

    `from kzoo.ops import conv` stops there although kzoo/ops/conv.py exists: it gives the package's function.
    """
    folder = pathlib.Path(*module.split("."))
    if (ROOT / folder).with_suffix(".py").is_file():
        return folder.with_suffix(".py")
    init, inside = folder / "__init__.py", folder / f"{name}.py"
    public = init in FILES and any(name == given for _, _, given in imports(init))
    return inside if inside in FILES and not public else None


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_follow_the_arrow(path):
    own = part_of(path)
    assert own in PLACE, f"{path} lies in no part of the house: add '{own}' to ARROW here and to the design's arrow"
    for line, module, name in imports(path):
        where = f"{path}:{line}"
        assert not module.startswith("."), f"{where} imports relatively: name the defining file in full, to be found"
        if module.split(".")[0] != "kzoo" or (str(path), module) in WHOLE_PACKAGES:
            continue
        source = defining_file(module, name)
        assert source, (
            f"{where} imports from the package {module}, whose __init__ loads the whole group, and the next import "
            f"circle with it: name the file that defines {name or 'what you need'}"
        )
        other = part_of(source)
        assert own == other or PLACE[other] < PLACE[own], (
            f"{where} imports {other}, which is not to the left of {own} in the arrow of imports: low parts must work "
            "without high ones. Move the code down to where both may use it, or pass it in as an argument"
        )


def test_exemptions_are_needed():
    used = {(str(path), module) for path in SOURCES for _, module, _ in imports(path)}
    assert not set(WHOLE_PACKAGES) - used, f"strike from WHOLE_PACKAGES: {sorted(set(WHOLE_PACKAGES) - used)}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_private_keras(path):
    """`keras.src` moves between releases. `kzoo/ops/xla.py` alone knows the name, as text, to recognise frames."""
    advice = "imports keras.src, which changes without notice: use Keras's public names"
    for line, module, name in imports(path):
        dotted = f"{module}.{name}."
        assert not dotted.startswith("keras.src."), f"{path}:{line} {advice}"
    for node in ast.walk(tree_of(path)):
        hidden = isinstance(node, ast.Attribute) and ast.unparse(node) == "keras.src"
        assert not hidden, f"{path}:{getattr(node, 'lineno', 0)} {advice}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_assert(path):
    lines = [node.lineno for node in ast.walk(tree_of(path)) if isinstance(node, ast.Assert)]
    assert not lines, f"{path}:{lines} asserts, which `python -O` drops: refuse with kzoo.checks.require"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_opens_with_what_it_is_and_its_source(path):
    text = ast.get_docstring(tree_of(path)) or ""
    assert "Source:" in text, (
        f"{path} must open with a docstring: one sentence, then 'Source:' and author, year, title, section, or 'none', "
        "so that a reader can check it against the page it comes from"
    )


@pytest.mark.parametrize("path", GROUPS, ids=name_of)
def test_groups_hold_only_the_public_list(path):
    for node in tree_of(path).body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        public = isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]
        assert docstring or public or isinstance(node, (ast.Import, ast.ImportFrom)), (
            f"{path}:{node.lineno} holds more than imports and __all__: code there has no file to be found in or test "
            "to be tested by. Move it to a file of its own"
        )


def test_each_file_has_its_test():
    mirror = {str(path): pathlib.Path("tests", *path.parts[1:-1], f"test_{path.name}") for path in SOURCES}
    missing = {path for path, test in mirror.items() if not (ROOT / test).is_file()}
    wanted = ", ".join(sorted(str(mirror[path]) for path in missing - WITHOUT_TEST))
    assert not wanted, f"tests mirror kzoo/, so that a file's test is where one looks; write {wanted}"
    stale = WITHOUT_TEST - missing
    assert not stale, f"these have a test now, or are gone; strike them from WITHOUT_TEST: {sorted(stale)}"


def test_each_public_layer_is_checked():
    from kzoo import layers

    checked = set()
    for path in (ROOT / "tests" / "layers").glob("test_*.py"):
        for function in ast.parse(path.read_text()).body:
            names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
            if isinstance(function, ast.FunctionDef) and "check_layer" in names:
                checked |= names
    missing = set(layers.__all__) - checked
    assert not missing, (
        f"no test in tests/layers calls check_layer with {sorted(missing)}: it holds what every layer owes its users. "
        "Name the class in the parameters of a test that calls it"
    )


def test_import_is_quick():
    """Keras itself tries matplotlib, so looking for it afterwards is not enough: here none of them can be imported."""
    code = f"import sys; sys.modules.update(dict.fromkeys({SLOW})); import kzoo"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (
        f"`import kzoo` imports one of {SLOW}, which costs everybody seconds: import it in the function that uses it.\n"
        + done.stderr[-1000:]
    )
