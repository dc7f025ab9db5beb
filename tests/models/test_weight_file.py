"""Files of weights that refer to other files, declare more than they hold, or hold other things than finite numbers."""

import shutil
import zipfile

import h5py
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.load_model import load_model
from kzoo.models.registry import model
from kzoo.models.weight_file import open_weights
from kzoo.models.weights import load_weights


def _numbers(last, dtype="float32"):
    return np.append(np.zeros(3), last).astype(dtype)


def _virtual(group, key):
    layout = h5py.VirtualLayout((4,), "uint8")
    layout[...] = h5py.VirtualSource("secret.h5", "x", (4,))
    group.create_virtual_dataset(key, layout)


def _external(group, key):
    group.create_dataset(key, (4,), "uint8", external=[("secret.bin", 0, 4)])


def _link(link):
    return lambda group, key: group.__setitem__(key, link)


def _value(value):
    return lambda group, key: group.create_dataset(key, data=value)


EDITS = {  # name: (what puts a dataset into a group, words of the refusal)
    "external": (_external, "its numbers are in another file"),
    "virtual": (_virtual, "its numbers are in another file"),
    "external link": (_link(h5py.ExternalLink("secret.h5", "/x")), "is a link"),
    "soft link": (_link(h5py.SoftLink("/")), "is a link"),
    "NaN": (_value(_numbers(np.nan)), "it is not finite"),
    "infinity": (_value(_numbers(-np.inf, "float64")), "it is not finite"),
    "half infinity": (_value(_numbers(np.inf, "float16")), "it is not finite"),
    "complex": (_value(_numbers(1j, "complex64")), "complex64"),
    "text": (_value("text"), "object"),
    "compound": (_value(np.zeros(4, "f4,i4")), "void"),
    "empty": (_value(h5py.Empty("float32")), "it has no shape"),
    "huge": (lambda group, key: group.create_dataset(key, (10**7, 10**7), "float32", chunks=(10, 10)), "bytes"),
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "model.keras"
    model("mnist1d_local", filters=2).save(file)
    return file


@pytest.fixture
def edit(archive, tmp_path, monkeypatch):
    """Returns a function that edits the weights of a copy of the archive, and returns the paths of both files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.bin").write_bytes(b"root")
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["x"] = np.frombuffer(b"root", "uint8")

    def edited(change):
        with zipfile.ZipFile(archive) as source:
            members = {name: source.read(name) for name in source.namelist()}
        bare, whole = tmp_path / "w.weights.h5", tmp_path / "w.keras"
        bare.write_bytes(members["model.weights.h5"])
        with h5py.File(bare, "r+") as store:
            change(store)
        with zipfile.ZipFile(whole, "w") as target:
            for name, content in (members | {"model.weights.h5": bare.read_bytes()}).items():
                target.writestr(name, content)
        return bare, whole

    return edited


def _names(store):
    names = []
    store.visititems(lambda name, found: names.append(name) if isinstance(found, h5py.Dataset) else None)
    return names


def _refusals(files):
    bare, whole = files
    built = model("mnist1d_local", filters=2)
    before = built.get_weights()
    for load in (lambda: load_weights(built, bare), lambda: load_weights(built, whole), lambda: load_model(whole)):
        with pytest.raises(Refusal) as caught:
            load()
        assert "\n" not in str(caught.value)
        yield str(caught.value)
    assert all(map(np.array_equal, built.get_weights(), before))


@pytest.mark.parametrize("how", EDITS)
@pytest.mark.parametrize("unused", [False, True], ids=["a layer", "unused"])
def test_refused(edit, how, unused):
    put, words = EDITS[how]

    def change(store):
        name = "elsewhere/0" if unused else _names(store)[0]
        if unused:
            store.create_group("elsewhere")
        else:
            del store[name]
        group, _, key = name.rpartition("/")
        put(store[group], key)

    for message in _refusals(edit(change)):
        assert words in message
        assert message.startswith(("w.weights.h5", "w.keras")) or "/w." in message


@pytest.mark.parametrize("name", [1, b"\xff", np.zeros(3), h5py.Empty("f")], ids=["number", "bytes", "array", "empty"])
def test_odd_attributes_are_no_names(edit, name):
    """Keras names each layer in an attribute; of another type it is ignored or refused, never a fault."""

    def change(store):
        for group in {store[name].parent.name for name in _names(store)}:
            store[group].attrs["name"] = name
            for value in store[group].values():
                value.attrs["dtype"] = name

    bare, _ = edit(change)
    with pytest.raises(Refusal, match="does not fit|cannot be read"):
        load_weights(model("mnist1d_local", filters=2), bare)


@pytest.mark.parametrize("key", ["x", "1.5"])
def test_odd_keys(edit, key):
    bare, _ = edit(lambda store: store[_names(store)[0]].parent.create_dataset(key, data=1.0))
    with pytest.raises(Refusal, match="cannot be read as a file of weights"):
        load_weights(model("mnist1d_local", filters=2), bare)


def test_hard_links_to_groups_end(edit):
    def change(store):
        store["layers"]["again"] = store["layers"]
        store["again"] = store

    bare, _ = edit(change)
    with open_weights(bare) as store:
        assert "layers" in store


@pytest.mark.parametrize("member", ["model.weights.h5", "config.json", "assets/x"])
def test_archives_that_declare_too_much(archive, tmp_path, monkeypatch, member):
    """An archive may be compressed, but what it declares is bounded by its size on disk."""
    from kzoo.models import weight_file

    file = tmp_path / "w.keras"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
        if member == "assets/x":
            target.writestr(member, bytes(10**7))
    assert load_model(file) is not None
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name in {*source.namelist(), member}:
            target.writestr(name, bytes(10**7) if name == member else source.read(name))
    monkeypatch.setattr(weight_file, "ALWAYS", 10**6)
    with pytest.raises(Refusal, match=r"w\.keras cannot be loaded: it declares 1\d,\d{3},\d{3} bytes"):
        load_model(file)
    with pytest.raises(Refusal, match=r"it declares 1\d,\d{3},\d{3} bytes"):
        load_weights(model("mnist1d_local", filters=2), file)


def test_damaged_configs(archive, tmp_path):
    """Whatever Keras raises for a damaged config.json is one line."""
    file = tmp_path / "w.keras"
    for content in (b"[]", b'{"a": 1}', b"\xff", b"[" * 100_000, b'{"class_name": "Sequential", "config": 5}'):
        with zipfile.ZipFile(archive) as source, zipfile.ZipFile(file, "w") as target:
            for name in source.namelist():
                target.writestr(name, content if name == "config.json" else source.read(name))
        with pytest.raises(Refusal, match="cannot be loaded") as caught:
            load_model(file)
        assert "\n" not in str(caught.value)


def test_weights_in_other_formats(archive, tmp_path):
    """Keras reads model.weights.npz too, but writes none."""
    file = tmp_path / "w.keras"
    shutil.copy(archive, file)
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(file, "w") as target:
        target.writestr("config.json", source.read("config.json"))
        target.writestr("model.weights.npz", b"")
    with pytest.raises(Refusal, match=r"no item named 'model\.weights\.h5'"):
        load_model(file)
