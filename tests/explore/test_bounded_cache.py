"""What a cache keeps: the results used last, within its bytes."""

from kzoo.explore.bounded_cache import BoundedCache


def test_the_results_used_last_are_kept():
    cache, made = BoundedCache(6, len), []

    def get(key):
        return cache.get(key, lambda: made.append(key) or 2 * key)

    assert [get(key) for key in ("a", "b", "c")] == ["aa", "bb", "cc"]
    assert get("a") == "aa" and made == ["a", "b", "c"]
    get("d")  # in the place of b
    get("a")
    assert list(cache.kept) == ["c", "d", "a"] and made == ["a", "b", "c", "d"]
    assert get("long") == "longlong" and list(cache.kept) == []
