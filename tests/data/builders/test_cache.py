from pathlib import Path

import pytest

from kzoo.checks import Refusal
from kzoo.data.builders.cache import cache_dir, prepared_builder
from kzoo.data.builders.digits import Digits


def test_cache_dir_follows_the_environment(monkeypatch):
    monkeypatch.setenv("KZOO_DATA_DIR", "/some/where")
    monkeypatch.setenv("KERAS_HOME", "/keras")
    assert cache_dir() == Path("/some/where")
    monkeypatch.delenv("KZOO_DATA_DIR")
    assert cache_dir() == Path("/keras/kzoo/datasets")
    monkeypatch.delenv("KERAS_HOME")
    assert cache_dir() == Path.home() / ".keras/kzoo/datasets"


def test_prepares_silently_without_leftovers(monkeypatch, tmp_path, capfd, caplog):
    monkeypatch.setenv("KZOO_DATA_DIR", str(tmp_path / "new"))
    assert prepared_builder(Digits).is_prepared()
    assert [entry.name for entry in (tmp_path / "new").iterdir()] == ["digits"]
    lines = "".join(capfd.readouterr()) + caplog.text
    assert not any(word in lines for word in ("Downloading", "Dataset digits", "no dataset_info", "Generating"))


def test_the_second_time_reads_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("KZOO_DATA_DIR", str(tmp_path))
    files = {file: file.stat().st_mtime_ns for file in Path(prepared_builder(Digits).data_dir).iterdir()}
    assert {file: file.stat().st_mtime_ns for file in Path(prepared_builder(Digits).data_dir).iterdir()} == files


def test_another_process_may_finish_first(monkeypatch, tmp_path):
    """The other process finishes between our check and our rename."""
    monkeypatch.setenv("KZOO_DATA_DIR", str(tmp_path))
    download_and_prepare = Digits.download_and_prepare

    def slow(builder, *args, **kwargs):
        download_and_prepare(builder, *args, **kwargs)
        monkeypatch.setattr(Digits, "download_and_prepare", download_and_prepare)
        prepared_builder(Digits)

    monkeypatch.setattr(Digits, "download_and_prepare", slow)
    assert prepared_builder(Digits).info.splits["train"].num_examples == 1437
    assert [entry.name for entry in tmp_path.iterdir()] == ["digits"]


def test_a_cache_that_cannot_be_written_is_refused(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KZOO_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(Refusal, match="a folder it can write .* Set the environment variable KZOO_DATA_DIR"):
        prepared_builder(Digits)
