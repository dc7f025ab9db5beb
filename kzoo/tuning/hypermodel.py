"""A model of the zoo with the space of its config, for any tuner of KerasTuner.

Source: O'Malley and others, KerasTuner, 2019: the class `HyperModel`.
"""

import keras_tuner
import tensorflow as tf

from kzoo.checks import require
from kzoo.data.mock_data import mock_like
from kzoo.training.config import Config, read_config
from kzoo.training.model_building import build_net, build_trainer
from kzoo.training.seed_run import data_source
from kzoo.tuning.hyperparameters import values_of, with_values


class HyperModel(keras_tuner.HyperModel):
    """The compiled model of a config, its settings taken from the config's `search.space`.

    Arguments: config, a config's name or path, or a checked `Config`; sets, changes as of `--set`. What the config says
    of data, steps and export is the tuner's caller's business here, batch_size and epochs (a value of the space, or the
    config's) excepted, where `search` is not told them. `kzoo tune` does all of it.
    Shapes: the model takes batches as the data set has them, preprocessing is inside. Errors: Refusal if the config has
    no `search`.

    >>> hypermodel = HyperModel("mnist1d_cnn")
    >>> tuner = keras_tuner.RandomSearch(hypermodel, "val_accuracy", max_trials=3)  # doctest: +SKIP
    >>> tuner.search(x, y, validation_split=0.2)  # doctest: +SKIP
    >>> hypermodel.build(keras_tuner.HyperParameters()).count_params()  # 8 filters, the first of the space
    762
    """

    def __init__(self, config, sets=()):
        super().__init__()
        self.config = config if isinstance(config, Config) else read_config(config, sets)
        require(self.config.search, "HyperModel", "a config with a search", config=getattr(config, "model", config))
        data = mock_like(**data_source(self.config), size=1)
        self.input_shape, self.classes = data.input_shape, data.classes

    def build(self, hp):
        """The compiled model of the values of `hp`, with the space registered there."""
        config = with_values(self.config, {"training.steps_per_call": 1, **values_of(self.config, hp)})
        return build_trainer(config, build_net(config, self.input_shape, self.classes))

    def fit(self, hp, model, *args, **settings):
        """Fit with the batch size and epochs of the space or the config, where the caller does not say."""
        config = with_values(self.config, values_of(self.config, hp))
        settings.setdefault("epochs", config.training.epochs)
        if not isinstance(args[0] if args else settings.get("x"), tf.data.Dataset):
            settings.setdefault("batch_size", config.data.batch_size)
        return model.fit(*args, **settings)
