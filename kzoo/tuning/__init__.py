"""Hyperparameter search: a zoo model with its search space for KerasTuner; `kzoo tune` runs whole searches."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
