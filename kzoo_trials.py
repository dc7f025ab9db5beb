"""What a search forks its trials from: kzoo imported once, without TensorFlow's start-up notes.

It stands outside the package as `kzoo_command` does. No device is touched: a GPU does not survive a fork.

Source: none.
"""

import os

from kzoo_command import quiet_stderr

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # or each trial complains anew where there is no GPU
with quiet_stderr():
    import kzoo.tuning.trial  # noqa: F401
