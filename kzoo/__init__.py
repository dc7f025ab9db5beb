"""kzoo: the convolutional layers Keras lacks, and a zoo of the classical ConvNets built on them."""

import lazy_loader

from kzoo.registration import register_post_import_hook

__version__ = "0.1.0"

# submodules are imported when they are used: the command line answers `--help` without Keras and TensorFlow
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
register_post_import_hook()
