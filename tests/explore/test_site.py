"""The page as files: what is recorded against the sessions, its bounds, and folders that are not replaced."""

import json
import re

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.checks import Refusal
from kzoo.explore import site
from kzoo.explore.comparison import open_sessions
from kzoo.explore.session import Session
from kzoo.explore.site import EXAMPLES, PAGE, record, varied_examples, write_site
from tests.explore.test_packing import unpack, unpack_outputs

NAMES = ["mnist1d_tiled", "mnist1d_local"]


@pytest.fixture(scope="module")
def sessions():
    return open_sessions(NAMES)


@pytest.fixture(scope="module")
def folder(sessions, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sites") / "site"
    write_site(sessions, folder)
    return folder


def test_recorded_examples_outputs_and_maps(folder, sessions):
    models = json.loads((folder / "recording.json").read_text())["models"]
    chosen = sorted(varied_examples(sessions[0].targets, 100)[:EXAMPLES])
    assert models[0]["targets"] == [sessions[0].targets[index] for index in chosen]
    assert set(models[0]["targets"]) == set(range(10))
    for number, session in enumerate(sessions):
        assert models[number]["name"] == NAMES[number] and models[number]["examples"] == EXAMPLES
        for place, index in enumerate(chosen):
            x = np.frombuffer((folder / "data" / f"example_{place}.bin").read_bytes(), "<f4").reshape(session.shape)
            np.testing.assert_array_equal(x, session.example(index))
            header, maps = unpack_outputs((folder / "data" / f"model_{number}" / f"example_{place}.bin").read_bytes())
            np.testing.assert_array_equal(np.float32(header["outputs"]), session.compute(x).outputs)
            for step, y in enumerate(session.compute(x).maps):
                np.testing.assert_array_equal(maps[step], y)


def test_the_page_is_the_same_without_a_server(folder):
    recorded, served = (folder / "index.html").read_text(), (PAGE / "index.html").read_text()
    assert recorded == served.replace('data-source="server"', 'data-source="recording"') != served
    assert not re.search(r"<script>|<style|javascript:| on\w+=| style=", recorded)
    assert {path.name for path in PAGE.iterdir()} - {path.name for path in (folder / "page").iterdir()} == {
        "index.html",
        "api.js",
    }
    assert not [path for path in folder.rglob("*.*") if b"token" in path.read_bytes()]


def test_a_kernel_holds_what_the_products_need(folder, sessions):
    session = sessions[1]
    steps = json.loads((folder / "recording.json").read_text())["models"][1]["steps"]
    assert [step.get("kernel", False) for step in steps] == [step["convolution"] for step in steps]
    header, (weights, links, reads, bias) = unpack((folder / "data" / "model_1" / "kernel_2.bin").read_bytes())
    assert header["size"] == [3] and header["activation"] == "relu"
    x = session.example(0)
    read, y = session.compute(x).maps[1:3]
    taps = read[:, reads[4].astype(int)]  # of position 4, which padding does not reach
    sums = np.einsum("ct,tcf->f", taps, weights[4].reshape(3, *links.shape)) + bias[4]
    np.testing.assert_allclose(np.maximum(sums, 0), y[:, 4], atol=1e-5)


def test_large_models_are_recorded_in_part(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "MAX_BYTES", 20_000)
    monkeypatch.setattr(site, "MAX_KERNELS", 1000)
    x = keras.Input((12, 12, 1), name="input")
    y = layers.Conv2D(8, 3, padding="same", name="a")(x)
    y = layers.Conv2D(4, 3, name="b")(layers.Conv2D(1, 3, padding="same", name="c")(y))
    write_site([Session(keras.Model(x, y), examples=np.ones((30, 12, 12, 1)))], tmp_path / "site")
    (described,) = json.loads((tmp_path / "site" / "recording.json").read_text())["models"]
    _, maps = unpack_outputs((tmp_path / "site" / "data" / "model_0" / "example_0.bin").read_bytes())
    assert [y.shape[0] for y in maps.values()] == [1, 1, 1, 1] and described["examples"] == 6
    assert [step.get("kernel", False) for step in described["steps"]] == [False, False, False, True]
    assert [step["channels"] for step in described["steps"]] == [1, 8, 1, 4]


def test_volumes_are_recorded_without_products(tmp_path):
    session = Session(keras.Sequential([keras.Input((4, 4, 4, 1)), layers.Conv3D(2, 3)]))
    write_site([session], tmp_path / "site")
    assert not list(tmp_path.rglob("kernel_*"))


def test_other_inputs_are_those_of_the_example(seeds, tmp_path):
    x, y = keras.Input((8, 1)), keras.Input((8, 1))
    net = keras.Model([x, y], layers.Conv1D(2, 3)(layers.Add()([x, y])))
    sessions = [Session(net, examples=list(seeds.normal(size=(2, count, 8, 1)))) for count in (3, 2)]
    write_site(sessions, tmp_path / "site")
    for number, session in enumerate(sessions):
        folder = tmp_path / "site" / "data" / f"model_{number}"
        assert len(list(folder.glob("example_*"))) == 2  # as the second has no more
        _, maps = unpack_outputs((folder / "example_1.bin").read_bytes())
        np.testing.assert_array_equal(maps[3], session.compute(sessions[0].example(1), 1).maps[3])


def test_a_site_is_replaced(tmp_path):
    folder = tmp_path / "a site"
    for names in (NAMES, NAMES[:1]):
        line = record(names, folder)
        files = [path for path in folder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1e6
        assert line.startswith(f"Written to {folder}/: {len(files)} files, {size:.1f} MB; open it with python -m http.")
        assert line.endswith(f"server -d '{folder}'") and not (folder / "old").exists()
        assert len(list(folder.glob("data/model_*"))) == len(names) and list(tmp_path.iterdir()) == [folder]
        (folder / "old").write_text("of another version")


def test_anything_else_is_not_replaced(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "index.html").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "full")
    before = sorted(tmp_path.rglob("*"))
    for name in ("file", "full", "empty", "link", "."):
        with pytest.raises(
            Refusal, match="--out expects a folder that does not exist, or one that `kzoo explore` wrote"
        ):
            record(["no model is opened"], tmp_path / name)
    with pytest.raises(Refusal, match=r"explore: .*site cannot be written \(file exists\)"):
        record(NAMES[:1], tmp_path / "file" / "site")
    assert sorted(tmp_path.rglob("*")) == before and (tmp_path / "full" / "index.html").read_text() == "mine"
