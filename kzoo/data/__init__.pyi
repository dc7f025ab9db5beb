from .dataset_registry import register
from .examples import Examples
from .loader import Data, load, specs
from .mock_data import mock, mock_like

__all__ = [
    "Data",
    "Examples",
    "load",
    "mock",
    "mock_like",
    "register",
    "specs",
]
