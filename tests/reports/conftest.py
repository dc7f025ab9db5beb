"""The small dataset and the small finished run of the tests of trainings."""

from tests.training.conftest import arrays, changed, finished  # noqa: F401
