"""Folders of data and caches: the places that variables name, and their sizes."""

from pathlib import Path

from kzoo.analysis.storage import describe_folder, folders
from kzoo.data.builders.cache import cache_dir


def test_folders(monkeypatch, tmp_path):
    for name in ("TFDS_DATA_DIR", "KZOO_DATA_DIR", "KERAS_HOME", "KZOO_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert Path("~/tensorflow_datasets").expanduser() in folders().values() and cache_dir() in folders().values()
    for name in ("TFDS_DATA_DIR", "KZOO_DATA_DIR", "KERAS_HOME", "KZOO_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
        assert [path for what, path in folders().items() if name in what] == [tmp_path / name]
        assert folders()["datasets that kzoo generates (KZOO_DATA_DIR)"] == cache_dir()


def test_sizes(tmp_path, monkeypatch):
    assert describe_folder(tmp_path / "none") == f"{tmp_path / 'none'}: not there yet"
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(b"x" * 1500)
    (tmp_path / "b").write_bytes(b"x" * 1000)
    (tmp_path / "link").symlink_to("/dev/zero")
    assert describe_folder(tmp_path) == f"{tmp_path}: 3 files, 2.51 kB"
    monkeypatch.setattr("os.access", lambda *_: False)
    assert describe_folder(tmp_path).endswith("; it cannot be written")
