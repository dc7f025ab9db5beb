"""The stages of a training: some of its epochs each, with a config of their own."""

from typing import Any, NamedTuple

from kzoo.config.config import Config
from kzoo.config.training_config import StageConfig


class Stage(NamedTuple):
    """A stage: its config, its own settings, its number, and how many epochs are complete when it starts and ends.

    The number of the first is 0.
    """

    config: Config
    settings: StageConfig
    number: int
    first: int
    last: int


def stages_of(config: Config) -> list[Stage]:
    """Returns the stages of a config that training.epochs reaches; of a config without stages a single one.

    >>> from kzoo.config.config_files import read_config
    >>> sets = ["training.epochs=10", "training.stages=[{epochs: 4}, {optimizer: Adam}]"]
    >>> [(stage.first, stage.last) for stage in stages_of(read_config("mnist1d_cnn", sets))]
    [(0, 4), (4, 10)]
    """
    found, first, epochs = [], 0, config.training.epochs
    for index, settings in enumerate(config.training.stages or [StageConfig.model_validate({})]):
        last = min(epochs, first + settings.epochs) if settings.epochs else epochs
        if first < epochs:
            found.append(Stage(_config_of(config, settings), settings, index, first, last))
        first = last
    return found


def _config_of(config, settings):
    """Returns the config of a stage, without stages."""
    training = {key: value for key in ("optimizer", "loss") if (value := getattr(settings, key)) is not None}
    data = {key: value for key in ("augment", "training_sizes") if (value := getattr(settings, key)) is not None}
    rates = dict(config.training.rates)
    for pattern, factor in settings.rates.items():
        rates[pattern] = factor * rates.get(pattern, 1.0)
    return config.model_copy(
        update={
            "training": config.training.model_copy(update={**training, "rates": rates, "stages": []}),
            "data": config.data.model_copy(update=data),
        }
    )


def evaluation_config(config: Config) -> Config:
    """Returns the config by which a trained model is evaluated: the last stage's, without what only training needs."""
    last = stages_of(config)[-1].config
    unused: dict[str, Any] = {"rates": {}, "batch_norm_momentum": None, "recompute_statistics": False}
    return last.model_copy(update={"training": last.training.model_copy(update=unused)})
