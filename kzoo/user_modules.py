"""The user's own modules: those of the option --import, and plugins, the entry points of the group `kzoo.plugins`.

They register models, datasets, layers and so on while they are imported. A command that needs no TensorFlow does not
import them. Runs record which modules they were started with, and never import these by themselves: a run's folder may
be a stranger's.

Source: Python's documentation of `importlib` and of entry points.
"""

import contextlib
import hashlib
import importlib
import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from kzoo.checks import Refusal, one_line, require
from kzoo.files import write_atomically
from kzoo.terminal import say
from kzoo.types import PathLike

GROUP = "kzoo.plugins"
RECORD = "imports.json"  # in a run's folder
INSTALLED = ("site-packages", "dist-packages")  # folders of packages that are not the user's own code


class UserModule(NamedTuple):
    """A module of --import: what the user wrote, its full name, and the folder it is in, None if it is installed."""

    written: str
    name: str
    root: str | None


class Plugin(NamedTuple):
    """A loaded entry point: its name, its package with the version, and why it could not be loaded, or None."""

    name: str
    package: str
    problem: str | None


_requested: dict[str, UserModule] = {}  # by name
_imported: dict[str, dict[str, str]] = {}  # name: {file: digest}
_plugins: list[Plugin] | None = None  # None: not loaded yet


def request_modules(written: Sequence[str | UserModule]) -> None:
    """Has `import_user_modules` import these modules too. Raises Refusal if one of them does not exist.

    written: names of modules, of this folder or installed, or paths of files or packages.
    """
    for each in written:
        module = each if isinstance(each, UserModule) else find_module(each)
        same = _requested.setdefault(module.name, module).root == module.root
        require(same, "--import", f"one module of the name {module.name!r}", module=module.written)


def requested_modules() -> list[UserModule]:
    """Returns the modules that were requested, which child processes import too."""
    return list(_requested.values())


def has_user_modules() -> bool:
    """Returns whether modules were requested or plugins are installed."""
    return bool(_requested or _entry_points())


def find_module(written: str) -> UserModule:
    """Returns the module that a name or a path means, without importing it.

    A file or folder within a package, which has a file `__init__.py`, is a part of the package.

    >>> find_module("json.decoder")
    UserModule(written='json.decoder', name='json.decoder', root=None)
    """
    path = Path(os.path.abspath(os.path.expanduser(written)))
    if not written.endswith(".py") and os.sep not in written:
        first, here = written.partition(".")[0], Path.cwd()
        local = first and ((here / f"{first}.py").is_file() or (here / first / "__init__.py").is_file())
        installed = first and not local and _is_installed(first)
        found = local or installed or (first and (here / first).is_dir())
        require(found, "--import", "a module of this folder, an installed one, or a file", module=written)
        return UserModule(written, written, None if installed else str(here))
    path = path.parent if path.name == "__init__.py" else path
    is_module = path.is_file() and path.suffix == ".py"
    exists = is_module or (path / "__init__.py").is_file()
    require(exists, "--import", "the path of a .py file or of a package, a folder with __init__.py", path=written)
    parts, root_folder = [path.stem if is_module else path.name], path.parent
    require("." not in parts[0], "--import", "a file whose name has no further dot", path=written)
    while (root_folder / "__init__.py").is_file():
        parts.insert(0, root_folder.name)
        root_folder = root_folder.parent
    return UserModule(written, ".".join(parts), str(root_folder))


def import_user_modules(report: bool = True) -> None:
    """Imports the requested modules, and loads the plugins, each once in a process.

    Raises Refusal, one line with the error and its place, if a requested module fails or registers a name that is
    taken. A plugin that fails is left out, with one line on stderr if `report`.
    """
    for name, module in _requested.items():
        if name not in _imported:
            _imported[name] = _import(module)
    load_plugins(report)


