import numpy as np

from kzoo.data.image_files import ImageFiles


def test_select():
    files = ImageFiles(
        names={"train": np.array(["a", "b", "c"]), "val": np.array(["d"])},
        digests={"train": np.array(["1", "2", "3"]), "val": np.array(["4"])},
        sizes={"train": np.array([[1, 2], [3, 4], [5, 6]]), "val": np.array([[7, 8]])},
        labels={"train": np.array([0, 1, 0]), "val": np.array([1])},
        contents="ab",
        skipped={"e": "empty"},
    )
    chosen = files.select(
        {"train": ("train", np.array([0, 2])), "test": ("train", slice(1, 2)), "validation": ("val", slice(None))}
    )
    assert {name: each.tolist() for name, each in chosen.names.items()} == {
        "train": ["a", "c"],
        "test": ["b"],
        "validation": ["d"],
    }
    assert chosen.digests["train"].tolist() == ["1", "3"] and chosen.sizes["test"].tolist() == [[3, 4]]
    assert chosen.labels["validation"].tolist() == [1]
    assert (chosen.contents, chosen.skipped) == ("ab", {"e": "empty"})
