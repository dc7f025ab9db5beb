"""The recipes in zoo_configs/ that follow a source: its rates, decays, batches, schedules and losses."""

import keras
import numpy as np
import pytest

from kzoo.config.config_files import list_configs, read_config
from kzoo.config.stages import stages_of
from kzoo.losses.capsule_margin_loss import CapsuleMarginLoss
from kzoo.models.weights import source_models

SEGNET, BASIC = "SegNet-Tutorial, segnet_solver.prototxt", "SegNet-Tutorial, segnet_basic_solver.prototxt"
BIASES = {"*/bias": 2}
RECIPES = {  # source, batch, momentum, weight decay, factors of rates, steps (None: epochs), {step: rate}
    "segnet": (f"section 4; {SEGNET}", 5, 0.9, 5e-4, BIASES, 40_000, {0: 1e-3, 39_999: 1e-3}),
    "segnet_basic": (f"section 3.2; {BASIC}", 12, 0.9, 5e-4, BIASES, 10_000, {0: 0.1, 9_999: 0.1}),
    "deconvnet": (
        *("DeconvNet, 001_stage_1/solver.prototxt", 64, 0.9, 5e-4, BIASES, 60_000),
        {0: 0.01, 8_999: 0.01, 9_000: 1e-3, 17_999: 1e-3, 18_000: 1e-4},
    ),
    "dilated_frontend": ("dilation, train.py", 14, 0.9, 5e-4, BIASES, 20_000, {0: 1e-4, 99_999: 1e-4, 100_000: 1e-5}),
    "dilated_large": ("dilation, train.py", 14, 0.9, 5e-4, BIASES, 40_000, {0: 1e-3, 99_999: 1e-3, 100_000: 1e-4}),
    "vgg16": (
        *("section 3.1; 370,000 steps", 256, 0.9, 5e-4, {}, 370_000),
        {0: 0.01, 100_000: 0.01, 100_001: 1e-3, 300_001: 1e-5},
    ),
    "vgg16_bn": (
        *("references/classification/README.md", 256, 0.9, 1e-4, {}, 450_000),
        {0: 0.1, 150_000: 0.1, 150_001: 0.01, 300_001: 1e-3},
    ),
    "capsnet": (
        *("research/capsules/experiment.py", 128, None, 0, {}, 300_000),
        {0: 1e-3, 1_000: 1e-3 * 0.96**0.5, 300_000: 1e-3 * 0.96**150},
    ),
    "simard2003": (  # 5,000 steps an epoch: 0.3 of the rate after every hundred epochs
        *("section 5", 10, None, 0, {}, 1_500_000),
        {0: 0.005, 499_999: 0.005, 500_000: 0.0015, 1_000_000: 0.00045},
    ),
    "lenet_caffe": (  # rate (1 + gamma step)^-power
        *("lenet_solver.prototxt, lenet_train_test.prototxt", 64, 0.9, 5e-4, BIASES, 10_000),
        {0: 0.01, 5_000: 0.01 * 1.5**-0.75, 10_000: 0.01 * 2**-0.75},
    ),
    "alexnet": (
        *("section 5; bvlc_alexnet, train_val.prototxt", 128, 0.9, 5e-4, BIASES, None),
        {0: 0.01, 200_000: 0.01, 200_001: 1e-3, 400_001: 1e-4, 600_001: 1e-5},
    ),
    "googlenet_auxiliary": (
        *("bvlc_googlenet, quick_solver.prototxt, train_val.prototxt", 32, 0.9, 2e-4, BIASES, 2_400_000),
        {0: 0.01, 1_200_000: 0.01 * 0.5**0.5, 2_400_000: 0.0},
    ),
    "nin_cifar": (
        *("train_val.prototxt; cifar-10_params", 128, 0.9, 1e-4, {**BIASES, "stage3_conv3/*": 0.1}, 120_000),
        {0: 0.1, 100_000: 0.1, 100_001: 0.01},
    ),
    "spp_zf5": ("section 3.1", 128, 0.9, 5e-4, {}, None, {0: 0.01}),
    "c3d_ucf101": (
        *("section 3.1; c3d_train_ucf101", 30, 0.9, 5e-3, {}, 5_072),
        {0: 3e-3, 1_268: 3e-3, 1_269: 3e-4, 3_805: 3e-6},
    ),
    "all_cnn_c": (
        *("section 3.1", 128, 0.9, 1e-3, {}, None),
        {0: 0.05, 78_000: 0.05, 78_001: 5e-3, 97_501: 5e-4, 117_001: 5e-5},
    ),
    "resnet20_cifar": (
        *("section 4.2", 128, 0.9, 1e-4, {}, 64_000),
        {0: 0.1, 32_000: 0.1, 32_001: 0.01, 48_001: 1e-3},
    ),
    "m5": ("section 3", 128, None, 1e-4, {}, None, {0: 1e-3}),
}


MOMENTA = {  # source, {step: rate}, {step: momentum}; 390 and 312 steps an epoch
    "maxout_mnist": ("section 4.1", {0: 0.05, 1: 0.05 / 1.00004}, {0: 0.5, 249 * 390: 0.7, 10**6: 0.7}),
    "maxout_cifar": ("section 4.2", {0: 0.17, 500 * 312: 0.0017}, {0: 0.5, 249 * 312: 0.6, 10**6: 0.6}),
}
LATER = {  # the second stage: source, steps before it, {step: rate}
    "deconvnet": ("002_stage_2/solver.prototxt", 20_000, {0: 0.01, 9_999: 0.01, 10_000: 1e-3, 30_000: 1e-5}),
    "dilated_large": ("docs/training.md, joint training", 20_000, {0: 1e-5, 99_999: 1e-5}),
}


