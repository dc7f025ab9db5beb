"""A cache of results, bounded by the bytes that they take."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedCache(Generic[T]):
    """Keeps the results used last, of at most so many bytes in total; size_of: returns the bytes of a result.

    >>> cache = BoundedCache(5, len)
    >>> [cache.get(key, lambda: 2 * key) for key in ("a", "bb")]
    ['aa', 'bbbb']
    >>> list(cache.kept)
    ['bb']
    """

    def __init__(self, limit: int, size_of: Callable[[T], int]) -> None:
        self.limit, self.size_of = limit, size_of
        self.kept: dict[Hashable, T] = {}  # the one used last at the end

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Returns the result kept under a key, or makes it."""
        result = self.kept.pop(key) if key in self.kept else make()
        self.kept[key] = result
        while sum(map(self.size_of, self.kept.values())) > self.limit:
            del self.kept[next(iter(self.kept))]
        return result
