"""The rules of the code base, checked in the source text: imports between parts, contents of files, tests.

Every message gives the reason for the rule and the remedy.
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
GROUPS = [path for path in FILES if path.name == "__init__.py"]

ARROW = [
    ["checks", "types", "keras_names"],
    ["files", "terminal", "index", "interrupts", "standard_streams", "memory", "json_record", "task"],
    ["figures", "listing", "run_folder", "user_cache", "user_modules"],
    ["fault_report", "compilation_cache"],
    ["tensorflow_import"],
    ["preload", "processes"],
    ["ops"],
    ["layers", "losses", "initializers", "constraints", "regularizers", "schedules"],
    ["augmentation"],
    ["optimizers"],
    ["metrics"],
    ["models"],
    ["data"],
    ["registration"],
    ["analysis"],
    ["export"],
    ["config"],
    ["training"],
    ["reports"],
    ["explore"],
    ["tuning"],
    ["cli"],
    ["__main__"],
]
POSITION = {part: position for position, parts in enumerate(ARROW) for part in parts}

# Imports of a whole package, each with its reason. This list may only shrink.
WHOLE_PACKAGES = {
    "kzoo/registration.py": "it imports every package that registers classes with Keras",
    "kzoo/training/seed_run.py": "the version is written into a run's metrics",
}
# Files without a test file of their name, each with the test that covers it. This list may only shrink.
TESTED_ELSEWHERE = {
    "kzoo/__main__.py": "tests/cli/test_program.py",
    "kzoo/preload.py": "tests/test_processes.py",
    "kzoo/types.py": "the type checker",
}

# What `import kzoo` must not import: each takes seconds, and most programs need none.
SLOW = ("tensorflow_datasets", "keras_tuner", "matplotlib")
# What these modules must not import either, so that `kzoo --help` and errors in configs appear at once.
LIGHT = ("kzoo", "kzoo.cli", "kzoo.index", "kzoo.export.registry", "kzoo.config.config_files", "kzoo.config.results")
FRAMEWORKS = ("keras", "tensorflow", "jax", "torch")


@functools.cache
def tree_of(path):
    return ast.parse((ROOT / path).read_text(), str(path))


def name_of(path):
    return str(path)


def part_of(path):
    """Returns the part of a file: kzoo/ops/conv.py -> ops, kzoo/checks.py -> checks."""
    return pathlib.Path(path).with_suffix("").parts[1]


def imports(path):
    """Yields (line, module, name or None) of each import in a file, also within functions."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, "." * node.level + (node.module or ""), alias.name) for alias in node.names)


def defining_file(module, name):
    """Returns the file that an import names, or None if it names a package.

    None also for `from kzoo.ops import conv`, which imports the package's function, although kzoo/ops/conv.py exists.
    """
    folder = pathlib.Path(*module.split("."))
    if (ROOT / folder).with_suffix(".py").is_file():
        return folder.with_suffix(".py")
    inside = folder / f"{name}.py"
    return inside if inside in FILES and name not in public_names(folder) else None


def public_names(folder):
    """Returns the names that a package's `__init__.py`, or the stub of a lazy one, imports."""
    inits = [folder / "__init__.py", folder / "__init__.pyi"]
    return {name for init in inits if (ROOT / init).is_file() for _, _, name in imports(init)}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_follow_the_arrow(path):
    own = part_of(path)
    assert own in POSITION, f"{path} belongs to no part: add '{own}' to ARROW here"
    for line, module, name in imports(path):
        where = f"{path}:{line}"
        assert not module.startswith("."), f"{where} imports relatively: write the defining file's full name"
        if module.split(".")[0] != "kzoo" or str(path) in WHOLE_PACKAGES:
            continue
        source = defining_file(module, name)
        assert source, (
            f"{where} imports from the package {module}, whose __init__ loads the whole group, and leads to circular "
            f"imports: name the file that defines {name or 'what you need'}"
        )
        other = part_of(source)
        assert own == other or POSITION[other] < POSITION[own], (
            f"{where} imports {other}, which is not to the left of {own} in the arrow of imports: low parts must work "
            "without high ones. Move the code down to where both may use it, or pass it in as an argument"
        )


