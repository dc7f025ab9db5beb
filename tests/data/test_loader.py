import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kzoo.checks import Refusal
from kzoo.data.loader import load, specs


@pytest.fixture
def file(tmp_path):
    """A file of ten training examples, example i filled with i, and four test examples."""
    x = np.broadcast_to(np.arange(14, dtype="uint8")[:, None, None, None], (14, 2, 2, 1))
    y = np.arange(14) % 3
    np.savez(tmp_path / "ten.npz", x_train=x[:10], y_train=y[:10], x_test=x[10:], y_test=y[10:])
    return tmp_path / "ten.npz"


def contents(examples):
    return sorted(examples.numpy()[0][:, 0, 0, 0].tolist())


@pytest.mark.parametrize("validation, held", [(3, 3), (0.3, 3), (0.01, 1), (0.99, 9), (9, 9)])
def test_validation_is_held_out_of_training(file, validation, held):
    data = load(arrays=file, validation=validation)
    assert (data.train.size, data.validation.size, data.test.size) == (10 - held, held, 4)
    assert sorted(contents(data.train) + contents(data.validation)) == list(range(10))
    assert contents(data.test) == [10, 11, 12, 13]
    again = load(arrays=file, validation=validation)
    np.testing.assert_array_equal(again.validation.numpy()[0], data.validation.numpy()[0])


def test_validation_is_not_the_tail_of_a_sorted_file(file):
    assert contents(load(arrays=file, validation=3).validation) != [7, 8, 9]


def test_no_validation(file):
    data = load(arrays=file)
    assert data.validation is None and data.train.size == 10
    assert (data.name, data.classes, data.class_names, data.input_shape) == ("ten", 3, None, (2, 2, 1))


def test_data_is_frozen(file):
    with pytest.raises(AttributeError):
        load(arrays=file).train = None


def test_validation_of_a_tfds_dataset_is_disjoint_too():
    whole, data = load("digits"), load("digits", validation=0.2)
    assert (data.train.size, data.validation.size) == (1150, 287)
    parts = np.concatenate([data.train.numpy()[0], data.validation.numpy()[0]])
    np.testing.assert_array_equal(parts, whole.train.numpy()[0])


@pytest.mark.parametrize("validation", [-1, 10, 11, True, 1.5, 1.0, None, float("nan"), [1]])
def test_refuses_other_validation(file, validation):
    expected = (
        "load expects validation, 0, a fraction below 1, a number below the 10 training examples or a split's name"
    )
    with pytest.raises(Refusal, match=expected):
        load(arrays=file, validation=validation)


@pytest.fixture
def untested(tmp_path):
    """A file of 20 training examples without a test split."""
    x = np.broadcast_to(np.arange(20, dtype="uint8")[:, None, None, None], (20, 2, 2, 1))
    np.savez(tmp_path / "it.npz", x_train=x, y_train=np.arange(20) % 2, x_val=x[:3], y_val=[0, 1, 0])
    return tmp_path / "it.npz"


@pytest.mark.parametrize("stratify", [False, True])
@pytest.mark.parametrize("test, held", [(4, 4), (0.2, 4)])
def test_a_test_part_is_held_out_whatever_the_validation(untested, stratify, test, held):
    parts = []
    for validation, count in ((0, 0), (0.25, 5), ("val", 3)):
        if stratify and validation == "val":
            continue
        data = load(arrays=untested, test=test, validation=validation, stratify=stratify)
        parts.append(contents(data.test))
        assert len(parts[-1]) == held and (data.validation.size if data.validation else 0) == count
        inside = contents(data.validation) if validation == 0.25 else []
        assert sorted(contents(data.train) + inside + parts[-1]) == list(range(20))
        if stratify:
            assert np.bincount(data.test.numpy()[1]).tolist() == [2, 2]
    assert parts[1:] == parts[:-1]


def test_refuses_other_test_parts(file, untested, capsys):
    with pytest.raises(Refusal, match="load expects test: 0 for 'ten', which has a test split; received test=0.2"):
        load(arrays=file, test=0.2)
    for test in (-1, 20, 1.5, "val", None, True):
        with pytest.raises(
            Refusal, match="test, 0, a fraction below 1 or a number below the 20 training examples; rec"
        ):
            load(arrays=untested, test=test)
    with pytest.raises(Refusal, match="leave examples for training; received test=10, validation=10"):
        load(arrays=untested, test=0.5, validation=0.5)
    load(arrays=untested, test=0.5)
    assert "left out: the split 'val', which `validation: val` uses (3)" in capsys.readouterr().err


def test_validation_may_be_a_split_of_the_dataset(file):
    data = load(arrays=file, validation="test")
    assert contents(data.validation) == [10, 11, 12, 13] and data.test is None and data.train.size == 10
    for name in ("train", "val"):
        with pytest.raises(Refusal, match=rf"validation, one of the splits \['test'\]; received validation='{name}'"):
            load(arrays=file, validation=name)


def test_a_stratified_part_has_each_class(tmp_path):
    y = np.r_[np.zeros(30, int), np.ones(8, int), [2, 2]]
    x = np.arange(40, dtype="uint8")[:, None, None, None]
    np.savez(tmp_path / "rare.npz", x_train=x, y_train=y)
    data = load(arrays=tmp_path / "rare.npz", validation=0.25, stratify=True)
    assert np.bincount(data.validation.numpy()[1]).tolist() == [7, 2, 1]
    assert np.bincount(data.train.numpy()[1]).tolist() == [23, 6, 1]
    assert sorted(contents(data.train) + contents(data.validation)) == list(range(40))
    for part in (data.train, data.validation):
        found, labels = part.numpy()
        np.testing.assert_array_equal(labels, y[found.ravel()])


