"""The option --debug: tracebacks of every error, with the frames of Keras."""

import os

DEBUG = "KZOO_DEBUG"  # the environment variable


def debugging() -> bool:
    """Returns whether tracebacks are shown."""
    return os.environ.get(DEBUG, "0") not in ("", "0")


def import_tensorflow() -> None:
    """Imports TensorFlow and Keras without their notes, then the user's own modules.

    In debugging, tracebacks keep the frames of Keras.
    """
    from kzoo.tensorflow_import import import_tensorflow_quietly
    from kzoo.user_modules import import_user_modules

    import_tensorflow_quietly()
    if debugging():
        import keras

        keras.config.disable_traceback_filtering()
    import_user_modules()
