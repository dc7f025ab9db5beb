from .examples import Examples
from .loader import Data, load, specs
from .mock_data import mock, mock_like
from .random_shift import RandomShift

__all__ = ["Data", "Examples", "RandomShift", "load", "mock", "mock_like", "specs"]
