import pytest

from kzoo.data.visible_files import visible_files


@pytest.fixture
def folder(tmp_path):
    for name in ("b/deep/er/1.png", "a.png", ".hidden", ".cache/c.png", "b/._1.png", "__MACOSX/d.png", "b/2.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(folder):
    return [file.relative_to(folder).as_posix() for file in visible_files(folder)[0]]


def test_hidden_files_and_folders_are_left_out_and_counted(folder):
    assert names(folder) == ["a.png", "b/2.txt", "b/deep/er/1.png"] and visible_files(folder)[1] == 4


def test_links_are_followed_but_not_in_circles(folder):
    (folder / "link").symlink_to(folder / "b")
    (folder / "b" / "up").symlink_to(folder)
    (folder / "b" / "deep" / "nowhere").symlink_to("none")
    beyond = ["link/2.txt", "link/deep/er/1.png", "link/deep/nowhere"]
    assert names(folder) == ["a.png", "b/2.txt", "b/deep/er/1.png", "b/deep/nowhere", *beyond]
