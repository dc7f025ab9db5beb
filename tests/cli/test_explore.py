"""`kzoo explore`; tests/explore has the tests of the page."""

import sys


def test_explore_without_its_packages(misuse, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert misuse("explore", "mnist1d_fc") == "explore needs Starlette and uvicorn: pip install 'kzoo[explore]'."