def load_plugins(report: bool = True) -> list[Plugin]:
    """Loads the plugins, at the first call, and returns them. A plugin names a module, or a function that is called."""
    global _plugins  # noqa: PLW0603
    if _plugins is None:
        _plugins = []
        for entry in _entry_points():
            problem = None
            try:
                with _new_names_only():
                    loaded = entry.load()
                    if callable(loaded):
                        loaded()
            except (Exception, SystemExit) as error:  # of any class: it is not kzoo's code
                problem = describe_problem(error)
            package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"
            _plugins.append(Plugin(entry.name, package, problem))
            if problem and report:
                say(f"the plugin {entry.name} of {package} is left out: {problem}.")
    return _plugins


def _entry_points() -> list[Any]:
    from importlib.metadata import entry_points  # takes a tenth of the time of `kzoo --help`

    return sorted(entry_points(group=GROUP), key=lambda entry: entry.name)


def _is_installed(name: str) -> bool:
    with contextlib.suppress(ValueError, ImportError):  # of __main__, which has no spec
        return name in sys.modules or importlib.util.find_spec(name) is not None
    return False


def _import(module: UserModule) -> dict[str, str]:
    """Imports a module; returns {file: digest} of the modules that came with it from its folder."""
    who, before = f"--import {module.written}", set(sys.modules)
    if module.root is not None and module.root not in sys.path:
        sys.path.append(module.root)  # last, so that a file here does not replace an installed package
    try:
        with _new_names_only():
            imported = importlib.import_module(module.name)
    except (Exception, SystemExit) as error:  # of any class: it is the user's code
        raise Refusal(f"{who}: {describe_problem(error)}.") from error
    place = _place(imported)
    ours = module.root is None or (place and place.resolve().is_relative_to(Path(module.root).resolve()))
    if not ours:
        raise Refusal(f"{who}: an installed module has the name {module.name!r} too ({place}): rename yours.")
    top = module.name.partition(".")[0]
    names = {name for name in sys.modules if name.partition(".")[0] == top}
    names |= set() if module.root is None else sys.modules.keys() - before
    whole = _place(sys.modules[top])
    files = [getattr(sys.modules[name], "__file__", None) for name in names]
    return _digests(whole.parent, [Path(file) for file in files if file]) if whole else {}


def _place(module: ModuleType) -> Path | None:
    """Returns the folder of a package, or the file of a module; None of one that Python itself brings."""
    paths = [*getattr(module, "__path__", ()), getattr(module, "__file__", None)]
    return Path(paths[0]) if paths[0] else None


def _digests(root: Path, files: Sequence[Path]) -> dict[str, str]:
    """Returns {path within `root`: digest} of the user's own source files in it."""
    inside = [file for file in files if file.suffix == ".py" and file.is_relative_to(root) and file.is_file()]
    own = {str(file.relative_to(root)): file for file in sorted(inside) if _is_own(str(file))}
    return {path: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for path, file in own.items()}


@contextlib.contextmanager
def _new_names_only() -> Iterator[None]:
    """Context manager: raises Refusal if the block registers an object with Keras by a name that is taken."""
    import keras

    objects = keras.saving.get_custom_objects()
    before = dict(objects)
    yield
    taken = {name: known for name, known in before.items() if objects.get(name) is not known}
    if taken:
        objects.update(taken)
        raise Refusal(f"it registers {next(iter(taken))!r}, a name that is taken")


def describe_problem(error: BaseException) -> str:
    """Returns what an exception says, and the last place of the user's own code that it came through.

    >>> describe_problem(KeyError("x"))
    "KeyError: 'x'"
    """
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno))
    own = [frame for frame in frames if _is_own(frame[0])]
    kind = "" if isinstance(error, Refusal) else f"{type(error).__name__}: "
    text = one_line(error.msg if isinstance(error, SyntaxError) else error, 300).rstrip(".")
    return f"{kind}{text}" + "".join(f" ({file}:{line})" for file, line in own[-1:])


