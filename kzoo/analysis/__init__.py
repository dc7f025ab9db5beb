"""Analysis of models: what they compute, see and look for, their receptive fields and operation counts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