def test_exemptions_are_needed():
    for path in WHOLE_PACKAGES:
        used = [1 for _, module, name in imports(path) if module.startswith("kzoo") and not defining_file(module, name)]
        assert used, f"remove {path} from WHOLE_PACKAGES"


@pytest.mark.parametrize("path", [path for path in GROUPS if (ROOT / path).with_suffix(".pyi").is_file()], ids=name_of)
def test_lazy_names_are_no_submodules(path):
    """Importing kzoo.data.load as a submodule would replace a function `load` of the package."""
    for name in public_names(path.parent):
        clash = (ROOT / path.parent / f"{name}.py").is_file()
        assert not clash, f"{path} exports {name} lazily, which is a submodule's name too: rename the submodule"


# `legacy_h5` wraps a function of Keras, for whose files layers have no hook; `xla` has the name as text, for frames
NOT_PRIVATE = [path for path in FILES if path.as_posix() != "kzoo/layers/legacy_h5.py"]


@pytest.mark.parametrize("path", NOT_PRIVATE, ids=name_of)
def test_no_private_keras(path):
    """`keras.src` changes between releases."""
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


@pytest.mark.parametrize("path", GROUPS, ids=name_of)
def test_packages_hold_only_the_public_list(path):
    for node in tree_of(path).body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        names = {
            name for target in getattr(node, "targets", ()) for name in ast.unparse(target).strip("()").split(", ")
        }
        public = isinstance(node, ast.Assign) and names <= {"__all__", "__version__", "__getattr__", "__dir__"}
        hook = isinstance(node, ast.Expr) and "register_post_import_hook" in ast.unparse(node)
        assert docstring or public or hook or isinstance(node, (ast.Import, ast.ImportFrom)), (
            f"{path}:{node.lineno} holds more than imports and __all__: code there has no file to be found in or test "
            "to be tested by. Move it to a file of its own"
        )


def ops_tested_with_a_layer():
    """The files of ops whose cases stand in a layer's test file."""
    for path in (ROOT / "tests" / "layers").glob("test_*.py"):
        for node in tree_of(path).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "OP_CASES":
                yield from (f"kzoo/ops/{key.value}.py" for key in node.value.keys)


def test_each_file_has_its_test():
    mirror = {str(path): pathlib.Path("tests", *path.parts[1:-1], f"test_{path.name}") for path in SOURCES}
    missing = {path for path, test in mirror.items() if not (ROOT / test).is_file()} - set(ops_tested_with_a_layer())
    wanted = ", ".join(sorted(str(mirror[path]) for path in missing - set(TESTED_ELSEWHERE)))
    assert not wanted, f"tests mirror kzoo/, so that a file's test is where one looks; write {wanted}"
    stale = set(TESTED_ELSEWHERE) - missing
    assert not stale, f"these have a test now, or are gone; remove them from TESTED_ELSEWHERE: {sorted(stale)}"


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
        f"no test in tests/layers calls check_layer with {sorted(missing)}: the contract that every layer must keep. "
        "Name the class in the parameters of a test that calls it"
    )


def test_imports_are_quick():
    """Keras itself tries to import matplotlib, so `sys.modules` is no proof. Instead, imports of SLOW modules fail."""
    run_without(SLOW, "import kzoo.layers, kzoo.models, kzoo.losses")
    run_without((*SLOW, *FRAMEWORKS), f"import {', '.join(LIGHT)}")


def run_without(modules, code):
    code = f"import sys; sys.modules.update(dict.fromkeys({modules})); {code}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (
        f"{code!r} imports one of {modules}, which costs every user seconds: import it in the function that uses it.\n"
        + done.stderr[-1000:]
    )
