"""Cached texts: computed once for each installation, or each time if no folder can be written."""

import stat

import pytest

from kzoo import user_cache
from kzoo.user_cache import cache_folder, cached_text


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KZOO_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_folder(monkeypatch, folder, tmp_path):
    assert cache_folder() == folder and not folder.exists()
    monkeypatch.delenv("KZOO_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "kzoo"


def test_a_text_is_computed_once(folder):
    texts = iter(["ä first", "second"])
    assert [cached_text("show", "it", lambda: next(texts)) for _ in range(2)] == ["ä first"] * 2
    assert cached_text("show", "other", lambda: next(texts)) == "second"
    assert len(list((folder / "show").iterdir())) == 2


def test_another_version_computes_again_and_removes_the_old_files(folder, monkeypatch):
    cached_text("show", "it", lambda: "old")
    monkeypatch.setattr(user_cache, "installed_version", lambda: "0123456789abcdef")
    assert cached_text("show", "it", lambda: "new") == "new"
    assert [path.name for path in (folder / "show").iterdir()] == ["it-0123456789abcdef.txt"]


def test_a_damaged_file_is_replaced(folder):
    cached_text("show", "it", lambda: "whole")
    (file,) = (folder / "show").iterdir()
    file.write_bytes(b"\xff\xfe")
    assert cached_text("show", "it", lambda: "again") == file.read_text() == "again"


def test_works_without_a_folder(folder):
    folder.write_text("a file where the folder should be")
    assert [cached_text("show", "it", lambda: "text") for _ in range(2)] == ["text"] * 2
    assert folder.is_file() and folder.stat().st_mode & stat.S_IRUSR


def test_nothing_is_kept_of_what_fails(folder):
    with pytest.raises(ZeroDivisionError):
        cached_text("show", "it", lambda: 1 / 0)
    assert not folder.exists()
