"""Dry runs of configs: everything is built and takes one step, on mock data."""

import numpy as np
import pytest
from PIL import Image

from kzoo.checks import Refusal
from kzoo.config.config_files import list_configs, read_config
from kzoo.models import weights
from kzoo.training.dry_run import dry_run


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A folder of images of two persons, for configs that read the user's own folder."""
    root, draw = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    for person in "ab":
        (root / "train" / person).mkdir(parents=True)
        Image.fromarray(draw.integers(0, 256, (8, 8, 3), "uint8")).save(root / "train" / person / "1.png")
    return root


def check_dry_run(name, *sets):
    # kmeans_features needs the patches of three examples
    found = dry_run(read_config(name, ["data.batch_size=3", *sets]))
    assert np.isfinite(found["loss"]) and found["parameters"] > 0 and found["classes"] != 0


@pytest.mark.parametrize("name", ["mnist1d_local", "nielsen_3"])
def test_dry_run(name):
    check_dry_run(name)


@pytest.mark.large
@pytest.mark.parametrize("name", list_configs())
def test_dry_run_of_every_config(name, faces):
    reads_folder = read_config(name, []).data.folder
    check_dry_run(name, *([f"data.folder={faces}"] if reads_folder else []))


def test_dry_run_with_a_dtype_policy():
    found = dry_run(read_config("mnist1d_fc", ["training.dtype_policy=mixed_bfloat16"]))
    in_float32 = dry_run(read_config("mnist1d_fc", []))
    assert np.isfinite(found["loss"]) and found["parameters"] == in_float32["parameters"] == 59_065


def test_dry_run_reads_no_weights(monkeypatch):
    """Neither those of another run, which need not exist yet, nor those of a tag, which would be downloaded."""
    monkeypatch.setattr(weights, "_load", None)
    check_dry_run("mnist1d_fc", "transfer={weights: another_run, until: stage1}")
    check_dry_run("mnist1d_fc", "model={name: mnist1d_cnn, weights: mnist1d}")


@pytest.mark.parametrize(
    "sets, words",
    [
        ("transfer={until: stge1}", "mnist1d_fc expects until, did you mean 'stage1' or"),
        ("transfer={weights: a, until: stge1, freeze: false}", "mnist1d_fc expects until, did you mean 'stage1'"),
        (
            "transfer={weights: imagenet, source_model: vgg16, until: stage1}",
            "mnist1d_fc expects no source_model; received source_model='vgg16'.",
        ),
        (
            "training.stages=[{epochs: 1}, {optimizer: {class_name: SGD, config: {learning_rate: -1}}}]",
            "training.stages.1.optimizer.config.learning_rate expects a number of at least 0 or a schedule;",
        ),
        ("training.stages=[{epochs: 1}, {loss: CTC}]", "mnist1d_fc cannot be trained with this config: "),
        (
            "training.stages=[{epochs: 1}, {augment: [{class_name: Reshape, config: {target_shape: [7]}}]}]",
            "augment expects layers that ",
        ),
    ],
)
def test_dry_run_checks_transfer_and_every_stage(sets, words):
    with pytest.raises(Refusal) as caught:
        dry_run(read_config("mnist1d_fc", [sets]))
    assert str(caught.value).startswith(words)


def test_dry_run_refuses_parts_that_do_not_match():
    with pytest.raises(Refusal, match="^mnist1d_fc cannot be trained with this config: .*shape"):
        dry_run(read_config("mnist1d_fc", ["training.loss=CTC"]))


def test_dry_run_refuses_a_loss_that_is_not_finite():
    with pytest.raises(Refusal, match="^mnist1d_fc: one training step on random examples gives a loss of (nan|inf)"):
        dry_run(read_config("mnist1d_fc", ["data.preprocess=[{class_name: Rescaling, config: {scale: 1.0e+38}}]"]))
