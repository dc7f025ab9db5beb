"""Votes of trained models, against counts by hand."""

import json
import shutil

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.config.yaml_file import read_yaml, write_yaml
from kzoo.reports.vote import decide, member_scores, open_members, vote, vote_table


@pytest.fixture
def runs(finished, tmp_path):
    """Four copies of the finished run with other weights."""
    folders = []
    for number in range(4):
        folder = shutil.copytree(finished[0], tmp_path / str(number))
        model = keras.models.load_model(folder / "model.keras")
        draw = np.random.default_rng(number)
        model.set_weights([draw.normal(size=each.shape) for each in model.get_weights()])
        model.save(folder / "model.keras")
        folders.append(folder)
    return folders


def test_vote(runs, finished):
    found = vote(runs)
    with np.load(finished[0].parent / "signals.npz") as arrays:
        x, y = arrays["x_test"], arrays["y_test"]
    outputs = [keras.models.load_model(folder / "model.keras").predict(x, verbose=0) for folder in runs]
    errors = [float((each.argmax(1) != y).mean()) for each in outputs]
    assert found["examples"] == 15 and list(found["runs"]) == list(map(str, runs))
    assert list(found["runs"].values()) == pytest.approx(errors, abs=1e-6) and len(set(errors)) > 1
    mean = sum(outputs)
    assert found["mean"] == pytest.approx(float((mean.argmax(1) != y).mean()), abs=1e-6)
    majority = []
    for i in range(15):
        counts = np.bincount([each[i].argmax() for each in outputs], minlength=3)
        majority.append(max(range(3), key=lambda k, i=i, counts=counts: (counts[k], mean[i, k])))
    assert found["majority"] == pytest.approx(float((np.array(majority) != y).mean()), abs=1e-6)
    assert vote_table(found).row_count == 6
    json.dumps(found)


def test_several_seeds_of_one_run(runs, tmp_path):
    (tmp_path / "all").mkdir()
    for seed, folder in enumerate(runs):
        folder.rename(tmp_path / "all" / f"seed_{seed}")
    (tmp_path / "all" / "metrics.json").write_text("{}")
    assert [path.split("/")[-1] for path in vote([tmp_path / "all"])["runs"]] == [f"seed_{seed}" for seed in range(4)]


def test_label_maps_are_voted_by_pixels():
    scores = [np.eye(3)[np.array(labels)] for labels in ([0, 1, 2], [0, 2, 2], [1, 2, 2])]
    assert decide(scores)[1].tolist() == [0, 2, 2]


def test_logits_become_probabilities(runs):
    config = read_yaml(runs[0] / "config.yaml")
    config["training"]["loss"]["config"]["from_logits"] = True
    (runs[0] / "config.yaml").write_text(write_yaml(config))
    first, second = open_members(runs[:2])
    assert first.data is second.data  # read once
    x = np.random.default_rng(0).normal(size=(4, 12, 1))
    outputs = first.model.predict(x, verbose=0)
    assert np.allclose(member_scores(first, x), np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True), atol=1e-6)
    assert np.allclose(member_scores(second, x), second.model.predict(x, verbose=0), atol=1e-6)


def test_refusals(runs, finished, tmp_path):
    with pytest.raises(Refusal, match="vote expects two trained models or more; received models=1"):
        vote([runs[0], runs[0]])
    with np.load(finished[0].parent / "signals.npz") as arrays:
        other = dict(arrays)
    for change, words in (
        ({"y_test": other["y_test"][::-1]}, "the test data of"),
        ({"x_test": other["x_test"][:9], "y_test": other["y_test"][:9]}, "the test data of"),
        ({"x_test": None, "y_test": None}, "data with a test split"),
    ):
        np.savez(tmp_path / "other.npz", **{k: v for k, v in {**other, **change}.items() if v is not None})
        config = read_yaml(runs[0] / "config.yaml")
        config["data"]["arrays"] = str(tmp_path / "other.npz")
        (runs[1] / "config.yaml").write_text(write_yaml(config))
        with pytest.raises(Refusal, match=words):
            vote(runs[:2])
    model = keras.models.load_model(runs[2] / "model.keras")
    keras.Model(model.input, keras.layers.Dense(4)(model.output)).save(runs[2] / "model.keras")
    with pytest.raises(Refusal, match="expects 3 classes, as"):
        vote([runs[0], runs[2]])
