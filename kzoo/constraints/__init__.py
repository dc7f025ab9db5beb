"""Weight constraints that Keras lacks."""

import keras  # noqa: F401  first: importing Keras registers kzoo's classes (kzoo/registration.py)

from kzoo.constraints.max_rms import MaxRMS
from kzoo.constraints.orthogonal_filters import OrthogonalFilters

__all__ = ["MaxRMS", "OrthogonalFilters"]
