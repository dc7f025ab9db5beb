"""Where callbacks of a config may write: inside the run's folder, and elsewhere with consent only."""

import json
from pathlib import Path

import pytest

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.training.callback_paths import ALLOW_OUTSIDE, PATHS, is_own, place_callbacks

SETTINGS = [(name, setting) for name, (setting, _) in PATHS.items()]
OUTSIDE = ["/tmp/x.keras", "../x.keras", "a/../../x.keras", "~/x.keras", "gs://bucket/x.keras", "file:///tmp/x.keras"]


@pytest.fixture(autouse=True)
def without_consent(monkeypatch):
    monkeypatch.setenv(ALLOW_OUTSIDE, "0")


def config(*callbacks, sets=()):
    specs = [{"class_name": name, "config": settings} for name, settings in callbacks]
    return read_config("mnist1d_fc", [f"training.callbacks={json.dumps(specs)}", *sets])


def place(*callbacks, folder="runs/it", sets=()):
    """Returns the settings of the placed callbacks."""
    return [spec.config for spec in place_callbacks(config(*callbacks, sets=sets), Path(folder))]


def refusal(*callbacks, sets=()):
    with pytest.raises(Refusal) as caught:
        place(*callbacks, sets=sets)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix("training.callbacks.0")


def test_relative_paths_are_inside_the_folder():
    given = [("CSVLogger", {"filename": "a/log.csv", "append": True}), ("ModelCheckpoint", {"filepath": "x.keras"})]
    assert place(*given, ("TensorBoard", {}), ("History", {})) == [
        {"filename": "runs/it/a/log.csv", "append": True},
        {"filepath": "runs/it/x.keras"},
        {"log_dir": "runs/it/logs"},
        {},
    ]
    assert place(("ModelCheckpoint", {"filepath": "{epoch}.keras"}), folder="{it}") == [
        {"filepath": "{{it}}/{epoch}.keras"}
    ]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("name, setting", SETTINGS)
def test_paths_outside_need_consent(name, setting, path):
    assert refusal((name, {setting: path})) == (
        f".config.{setting}: {path!r} is outside the run's folder, which needs --allow-outside."
    )


def test_servers_need_consent(monkeypatch):
    assert refusal(("RemoteMonitor", {})) == ": RemoteMonitor sends results to a server, which needs --allow-outside."
    monkeypatch.setenv(ALLOW_OUTSIDE, "1")
    assert place(("RemoteMonitor", {"root": "http://x"})) == [{"root": "http://x"}]


def test_with_consent(monkeypatch):
    monkeypatch.setenv(ALLOW_OUTSIDE, "1")
    monkeypatch.setenv("HOME", "/home/me")
    placed = [place(("ModelCheckpoint", {"filepath": path}))[0]["filepath"] for path in OUTSIDE]
    inside = ["runs/it/../x.keras", "runs/it/a/../../x.keras"]
    assert placed == ["/tmp/x.keras", *inside, "/home/me/x.keras", *OUTSIDE[-2:]]
    for name, setting in SETTINGS:
        if name != "ModelCheckpoint":
            assert "expects a local path" in refusal((name, {setting: "gs://bucket/x"}))
    logger = ("CSVLogger", {"filename": "/tmp/log.csv"})
    search = "search={trials: 3, space: {training.epochs: {int: [1, 4]}}}"
    for several in ("training.seeds=[0, 1]", search):
        assert "where each training has its own; received path='/tmp/log.csv'" in refusal(logger, sets=[several])
        assert place(("CSVLogger", {"filename": "log.csv"}), sets=[several])


@pytest.mark.parametrize("name, setting", SETTINGS)
@pytest.mark.parametrize("path", ["metrics.json", "tensorboard/x", "seed_0/x", "a/state.npz", "x.writing", "openvino"])
def test_names_of_the_runs_own_files_are_refused(name, setting, path):
    expected = f".config.{setting} expects a name that no file of the run itself has; received path={path!r}."
    assert refusal((name, {setting: path})) == expected


def test_odd_paths():
    for path in ("", ".", "a\0b", "a\nb"):
        assert refusal(("CSVLogger", {"filename": path})).startswith(".config.filename expects a path; received")
    assert place(("CSVLogger", {"filename": 5})) == [{"filename": 5}]  # refused when it is built
    assert "a different path for each callback" in refusal(*[("CSVLogger", {"filename": "x"})] * 2)
    assert "a trace cannot be resumed" in refusal(("TensorBoard", {"profile_batch": 5}))


def test_fields_of_paths():
    for field in ("{epoch}", "{epoch:02d}", "{val_loss:.2f}", "{batch:d}", "{loss:5.3e}"):
        assert place(("ModelCheckpoint", {"filepath": f"x{field}.keras"}))
    for field in ("{epoch:c}", "{epoch:/>9}", "{loss.__doc__[3]}", "{loss!s}", "{}", "{", "{{x}}", "{a:{b}}"):
        assert "expects fields of the form" in refusal(("ModelCheckpoint", {"filepath": f"{field}.keras"})), field
    assert place(("CSVLogger", {"filename": "{x}"})) == [{"filename": "runs/it/{x}"}]


def test_is_own():
    assert not any(map(is_own, ("logs", "log.csv", "best.keras", "model", "trial")))
