"""What a search forks its trials from: kzoo imported once, without TensorFlow's start-up notes.

It stands outside the package as `kzoo_command` does. No device is touched: a GPU does not survive a fork.

Source: none.
"""

from kzoo_command import quiet_stderr

with quiet_stderr():
    import kzoo.tuning.trial  # noqa: F401
