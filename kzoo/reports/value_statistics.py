"""Mean, deviation and range of the values of many examples, channel by channel."""

from typing import Any

import numpy as np

MOST = 16  # channels with values of their own


class ValueStatistics:
    """Collects the values of batches (B, ..., channels); of more than 16 channels they are taken together.

    >>> values = ValueStatistics()
    >>> values.add(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> values.describe()
    {'mean': [2.0, 5.0], 'deviation': [1.0, 0.0], 'smallest': 1.0, 'largest': 5.0}
    """

    def __init__(self) -> None:
        self.count = 0
        self._mean: Any = 0.0
        self._squares: Any = 0.0  # the sum of squared differences from the mean
        self.smallest, self.largest = np.inf, -np.inf

    def add(self, x: np.ndarray) -> None:
        """Adds a batch, by the pairwise update of Chan, Golub & LeVeque 1983, which loses no digits."""
        channels = x.shape[-1] if x.shape[-1] <= MOST else 1
        flat = x.reshape(-1, channels).astype("float64")
        count, mean = len(flat), flat.mean(0)
        change, total = mean - self._mean, self.count + count
        self._squares = self._squares + ((flat - mean) ** 2).sum(0) + change**2 * (self.count * count / total)
        self._mean = self._mean + change * (count / total)
        self.count = total
        self.smallest, self.largest = min(self.smallest, flat.min()), max(self.largest, flat.max())

    def mean(self) -> np.ndarray:
        """Returns the mean of each channel."""
        return self._mean

    def deviation(self) -> np.ndarray:
        """Returns the standard deviation of each channel."""
        return np.sqrt(self._squares / self.count)

    def describe(self) -> dict[str, Any]:
        """Returns what JSON can hold: mean and deviation of each channel, smallest and largest value."""
        of_channels = {"mean": self.mean().tolist(), "deviation": self.deviation().tolist()}
        return {**of_channels, "smallest": float(self.smallest), "largest": float(self.largest)}
