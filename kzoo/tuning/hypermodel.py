"""A zoo model with the search space of its config, for any tuner of KerasTuner.

Source: O'Malley and others, KerasTuner, 2019: the class `HyperModel`.
"""

from collections.abc import Sequence
from typing import Any

import keras
import keras_tuner
import tensorflow as tf

from kzoo.checks import require
from kzoo.config.config import Config
from kzoo.config.config_files import read_config
from kzoo.training.model_building import build_model
from kzoo.training.run_data import load_mock_data
from kzoo.training.trainer_building import build_trainer
from kzoo.tuning.hyperparameters import config_with_values, values_from_hyperparameters
from kzoo.types import PathLike


class HyperModel(keras_tuner.HyperModel):
    """The compiled model of a config, with the search space of the config's `search.space`.

    Arguments: config, the name or path of a config, or a `Config`; sets, changes as for `--set`.
    `fit` uses the batch size and the epochs of the space or the config, unless the tuner passes them. The config's
    data, steps_per_epoch, stages and exports are not used: call the tuner's `search` with the data, or use `kzoo tune`.
    Shapes: inputs are batches of the dataset's examples, not preprocessed: preprocessing is part of the model.

    >>> hypermodel = HyperModel("mnist1d_cnn")
    >>> tuner = keras_tuner.RandomSearch(hypermodel, "val_accuracy", max_trials=3)  # doctest: +SKIP
    >>> tuner.search(x, y, validation_split=0.2)  # doctest: +SKIP
    >>> hypermodel.build(keras_tuner.HyperParameters()).count_params()  # 8 filters, the first of the space
    762
    """

    def __init__(self, config: PathLike | Config, sets: Sequence[str] = ()):
        super().__init__()
        self.config = config if isinstance(config, Config) else read_config(config, sets)
        require(self.config.search, "HyperModel", "a config with a search", config=getattr(config, "model", config))
        data = load_mock_data(self.config, 1)
        self.input_shape, self.classes, self.tasks = data.input_shape, data.classes, data.tasks

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Returns the compiled model of the values of `hp`, and registers the search space there."""
        values = values_from_hyperparameters(self.config, hp)
        config = config_with_values(self.config, {"training.steps_per_call": 1, **values})
        model = build_model(config, self.input_shape, self.classes, tasks=self.tasks)
        return build_trainer(config, model, self.tasks)

    def fit(self, hp: keras_tuner.HyperParameters, model: keras.Model, *args: Any, **kwargs: Any) -> Any:
        """Calls `model.fit` with the batch size and the epochs of `hp` or the config as defaults."""
        config = config_with_values(self.config, values_from_hyperparameters(self.config, hp))
        kwargs.setdefault("epochs", config.training.epochs)
        weights = config.training.class_weight
        require(weights != "balanced", "HyperModel", "training.class_weight, weights by class", class_weight=weights)
        if weights:
            kwargs.setdefault("class_weight", {int(key): weight for key, weight in weights.items()})
        if not isinstance(args[0] if args else kwargs.get("x"), tf.data.Dataset):
            kwargs.setdefault("batch_size", config.data.batch_size)
        return model.fit(*args, **kwargs)
