"""Search over settings: a model with its space for KerasTuner's tuners; whole searches are `kzoo tune`."""

from kzoo.tuning.hypermodel import HyperModel

__all__ = ["HyperModel"]
