"""The user's own modules and plugins: found, imported, recorded in runs, and one line for whatever is wrong."""

import json
import sys
from pathlib import Path

import keras
import pytest

from kzoo import layers, user_modules
from kzoo.checks import Refusal
from kzoo.models.registry import list_models
from kzoo.processes import exit_with_parent, forkserver
from kzoo.user_modules import (
    RECORD,
    Plugin,
    UserModule,
    check_modules,
    find_module,
    has_user_modules,
    import_user_modules,
    load_plugins,
    name_missing_modules,
    record_modules,
    request_modules,
    requested_modules,
    say_changes,
)

LAYER = """import keras
@keras.saving.register_keras_serializable("lab")
class Twice(keras.layers.Layer):
    def call(self, x):
        return x * 2
"""
FAMILY = "from kzoo.models import register_family\nregister_family(lambda: None, {'%s': {}})\n"


def write(path, text=""):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def refusal(call, *args):
    with pytest.raises(Refusal) as caught:
        call(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def imported(*modules):
    """Imports modules as a new process would."""
    user_modules._requested.clear()
    user_modules._imported.clear()
    for module in modules:
        sys.modules.pop(module, None)
    request_modules(modules)
    import_user_modules()


def failure(*modules):
    return refusal(imported, *modules)


def test_find_module(own_modules):
    write("mine.py")
    write("pack/__init__.py")
    write("pack/inner/__init__.py")
    write("pack/inner/parts.py")
    write("plain/parts.py")
    here = str(own_modules)
    for written, name, root in (
        ("mine", "mine", here),
        ("./mine.py", "mine", here),
        ("pack.inner", "pack.inner", here),
        ("pack/", "pack", here),
        ("pack/__init__.py", "pack", here),
        (f"{here}/pack/inner/parts.py", "pack.inner.parts", here),
        ("plain/parts.py", "parts", f"{here}/plain"),
        ("plain.parts", "plain.parts", here),
        ("json", "json", None),
    ):
        assert find_module(written) == UserModule(written, name, root)


@pytest.mark.parametrize(
    "written, words",
    [
        ("", "a module of this folder, an installed one, or a file; received module=''"),
        ("nothing_here", "received module='nothing_here'"),
        (".relative", "received module='.relative'"),
        ("none.py", "the path of a .py file or of a package, a folder with __init__.py; received path='none.py'"),
        ("folder/", "received path='folder/'"),
        ("v1.2.py", "a file whose name has no further dot"),
    ],
)
def test_no_module(own_modules, written, words):
    write("folder/readme.md")
    write("v1.2.py")
    text = refusal(request_modules, [written])
    assert text.startswith("--import expects ") and words in text
    assert requested_modules() == []


def test_relative_imports_and_neighbours(own_modules):
    write("pack/__init__.py")
    write("pack/parts.py", "from .layer import Twice\nimport helper")
    write("pack/layer.py", LAYER)
    write("helper.py")
    imported("pack/parts.py")
    assert "lab>Twice" in keras.saving.get_custom_objects() and has_user_modules()
    assert [*user_modules._imported["pack.parts"]] == [
        "helper.py",
        "pack/__init__.py",
        "pack/layer.py",
        "pack/parts.py",
    ]


@pytest.mark.parametrize(
    "text, words",
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name' ({file}:1)"),
        ("\n\nx = [1, 2]\ny = x[\n5]", "IndexError: list index out of range ({file}:4)"),
        ("a = 1\nb = = 2", "SyntaxError: invalid syntax ({file}:2)"),
        ("raise SystemExit('bye')", "SystemExit: bye ({file}:1)"),
        ("raise ValueError('a\\nb')", "ValueError: a b ({file}:1)"),
        (FAMILY % "vgg16", "register_family expects a name not yet taken; received name='vgg16' ({file}:2)"),
        (
            "from kzoo.data import register\nregister('digits', dict)",
            "register expects a name not yet taken; received name='digits' ({file}:2)",
        ),
        (LAYER.replace("lab", "kzoo").replace("Twice", "Conv2D"), "it registers 'kzoo>Conv2D', a name that is taken"),
    ],
)
def test_modules_that_fail(own_modules, text, words):
    write("wrong.py", text)
    assert failure("wrong") == f"--import wrong: {words.format(file=own_modules / 'wrong.py')}."
    assert keras.saving.get_custom_objects()["kzoo>Conv2D"] is layers.Conv2D and "vgg16" in list_models()


def test_names_of_other_modules(own_modules):
    write("json.py")
    assert "an installed module has the name 'json' too (" in failure("json")
    write("a/mine.py")
    write("b/mine.py")
    assert "one module of the name 'mine'; received module='b/mine.py'" in refusal(
        request_modules, ["a/mine.py", "b/mine.py"]
    )


