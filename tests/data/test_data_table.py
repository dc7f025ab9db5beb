import numpy as np
import pytest

from kzoo.data.data_table import numbers_table, print_image_files, splits_table
from kzoo.data.loader import load
from kzoo.data.mock_data import mock
from kzoo.terminal import console
from tests.data.photos import mixed_photos


def cells(table):
    """Returns the rows of a rich table as lists of texts."""
    return [list(row) for row in zip(*(column.cells for column in table.columns))]


def test_counts_of_classes():
    counts = {"train": np.array([5, 1200]), "test": np.array([3])}
    table = splits_table("it [red]", {"train": 1205, "test": 3}, counts, ("cat", "dog"))
    assert cells(table) == [["cat", "5", "3"], ["dog", "1,200", "0"], ["examples", "1,205", "3"]]
    with console().capture() as captured:
        console().print(table)
    assert cells(splits_table("it", {"train": 7}, {})) == [["examples", "7"]]
    assert captured is not None


def test_shares_of_pixels():
    counts = {"train": np.array([30, 10]), "test": np.array([0, 0])}
    table = splits_table("it", {"train": 2, "test": 1}, counts, None, "pixels")
    assert cells(table) == [["0", "75 %", "0 %"], ["1", "25 %", "0 %"], ["examples", "2", "1"]]


def test_the_most_frequent_of_many_classes():
    counts = {"train": np.array([1, *[9] * 20, 2])}
    rows = cells(splits_table("it", {"train": 183}, counts))
    assert [row[0] for row in rows] == [*map(str, range(1, 21)), "2 others", "examples"]
    assert rows[-2] == ["2 others", "3"]


def test_photos_are_counted_before_training(tmp_path, capsys):
    root = mixed_photos(tmp_path / "photos", 4)
    (root / "flower" / "again.jpg").write_bytes((root / "china" / "0.jpg").read_bytes())
    data = load(folder=root, image_size=(8, 8), test=2, skip_corrupt=True)
    capsys.readouterr()
    print_image_files(data)
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = [" ".join(line.split()) for line in printed.err.splitlines()]
    assert "│ china │ 2 │ 1 │" in lines and "│ flower │ 4 │ 1 │" in lines and "│ examples │ 6 │ 2 │" in lines
    assert "warning: 1 of the examples occur with several classes, such as china and flower." in lines
    print_image_files(mock((8, 8, 3), 2))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("classes", [0, 1])
def test_tables_without_classes(classes):
    assert cells(splits_table("it", {"train": 1}, {"train": np.zeros(classes, int)}))[-1] == ["examples", "1"]


def test_numbers():
    values = {"mean": [1.0, 1e6], "deviation": [0.5, 0], "smallest": [-1, 1e6], "largest": [2, 1e6]}
    table = numbers_table("it", {"train": 9, "test": 0}, {"train": values, "test": values}, ("row", "[red]"))
    first, second, last = cells(table)
    assert first == ["row", *["1 ± 0.5, -1 to 2"] * 2] and second[1] == "1e+06 ± 0, 1e+06 to 1e+06"
    assert last == ["examples", "9", "0"]
    many = {key: np.arange(25.0) for key in values}
    rows = cells(numbers_table("it", {"train": 9}, {"train": many}))
    assert len(rows) == 22 and rows[-2:] == [["5 others", ""], ["examples", "9"]] and rows[19][0] == "19"