def check_rates(optimizer, rates):
    """Checks the rates of an optimizer's settings after some steps."""
    rate = optimizer.config["learning_rate"]
    schedule = keras.optimizers.schedules.deserialize(rate) if isinstance(rate, dict) else lambda step: rate
    for step, wanted in rates.items():
        assert float(schedule(step)) == pytest.approx(wanted, rel=1e-5), step


@pytest.mark.parametrize("name", RECIPES)
def test_recipe(name):
    _, batch, momentum, decay, factors, steps, rates = RECIPES[name]
    config = read_config(name)
    training, optimizer = config.training, config.training.optimizer.config
    assert config.data.batch_size == batch and training.l2 == decay and optimizer.get("momentum") == momentum
    assert training.rates == factors and (steps is None) == (training.steps_per_epoch is None)
    assert steps is None or training.epochs * training.steps_per_epoch == steps
    check_rates(training.optimizer, rates)


@pytest.mark.parametrize("name", MOMENTA)
def test_momenta(name):
    _, rates, momenta = MOMENTA[name]
    training = read_config(name).training
    check_rates(training.optimizer, rates)
    schedule = keras.optimizers.schedules.deserialize(training.optimizer.config["momentum"])
    assert {step: round(float(schedule(step)), 6) for step in momenta} == momenta
    assert training.rates == ({"stage*_conv/*": 0.05} if name == "maxout_cifar" else {})


@pytest.mark.parametrize("name", LATER)
def test_second_stage(name):
    _, before, rates = LATER[name]
    config = read_config(name)
    first, second = stages_of(config)
    assert first.last * config.training.steps_per_epoch == before
    assert second.config.training.optimizer.config["momentum"] == 0.9
    check_rates(second.config.training.optimizer, rates)
    learns = first.settings.train
    assert learns == (["context*"] if name == "dilated_large" else None) and second.settings.train is None


@pytest.mark.parametrize(
    "name, until",
    [("segnet", "stage5"), ("deconvnet", "fc7"), ("dilated_frontend", "fc7")],
)
def test_encoders_start_from_vgg16(name, until):
    """SegNet, section 3; DeconvNet, start_train.sh; dilation, docs/training.md. It takes BGR, and all of it learns."""
    config = read_config(name)
    transfer = config.transfer.model_dump()
    assert transfer == {"weights": "imagenet", "source_model": "vgg16", "until": until, "freeze": False}
    assert "kzoo>RGBToBGR" in [spec.class_name for spec in config.data.preprocess]
    assert source_models(name)["vgg16"] == ["imagenet"]


@pytest.mark.parametrize("name", ["segnet", "segnet_basic", "deconvnet"])
def test_statistics_of_norms_are_averaged(name):
    """SegNet-Tutorial, compute_bn_statistics.py; DeconvNet, 003_make_bn_layer_testable."""
    assert read_config(name).training.recompute_statistics


def test_segnets_classes():
    """Table 3 is without class balancing; the file of SegNet-Basic weighs and divides by the number of pixels."""
    assert read_config("segnet").training.loss.config == {"ignore_class": 11}
    loss = read_config("segnet_basic").training.loss.config
    assert loss["divide_by"] == "positions" and loss["class_weight"][:3] == [0.2595, 0.1826, 4.5640]
    assert read_config("segnet").model.settings["dropout"] == 0.5
    assert read_config("segnet_basic").data.preprocess == []  # bytes, for the response normalization


@pytest.mark.parametrize("name", ["capsnet", "small_capsnet"])
def test_losses_of_capsnet_are_those_of_its_program(name, seeds):
    """layers.py: the mean over examples and classes of half the margins, and 0.0005 of the summed squared error."""
    labels, lengths = seeds.integers(0, 10, 6), seeds.uniform(0, 1, (6, 10)).astype("float32")
    images, drawn = (seeds.uniform(0, 1, (6, 28, 28, 1)).astype("float32") for _ in range(2))
    margins = []
    for label, row in zip(labels, lengths):
        for k, length in enumerate(row - 0.5):
            positive = (k == label) * (length < 0.4) * (length - 0.4) ** 2
            negative = (k != label) * (length > -0.4) * (length + 0.4) ** 2
            margins.append(0.5 * positive + 0.5 * 0.5 * negative)
    program = np.mean(margins) + 0.0005 * np.mean(((drawn - images) ** 2).sum((1, 2, 3)))

    training = read_config(name).training
    assert [loss.class_name for loss in training.loss] == ["CapsuleMarginLoss", "MeanSquaredError"]
    parts = CapsuleMarginLoss()(labels, lengths), keras.losses.MeanSquaredError()(images, drawn)
    assert np.dot(training.loss_weights, [float(part) for part in parts]) == pytest.approx(program, rel=1e-5)


@pytest.mark.parametrize("name", list_configs("nielsen_*"))
def test_nielsen_keeps_the_last_of_the_best_epochs(name):
    """network3.py: validation_accuracy >= best_validation_accuracy."""
    assert read_config(name).training.keep == "last_best"
