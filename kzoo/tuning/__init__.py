"""Hyperparameter searches with KerasTuner: the searches of `kzoo tune`, and `HyperModel` for any tuner."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