def test_a_run_keeps_to_its_modules(own_modules, capsys):
    write("mine.py", "from helper import X")
    write("helper.py", "X = 1")
    write("run/config.yaml")
    folder = own_modules / "run"
    imported()
    record_modules(folder)
    check_modules(folder)
    assert not (folder / RECORD).exists()
    imported("./mine.py")
    record_modules(folder)
    recorded = json.loads((folder / RECORD).read_text())["modules"]
    assert recorded["mine"]["import"] == "./mine.py" and [*recorded["mine"]["files"]] == ["helper.py", "mine.py"]
    imported("mine", "helper")
    text = refusal(check_modules, folder)
    assert "was started with --import ./mine.py, not with --import mine --import helper: use that," in text
    imported()
    assert "was started with --import ./mine.py, not with no --import" in refusal(check_modules, folder)
    sys.modules.pop("helper")
    write("helper.py", "X = 12")
    imported("mine")
    assert refusal(check_modules, folder).startswith(f"helper.py changed since the run at {folder} was started: ")
    say_changes(folder / "seed_0")  # the seeds of a run share its record
    assert capsys.readouterr().err == f"helper.py changed since the run at {folder / 'seed_0'}.\n"
    (folder / RECORD).unlink()
    check_modules(folder)
    record_modules(folder)  # the change is accepted
    check_modules(folder)
    (folder / RECORD).write_text("{")
    assert "was started with no --import, not with --import mine" in refusal(check_modules, folder)


def test_a_run_names_what_is_missing(own_modules):
    write("mine.py")

    def fail(folder, text="no model 'x'"):
        with name_missing_modules(folder):
            raise Refusal(text)

    folder = own_modules / "run"
    folder.mkdir()
    assert refusal(fail, folder) == "no model 'x'"
    imported("mine")
    record_modules(folder)
    assert refusal(fail, folder) == "no model 'x'"
    del sys.modules["mine"]
    assert refusal(fail, folder) == "no model 'x'. This run needs --import mine."
    assert refusal(fail, folder / "seed_1", "what?") == "what? This run needs --import mine."
    for damage in ("", "{", "[]", '{"modules": 3}', '{"modules": {"a": {}}, "plugins": {}}', "\xff"):
        (folder / RECORD).write_bytes(damage.encode("latin-1"))
        assert refusal(fail, folder) == "no model 'x'"
    with name_missing_modules(folder):
        pass


def test_plugins(own_modules, monkeypatch, capsys):
    """Of an installed package; those that fail are left out."""
    points = ["broken = lab_broken", "fine = lab_fine:start", "module = lab_fine", "taking = lab_taking"]
    write("lab-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: lab\nVersion: 1.0\n")
    write("lab-1.0.dist-info/entry_points.txt", "\n".join(["[kzoo.plugins]", *points]))
    write("lab_broken.py", "\n1 / 0")
    write("lab_fine.py", "calls = []\ndef start():\n    calls.append(1)")
    write("lab_taking.py", LAYER.replace("lab", "kzoo").replace("Twice", "Dilation2D"))
    assert not has_user_modules()
    sys.path.append(str(own_modules))
    monkeypatch.setattr(user_modules, "_plugins", None)
    assert has_user_modules() and "lab_fine" not in sys.modules
    import_user_modules()
    found = load_plugins()
    assert [each.problem is None for each in found] == [False, True, True, False]
    assert sys.modules["lab_fine"].calls == [1] and found[1] == Plugin("fine", "lab 1.0", None)
    err = capsys.readouterr().err.splitlines()
    broken = f"ZeroDivisionError: division by zero ({own_modules / 'lab_broken.py'}:2)"
    assert err[0] == f"the plugin broken of lab 1.0 is left out: {broken}." and len(err) == 2
    assert "it registers 'kzoo>Dilation2D', a name that is taken" in err[1]
    assert keras.saving.get_custom_objects()["kzoo>Dilation2D"] is layers.Dilation2D
    record_modules(own_modules)
    assert json.loads((own_modules / RECORD).read_text())["plugins"] == {"fine": "lab 1.0", "module": "lab 1.0"}
    check_modules(own_modules)
    monkeypatch.setattr(user_modules, "_plugins", found[2:])
    expected = "no. This run needs the plugin fine of lab 1.0"
    with pytest.raises(Refusal, match=expected), name_missing_modules(own_modules):
        raise Refusal("no")


def send_registered(connection):
    connection.send("lab>Twice" in keras.saving.get_custom_objects())


def test_child_processes_import_them_too(own_modules):
    write("mine.py", LAYER)
    imported("mine")
    context = forkserver()
    receiver, sender = context.Pipe(duplex=False)
    for text, code in ((LAYER, 0), ("import nothing_here", 1)):
        write("mine.py", text)
        args = (send_registered, (sender,), requested_modules())
        child = context.Process(target=exit_with_parent, args=args)
        child.start()
        child.join()
        assert child.exitcode == code
    assert receiver.recv() is True
