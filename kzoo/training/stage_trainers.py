"""Builds what each stage of a training trains: the layers that learn, and the compiled model."""

from fnmatch import fnmatchcase

import keras

from kzoo.checks import Refusal, nearest, require
from kzoo.config.config import Config
from kzoo.config.stages import Stage, stages_of
from kzoo.models.graph import is_graph
from kzoo.models.layer_paths import layer_paths
from kzoo.training.batch_statistics import trained_norms
from kzoo.training.keras_objects import build_object
from kzoo.training.trainer_building import build_trainer, check_norms
from kzoo.training.weight_paths import weight_paths
from kzoo.training.weight_rates import weight_factors


class StageTrainers:
    """The compiled model of each stage, of which one at a time can be used: they share the layers of `model`.

    Attributes: stages, those of the config.
    Raises Refusal for a pattern that matches nothing, before anything is trained.
    """

    def __init__(self, config: Config, model: keras.Model):
        self.model, self.stages = model, stages_of(config)
        self._freezing = any(stage.settings.train or stage.settings.freeze for stage in self.stages)
        self._flags = [(layer, layer.trainable) for layer in model._flatten_layers(include_self=False)]
        self._current: tuple[Stage, keras.Model] | None = None
        check_stages(config)
        if self._freezing:  # of patterns and norms a stage takes what its layers have
            check_norms(config, model)
            for stage in self.stages:
                weight_factors(model, stage.config.training.rates)

    def start(self, stage: Stage) -> keras.Model:
        """Freezes the layers that do not learn in a stage, and no others; returns its compiled model."""
        if self._current is None or self._current[0] is not stage:
            config = stage.config
            if self._freezing:
                for layer, trainable in self._flags:  # from the outside in, as a layer sets those that it holds
                    layer.trainable = trainable
                for layer in frozen_layers(stage, self.model):
                    layer.trainable = False
                config = self._with_settings_that_apply(stage)
            self._current = stage, build_trainer(config, self.model)
        return self._current[1]

    def _with_settings_that_apply(self, stage):
        """Returns the config of a stage without rates of frozen weights, and settings of norms if all are frozen."""
        training, paths = stage.config.training, weight_paths(self.model)
        received = {"train": stage.settings.train} if stage.settings.train else {"freeze": stage.settings.freeze}
        require(paths, f"training.stages.{stage.number}", "layers that learn", **received)
        rates = {key: factor for key, factor in training.rates.items() if any(fnmatchcase(p, key) for p in paths)}
        unused = {} if trained_norms(self.model) else {"batch_norm_momentum": None, "recompute_statistics": False}
        return stage.config.model_copy(update={"training": training.model_copy(update={"rates": rates, **unused})})


def frozen_layers(stage: Stage, model: keras.Model) -> list[keras.layers.Layer]:
    """Returns the layers with weights that a stage's `freeze` matches, or that its `train` does not match.

    Raises Refusal for a pattern that matches no layer with weights, with the nearest paths.
    """
    settings = stage.settings
    layers = {path: layer for path, layer in layer_paths(model).items() if layer.weights and not is_graph(layer)}
    for pattern in settings.train or settings.freeze or ():
        if not any(fnmatchcase(path, pattern) for path in layers):
            where = f"training.stages.{stage.number}.{'train' if settings.train else 'freeze'}"
            raise Refusal(f"{where}: {pattern!r} matches no layer with weights; {nearest(pattern, layers)}")
    if settings.train:
        return [layer for path, layer in layers.items() if not _matches(path, settings.train)]
    return [layer for path, layer in layers.items() if _matches(path, settings.freeze or ())]


def _matches(path, patterns):
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def check_stages(config: Config) -> None:
    """Builds the optimizer, losses and augmentation of each stage, which needs neither data nor model.

    Raises Refusal, which names the stage, if one of them is invalid.
    """
    for index, stage in enumerate(config.training.stages):
        for setting, kind in {"optimizer": "optimizer", "loss": "loss", "augment": "layer"}.items():
            given, where = getattr(stage, setting), f"training.stages.{index}.{setting}"
            listed = {f"{where}.{number}": spec for number, spec in enumerate(given)} if isinstance(given, list) else {}
            for path, spec in (listed or {where: given}).items():
                if spec:
                    build_object(kind, spec, path)
