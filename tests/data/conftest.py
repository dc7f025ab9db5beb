"""The data tests use one temporary cache per session."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory):
    before = os.environ.get("KZOO_DATA_DIR")
    os.environ["KZOO_DATA_DIR"] = str(tmp_path_factory.mktemp("datasets"))
    yield os.environ["KZOO_DATA_DIR"]
    os.environ.pop("KZOO_DATA_DIR")
    if before is not None:
        os.environ["KZOO_DATA_DIR"] = before


@pytest.fixture
def real_mnist():
    """The name of a TFDS dataset that is prepared on this machine; skips the test if there is none."""
    root = os.environ.get("TFDS_DATA_DIR", "")
    if not os.path.isdir(os.path.join(root, "mnist")):
        pytest.skip("no prepared mnist: TFDS_DATA_DIR is unset or does not contain it")
    return "mnist"
