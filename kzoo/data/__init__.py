"""Data sets in, tf.data out: the public list.

Source: none.
"""

from kzoo.data.augmentation import RandomShift
from kzoo.data.examples import Examples
from kzoo.data.load import Data, load, specs
from kzoo.data.mock import mock, mock_like

__all__ = ["Data", "Examples", "RandomShift", "load", "mock", "mock_like", "specs"]
