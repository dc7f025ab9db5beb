"""Registers kzoo's layers, losses, metrics and so on with Keras, so that saved models that contain them load.

`import kzoo` alone does not import Keras, which takes seconds. This module runs as soon as something imports Keras.
"""


def register(keras):
    """Imports every module that registers a class with Keras; called once, after `import keras`."""
    import kzoo.constraints
    import kzoo.data.random_shift
    import kzoo.initializers
    import kzoo.layers
    import kzoo.losses
    import kzoo.metrics
    import kzoo.regularizers  # noqa: F401
