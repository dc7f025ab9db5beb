"""Finding a finished run by its folder or its name, and the refusals where there is none."""

import pytest

from kzoo.checks import Refusal
from kzoo.run_folder import find_run, find_run_or_model, find_seeds, find_unfinished


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    for folder in ("saved_models/done", "saved_models/several/seed_0", "saved_models/several/seed_12", "here"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "model.keras").touch()
    (tmp_path / "saved_models" / ".half.partial").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_finds_runs(runs):
    assert find_run("here").as_posix() == "here/model.keras"
    assert find_run("done").as_posix() == "saved_models/done/model.keras"
    assert find_run(runs / "here") == runs / "here" / "model.keras"
    assert find_run("several/seed_12").is_file()


@pytest.mark.parametrize("name", ["none", "."])
def test_no_run(name):
    with pytest.raises(Refusal, match=r"^no finished run at .* or saved_models.*: model.keras is missing\.$"):
        find_run(name)


def test_several_seeds():
    words = "saved_models/several holds a run for each seed: name one of saved_models/several/seed_0, "
    for find in (find_run, find_run_or_model):
        with pytest.raises(Refusal) as caught:
            find("several")
        assert str(caught.value) == words + "saved_models/several/seed_12."


def test_run_or_model():
    assert find_run_or_model("done").as_posix() == "saved_models/done"
    assert find_run_or_model("vgg16") is None
    with pytest.raises(Refusal, match="is missing and no model is called 'vgg15'; did you mean 'vgg19'"):
        find_run_or_model("vgg15")


def test_a_run_that_is_not_finished(runs):
    for find in (find_run, find_run_or_model, find_seeds):
        with pytest.raises(Refusal, match="^the run saved_models/half is not finished: the command that started it "):
            find("half")
    assert find_unfinished("half").as_posix() == "saved_models/half" and find_unfinished("done") is None
    (runs / "saved_models" / ".vgg16.partial").mkdir()
    assert find_run_or_model("vgg16") is None and find_unfinished("vgg16") is not None


def test_folders_of_seeds(runs):
    assert [path.as_posix() for path in find_seeds("done", "model.keras")] == ["saved_models/done"]
    with pytest.raises(Refusal, match="no finished run at done or saved_models/done: metrics.json is missing."):
        find_seeds("done")
    (runs / "saved_models" / "several" / "seed_3").mkdir()
    for folder in ("", "seed_0", "seed_3", "seed_12"):
        (runs / "saved_models" / "several" / folder / "metrics.json").touch()
    assert [path.name for path in find_seeds("several")] == ["seed_0", "seed_3", "seed_12"]
    assert [path.name for path in find_seeds("several", "model.keras")] == ["seed_0", "seed_12"]
    assert [path.name for path in find_seeds(runs / "saved_models" / "several" / "seed_3")] == ["seed_3"]