@pytest.mark.parametrize("memory", [2**30, 0], ids=["memory", "stream"])
def test_a_stratified_part_of_a_tfds_dataset(memory, monkeypatch):
    whole = load("digits")
    monkeypatch.setattr("kzoo.data.examples.MEMORY", memory)
    data = load("digits", validation=0.2, stratify=True)
    assert (data.train.size, data.validation.size) == (1150, 287)
    x, y = (np.concatenate(arrays) for arrays in zip(data.train.numpy(), data.validation.numpy()))
    shares = np.bincount(data.validation.numpy()[1]) / np.bincount(whole.train.numpy()[1])
    np.testing.assert_allclose(shares, 0.2, atol=0.01)
    examples = [sorted(zip(map(bytes, a.reshape(len(a), -1)), b)) for a, b in ((x, y), whole.train.numpy())]
    assert examples[0] == examples[1]


def test_refuses_stratify_where_it_has_no_sense(file, tmp_path):
    expected = "stratify only where validation is a part of the training split; received validation='test'"
    with pytest.raises(Refusal, match=expected):
        load(arrays=file, validation="test", stratify=True)
    np.savez(tmp_path / "maps.npz", x_train=np.zeros((4, 2, 3)), y_train=np.zeros((4, 2, 3), int))
    with pytest.raises(Refusal, match=r"one label per example to stratify; received label_shape=\(2, 3, 1\)"):
        load(arrays=tmp_path / "maps.npz", validation=1, stratify=True)


@pytest.mark.parametrize(
    "given, words",
    [
        ({}, "load expects exactly one of name, folder and arrays; received name=None"),
        ({"name": "digits", "arrays": "a.npz"}, "exactly one of .*; received name='digits', arrays='a.npz'"),
        ({"folder": 3}, "load expects a path; received folder=3"),
        ({"name": 3}, "the name of a dataset; received name=3"),
        ({"name": "mnist1d", "image_size": (4, 4)}, r"images \(height, width, channels\) to resize; .*\(40, 1\)"),
        ({"name": "digits", "image_size": 4}, r"image_size, \(height, width\) in pixels; received image_size=4"),
        ({"name": "digits", "image_size": (4, 0)}, r"image_size, \(height, width\) in pixels; .*\(4, 0\)"),
        (
            {"name": "digits", "resize": "squash"},
            "resize, one of stretch, crop, pad or .*; received resize='squash'",
        ),
        ({"name": "digits", "resize": "pad"}, r"image_size=\(height, width\) where resize is pad; .*image_size=None"),
    ],
)
def test_refusals(given, words):
    for call in (load, specs):
        with pytest.raises(Refusal, match=words):
            call(**given)


def test_specs_are_those_of_the_data(file):
    assert specs(arrays=file, image_size=[4, 6]) == ((4, 6, 1), "uint8", 3)
    data = load(arrays=file, image_size=[4, 6])
    assert data.input_shape == data.train.input_shape == (4, 6, 1)
    assert data.train.numpy()[0].shape == (10, 4, 6, 1) and data.train.dtype == "uint8"


@pytest.mark.parametrize("source", ["name", "arrays", "folder"])
def test_all_sources_crop_and_pad(source, tmp_path, digits_folder):
    where = {"name": "digits", "arrays": tmp_path / "digits.npz", "folder": digits_folder}
    x, y = load("digits").train.numpy()
    np.savez(where["arrays"], x_train=x, y_train=y)
    shown = {way: load(**{source: where[source]}, image_size=(8, 4), resize=way) for way in ("stretch", "crop", "pad")}
    assert all(data.input_shape == (8, 4, 1) and data.resize == way for way, data in shown.items())
    images = {way: data.train.numpy()[0][0] for way, data in shown.items()}
    whole = load(**{source: where[source]}).train.numpy()[0][0]
    np.testing.assert_array_equal(images["crop"], whole[:, 2:6])
    np.testing.assert_array_equal(images["pad"][[0, 1, 6, 7]], 0)
    assert not np.array_equal(images["stretch"], images["crop"])


@pytest.fixture
def digits_folder(tmp_path):
    """A folder with the first ten digits, as `load` reads it."""
    x, y = load("digits").train.numpy()
    for number in range(10):
        file = tmp_path / "images" / "train" / str(y[number]) / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((15 * x[number, ..., 0]).astype("uint8")).save(file)
    return tmp_path / "images"


def test_padded_label_maps_need_a_label(tmp_path):
    maps = np.arange(2 * 4 * 6).reshape(2, 4, 6) % 3
    np.savez(tmp_path / "maps.npz", x_train=np.ones((2, 4, 6, 1), "uint8"), y_train=maps)
    padded = {"arrays": tmp_path / "maps.npz", "image_size": (6, 6), "resize": "pad"}
    with pytest.raises(Refusal, match="ignore_label for the pixels that resize: pad adds to label maps; received"):
        load(**padded)
    x, y = load(**padded, ignore_label=255).train.numpy()
    assert (y[:, [0, 5]] == 255).all() and y[:, 1:5].max() == 2 and (x[..., 0] == (y[..., 0] != 255)).all()


@pytest.mark.large
def test_importing_kzoo_data_imports_no_data_packages():
    code = "import sys, kzoo.data; print(*{'tensorflow_datasets', 'mnist1d'} & set(sys.modules))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("kind", ["folder", "arrays"])
def test_refuses_paths_without_a_user_or_not_in_utf_8(kind):
    with pytest.raises(Refusal, match="received '~nouser/it', but there is no such user"):
        load(**{kind: "~nouser/it"})
    with pytest.raises(Refusal, match=r"a path in UTF-8; received '\\udcff'"):
        load(**{kind: "\udcff"})
