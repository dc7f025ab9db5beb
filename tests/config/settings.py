"""Settings of small and of full configs, and how tests change them."""

import pytest

from kzoo.checks import Refusal
from kzoo.config.config import check_config
from kzoo.config.yaml_file import apply_sets

SMALL = {
    "model": {"name": "mnist1d_cnn", "filters": 15, "features": ["stage2"]},
    "data": {"name": "mnist1d", "batch_size": 100},
    "training": {
        "epochs": 100,
        "steps_per_epoch": 1000,
        "loss": {"class_name": "SparseCategoricalCrossentropy"},
        "optimizer": {"class_name": "SGD", "config": {"learning_rate": 1e-5}},
    },
}


SPACE = {
    "training.optimizer.config.learning_rate": {"log": [1e-4, 1e-1]},
    "model.filters": {"int": [8, 64], "step": 8},
    "model.dropout": {"float": [0, 0.5], "step": 0.1, "when": {"model.filters": [8, 16]}},
    "model.padding": {"choice": ["same", "valid", [1, 2], None]},
    "model.use_bias": {"boolean": True},
}


FULL = {
    **SMALL,
    "data": {
        **{"folder": "d", "validation": 0.1, "image_size": [32, 48], "batch_size": 8},
        "preprocess": [{"class_name": "Rescaling", "config": {"scale": 0.5}}],
        "augment": ["RandomFlip"],
    },
    "training": {
        **SMALL["training"],
        **{"seeds": [0, 1, 2], "keep": "best", "steps_per_call": 100, "metrics": ["Recall"], "callbacks": ["History"]},
        **{"jit_compile": False, "deterministic": True, "dtype_policy": "mixed_bfloat16"},
    },
    "export": {"formats": []},
    "search": {"algorithm": "bayesian", "trials": 12, "objective": "val_loss", "validation": 0.3, "space": SPACE},
    "published": {"error": 0.17, "source": "Prince 2023"},
}


def refusal(call, *args):
    with pytest.raises(Refusal) as caught:
        call(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_sets(*sets):
    return check_config(apply_sets(SMALL, sets), "c.yaml")