def _is_own(file: str) -> bool:
    """Returns whether a source file is neither Python's, nor of an installed package, nor kzoo's."""
    installed = set(INSTALLED) & set(Path(file).parts)
    others = [Path(__file__).parent, Path(os.__file__).parent]
    return not file.startswith("<") and not installed and not any(Path(file).is_relative_to(each) for each in others)


def record_modules(folder: Path) -> None:
    """Writes into a run's folder with which modules and plugins it was started, if there are any and no record yet."""
    file = folder / RECORD
    modules = {name: {"import": each.written, "files": _imported[name]} for name, each in _requested.items()}
    plugins = {plugin.name: plugin.package for plugin in _plugins or () if plugin.problem is None}
    if (modules or plugins) and not file.exists():
        write_atomically(file, json.dumps({"modules": modules, "plugins": plugins}, indent=2) + "\n")


def check_modules(folder: Path) -> None:
    """Raises Refusal if a run that is resumed was started with other modules, or if their code has changed since.

    Without a record, which the user may have deleted to accept a change, nothing is compared.
    """
    if not (folder / RECORD).exists():
        return
    recorded = _read(folder)["modules"]
    accept = f"or delete {folder / RECORD} to accept the change"
    remedy = f"choose another --run NAME, discard the run with --overwrite, {accept}"
    if recorded.keys() != _requested.keys():
        started, now = (
            " ".join(f"--import {name}" for name in names) or "no --import"
            for names in ([recorded[name]["import"] for name in recorded], [m.written for m in _requested.values()])
        )
        raise Refusal(f"the run at {folder} was started with {started}, not with {now}: use that, {remedy}.")
    changed = _changed_files(recorded)
    if changed:
        files = ", ".join(changed)
        raise Refusal(f"{files} changed since the run at {folder} was started: restore it, {remedy}.")


def say_changes(folder: Path) -> None:
    """Prints one line if the code of modules has changed since a finished run."""
    changed = _changed_files(_read_run(folder)["modules"])
    if changed:
        say(f"{', '.join(changed)} changed since the run at {folder}.")


@contextlib.contextmanager
def name_missing_modules(folder: PathLike) -> Iterator[None]:
    """Context manager: a Refusal on the run in `folder` also says which modules it needs that are not imported."""
    try:
        yield
    except Refusal as refusal:
        recorded = _read_run(Path(folder))
        missing = [
            f"--import {each['import']}" for name, each in recorded["modules"].items() if name not in sys.modules
        ]
        loaded = [plugin.name for plugin in _plugins or () if plugin.problem is None]
        missing += [f"the plugin {name} of {recorded['plugins'][name]}" for name in recorded["plugins"].keys() - loaded]
        needs = f"This run needs {' and '.join(missing)}."
        if not missing or needs in str(refusal):
            raise
        text = str(refusal)
        raise Refusal(f"{text}{'' if text.endswith(('.', '?')) else '.'} {needs}") from refusal


def _changed_files(recorded: dict[str, Any]) -> list[str]:
    """Returns the files whose digests differ from the recorded ones, of modules that are imported."""
    changed = []
    for name, each in recorded.items():
        now = _imported.get(name, {})
        changed += [file for file, digest in each["files"].items() if now.get(file, digest) != digest]
    return changed


def _read_run(folder: Path) -> dict[str, Any]:
    """Returns the record of a run, which the folders of several seeds share."""
    return _read(folder if (folder / RECORD).is_file() else folder.parent)


def _read(folder: Path) -> dict[str, Any]:
    """Returns the record in a folder; an empty one if there is none, or if it is damaged."""
    try:
        recorded = json.loads((folder / RECORD).read_text("utf-8"))
        modules = {
            str(name): {"import": str(each["import"]), "files": dict(each["files"])}
            for name, each in recorded["modules"].items()
        }
        return {"modules": modules, "plugins": {str(k): str(v) for k, v in recorded["plugins"].items()}}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {"modules": {}, "plugins": {}}
