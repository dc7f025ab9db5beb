"""One training with one seed: its steps, its figures, every dtype policy, and the dry run of every config."""

import random

import keras
import numpy as np
import pytest
from PIL import Image
from tensorflow.python.framework.config import disable_op_determinism  # TensorFlow has no public way back

from kzoo.checks import Refusal
from kzoo.data.examples import Examples
from kzoo.data.mock_data import mock
from kzoo.models.load_model import load_model
from kzoo.training import seed_run
from kzoo.training.config import list_configs, read_config
from kzoo.training.model_building import build_net, build_trainer
from kzoo.training.seed_run import (
    dry_run,
    evaluate,
    evaluation_batch,
    fitting,
    load_data,
    policy,
    run_seed,
    sample,
    steps_of,
)


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    path, draw = tmp_path_factory.mktemp("data") / "signals.npz", np.random.default_rng(0)
    y = np.arange(45) % 3
    np.savez(path, x_train=draw.normal(size=(45, 12, 1)) + y[:, None, None], y_train=y)
    return path


def config(arrays, *sets):
    data = f"data={{arrays: '{arrays}', batch_size: 10}}"
    short = ["training.epochs=2", "training.steps_per_epoch=4", "training.steps_per_call=2", "model.units=[5]"]
    return read_config("mnist1d_fc", [data, *short, *sets])


def run(arrays, tmp_path, *sets):
    chosen = config(arrays, *sets)
    with policy(chosen.training):
        return run_seed(chosen, chosen.training.seeds[0], tmp_path / "it", "it")


@pytest.mark.parametrize(
    "name",
    ["mixed_bfloat16", *(pytest.param(name, marks=pytest.mark.large) for name in ("mixed_float16", "float64"))],
)
def test_dtype_policies_through_a_whole_run(arrays, tmp_path, name):
    """Without a test split the export is checked on training examples."""
    metrics = run(arrays, tmp_path, f"training.dtype_policy={name}", "model.name=mnist1d_fc100")
    assert keras.config.dtype_policy().name == "float32"  # as before
    assert "test" not in metrics and metrics["export"]["max_difference"] <= (0.02 if "16" in name else 1e-5)
    net = load_model(tmp_path / "it")
    assert net.get_layer("stage1").compute_dtype == name.removeprefix("mixed_")
    assert np.isfinite(metrics["train"]["loss"]) and metrics["steps"] == 8


def test_the_same_seed_gives_the_same_numbers(arrays, tmp_path):
    first, again = (run(arrays, tmp_path / name, "export.formats=[]") for name in "ab")
    assert first["train"] == again["train"]


def test_data_prepared_for_the_first_time_does_not_change_the_numbers(arrays, tmp_path, monkeypatch):
    def drawing(config):
        random.random(), np.random.random()
        return load_data(config)

    first = run(arrays, tmp_path / "a", "export.formats=[]")
    monkeypatch.setattr(seed_run, "load_data", drawing)
    assert run(arrays, tmp_path / "b", "export.formats=[]")["train"] == first["train"]


def test_steps(arrays):
    data = mock((12, 1), 3, size=45)
    assert steps_of(config(arrays), data) == 4
    assert steps_of(config(arrays, "training.steps_per_epoch=", "training.steps_per_call=1"), data) == 4
    for sets, words in {
        "data.batch_size=46": "data.batch_size expects at most the 45 examples; received batch_size=46.",
        "training.steps_per_epoch=": "training.steps_per_call expects a divisor of the 4 steps a period; received "
        "steps_per_call=3.",
    }.items():
        chosen = config(arrays, "training.steps_per_call=1", sets)
        if sets.endswith("="):
            chosen = config(arrays, sets, "training.steps_per_call=3")
        with pytest.raises(Refusal) as caught:
            steps_of(chosen, data)
        assert str(caught.value) == words


def test_evaluation(arrays):
    chosen = config(arrays, "training.steps_per_call=1", "training.metrics=[SparseTopKCategoricalAccuracy]")
    data = mock((12, 1), 3, size=45)
    trainer = build_trainer(chosen, build_net(chosen, (12, 1), 3))
    scores = evaluate(trainer, data.test, chosen)
    x, y = data.test.numpy()
    wrong = (trainer.predict(x, verbose=0).argmax(-1) != y).mean()
    assert scores["error"] == round(float(wrong), 6) and set(scores) == {
        "error",
        "loss",
        "sparse_top_k_categorical_accuracy",
    }
    assert all(type(value) is float for value in scores.values())


def test_evaluation_batch(arrays):
    chosen = config(arrays)
    for shape, batch in {(12, 1): 1000, (224, 224, 3): 111, (4096, 4096): 10}.items():
        split = Examples.from_arrays(np.zeros((1, 1)), np.zeros(1))
        split.input_shape = shape
        assert evaluation_batch(split, chosen) == batch


def test_sample():
    split = mock((2,), 3, size=5).test
    assert [len(part) for part in sample(split)] == [5, 5] and [len(part) for part in sample(split, 3)] == [3, 3]
    np.testing.assert_array_equal(sample(split, 3)[0], split.numpy()[0][:3])


def test_fitting_words():
    with pytest.raises(Refusal, match="^it cannot be trained so: two lines$"), fitting("it"):
        raise ValueError("two\n  lines")
    with pytest.raises(Refusal, match="^mine$"), fitting("it"):
        raise Refusal("mine")
    with pytest.raises(KeyError), fitting("it"):  # a bug of ours keeps its traceback
        raise KeyError("x")


def test_policy_is_put_back():
    chosen = read_config("mnist1d_fc", ["training.dtype_policy=mixed_bfloat16", "training.deterministic=true"])
    with pytest.raises(KeyboardInterrupt), policy(chosen.training):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        raise KeyboardInterrupt
    assert keras.config.dtype_policy().name == "float32"
    disable_op_determinism()


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A folder of pictures of two people, in the place of a config's own."""
    root, draw = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    for person in "ab":
        (root / "train" / person).mkdir(parents=True)
        Image.fromarray(draw.integers(0, 256, (8, 8, 3), "uint8")).save(root / "train" / person / "1.png")
    return root


def check_dry_run(name, *sets):
    found = dry_run(read_config(name, ["data.batch_size=3", *sets]))  # fewer lack the patches of kmeans_features
    assert np.isfinite(found["loss"]) and found["parameters"] > 0 and found["classes"] != 0


@pytest.mark.parametrize("name", ["mnist1d_local", "nielsen_3"])
def test_dry_run(name):
    check_dry_run(name)


@pytest.mark.large
@pytest.mark.parametrize("name", list_configs())
def test_dry_run_of_every_config(name, faces):
    own = read_config(name, []).data.folder
    check_dry_run(name, *([f"data.folder={faces}"] if own else []))


def test_dry_run_takes_the_policy():
    found = dry_run(read_config("mnist1d_fc", ["training.dtype_policy=mixed_bfloat16"]))
    plain = dry_run(read_config("mnist1d_fc", []))
    assert np.isfinite(found["loss"]) and found["parameters"] == plain["parameters"] == 59_065


def test_dry_run_says_what_does_not_fit():
    with pytest.raises(Refusal, match="^mnist1d_fc cannot be trained so: .*shape"):
        dry_run(read_config("mnist1d_fc", ["training.loss=CategoricalCrossentropy"]))
