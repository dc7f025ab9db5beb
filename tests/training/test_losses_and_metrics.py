import numpy as np

from kzoo.training.model_building import build_model
from kzoo.training.trainer_building import build_trainer
from tests.training.small import config


def test_a_metric_named_accuracy_replaces_the_default():
    chosen = config("training.metrics=[{class_name: BinaryAccuracy, config: {name: accuracy}}]")
    trainer = build_trainer(chosen, build_model(chosen, (40, 1), 10))
    trainer.train_on_batch(np.zeros((2, 40, 1)), np.zeros((2, 1)))
    assert set(trainer.get_metrics_result()) == {"loss", "accuracy"}
