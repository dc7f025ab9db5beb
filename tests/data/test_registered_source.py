"""Registered datasets: arrays, tf.data datasets and builders give the same examples, and what they cannot be."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.data import load, mock_like, register, registered_source, specs
from kzoo.data.builders.cache import cache_dir
from kzoo.data.builders.digits import Digits

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 5, 4, 1)), np.arange(40) % 3
PAIR = {"train": (X[:30], Y[:30]), "test": (X[30:], Y[30:])}


def dataset(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays)


def generated(examples, shape, y_shape=()):
    """A dataset of unknown length, whose examples may differ in size."""
    spec = (tf.TensorSpec(shape, "float32"), tf.TensorSpec(y_shape, "int64"))
    return tf.data.Dataset.from_generator(lambda: iter(examples), output_signature=spec)


def loaded(value, **settings):
    register("mine", value if callable(value) else lambda: value)
    return load("mine", **settings)


def same(a, b):
    for one, other in zip(a.numpy(), b.numpy(), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


def refusal(value, **settings):
    with pytest.raises(Refusal) as caught:
        loaded(value, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(autouse=True)
def forget(own_modules):
    pass


def test_as_from_a_file():
    np.savez("same.npz", **{f"{letter}_{split}": a for split, pair in PAIR.items() for letter, a in zip("xy", pair)})
    ours, files = loaded(PAIR, validation=0.2, stratify=True), load(arrays="same.npz", validation=0.2, stratify=True)
    for split in ("train", "validation", "test"):
        same(ours.splits()[split], files.splits()[split])
    assert (ours.name, ours.classes, ours.input_shape, ours.train.size) == ("mine", 3, (5, 4, 1), 24)
    assert specs("mine") == ((5, 4, 1), "float32", 3) and mock_like("mine", size=7).train.size == 7


def test_crops_of_a_shorter_side():
    """Of arrays at random positions; of a tf.data dataset, whose images may be of one size already, none."""
    cropped = {"image_size": (3, 3), "resize": 4, "training_short_side": (4, 6)}
    x, _ = next(iter(loaded({"train": (np.repeat(X[:1], 20, 0), Y[:20])}, **cropped).train.batches(20)))
    assert x.shape == (20, 3, 3, 1) and len({crop.tobytes() for crop in x.numpy()}) > 10
    words = "expects to be {split: (x, y)} or a builder where data.resize is short_side; received returned="
    register("other", lambda: {"train": dataset(X, Y)})
    with pytest.raises(Refusal) as caught:
        load("other", **cropped)
    assert words in str(caught.value)


def test_tf_data_is_the_same():
    arrays = loaded(PAIR, validation=5)
    whole = {split: dataset(*pair) for split, pair in PAIR.items()}
    unknown = {split: generated(zip(x.astype("float32"), y), (5, 4, 1)) for split, (x, y) in PAIR.items()}
    for number, splits in enumerate((whole, unknown)):
        register(f"other{number}", lambda splits=splits: splits)
        for split, examples in load(f"other{number}", validation=5).splits().items():
            same(examples, arrays.splits()[split])


def test_weights_and_names():
    splits = {"train": (X, Y, np.linspace(0, 1, 40)), "val": (X[:2], Y[:2])}
    register("named", lambda: splits, class_names=["red", "green", "blue", "none"])
    data = load("named", validation="val")
    assert data.train.weighted and data.classes == 4 and data.class_names == ("red", "green", "blue", "none")
    register("few", lambda: splits, class_names=["red", "green"])
    with pytest.raises(Refusal, match="y_names of 3 texts, one each"):
        load("few")


def test_targets_that_are_no_classes():
    """Numbers, and several targets by the names of outputs, as from a file."""
    size, several = RNG.normal(size=40), {"kind": Y, "size": np.linspace(0, 1, 40)}
    register("size", lambda: {"train": (X, size)})
    register("sizes", lambda: {"train": dataset(X, size)})
    register("several", lambda: {"train": (X, several)})
    for name in ("size", "sizes"):
        data = load(name, task="regression")
        assert data.tasks[0].kind == "regression" and data.train.numpy()[1].dtype == "float32"
    data = load("several", task={"kind": "classification", "size": "regression"})
    assert [task.name for task in data.tasks] == ["kind", "size"] and data.train.numpy()[1].keys() == {"kind", "size"}
    with pytest.raises(Refusal, match="one target in its split train, where data.length is set"):
        load("several", length=3)


def test_images_of_several_sizes():
    images = [np.full((3 + n, 4 + n, 1), n, "float32") for n in range(6)]
    sized = loaded({"train": generated(zip(images, range(6)), (None, None, 1))}, image_size=(4, 4))
    x, y = sized.train.numpy()
    assert x.shape == (6, 4, 4, 1) and np.allclose(x, y[:, None, None, None])
    register("unsized", lambda: {"train": generated(zip(images, range(6)), (None, None, 1))})
    with pytest.raises(Refusal, match="examples of one shape, or data.image_size for images that differ in size"):
        load("unsized")


def test_label_maps_move_with_images():
    x, y = np.zeros((4, 4, 4, 1), "float32"), RNG.integers(0, 3, (4, 4, 4, 1))
    register("maps", lambda: {"train": (x, y)})
    register("streams", lambda: {"train": dataset(x, y)})
    for name in ("maps", "streams"):
        data = load(name, image_size=(2, 2))
        assert data.train.label_shape == (2, 2, 1) and data.input_shape == (2, 2, 1)


def test_series_of_several_lengths():
    series = [np.arange(n, dtype="float32") for n in (3, 5, 8)]
    register("series", lambda: {"train": generated(zip(series, range(3)), (None,))})
    x, y = load("series", length=4).train.numpy()
    rows = {int(label): row[:, 0].tolist() for row, label in zip(x, y)}
    assert rows == {0: [0, 1, 2, 0], 1: [0, 1, 2, 3], 2: [2, 3, 4, 5]}
    register("arrays", lambda: {"train": (X[:, :, 0], Y)})
    np.testing.assert_array_equal(
        sorted(load("arrays", length=3).train.numpy()[0].ravel()), sorted(X[:, 1:4, 0].ravel().astype("float32"))
    )
    with pytest.raises(Refusal, match="data.length for series that differ in it"):
        load("series")


def test_large_splits_are_streamed(monkeypatch):
    memory = registered_source.registered_source
    monkeypatch.setattr(
        "kzoo.data.loader.registered_source", lambda *args, **targets: memory(*args, memory=1000, **targets)
    )
    splits = {split: dataset(x.astype("float32"), y) for split, (x, y) in PAIR.items()}
    streamed = loaded(splits, validation=0.2, stratify=True)
    x, y = streamed.train.numpy()
    assert (streamed.train.size, streamed.validation.size, streamed.classes) == (24, 6, 3)
    assert np.bincount(streamed.validation.numpy()[1]).tolist() == [2, 2, 2] and x.dtype == "float32"
    rows = {row.tobytes() for row in np.concatenate([x, streamed.validation.numpy()[0]])}
    assert rows == {row.astype("float32").tobytes() for row in X[:30]}
    np.testing.assert_array_equal(streamed.test.numpy()[1], Y[30:])
    register("negative", lambda: {"train": dataset(X, Y - 1)})
    with pytest.raises(Refusal, match="class numbers of at least 0; received .*smallest=-1"):
        load("negative")


def test_fingerprints_tell_data_apart():
    def content(x, y):
        register(name := f"data{len(found)}", lambda: {"train": (x, y)})
        register(f"{name}s", lambda: {"train": dataset(x, y)})
        found.append((load(name).fingerprint["files"], load(f"{name}s").fingerprint["files"]))
        return found[-1]

    found = []
    first, again, labels, inputs, order = (
        content(X, Y),
        content(X.copy(), Y),
        content(X, (Y + 1) % 3),
        content(X + 1e-6, Y),
        content(X[::-1], Y[::-1]),
    )
    assert first == again and len({first, labels, inputs, order}) == 4


def test_builder():
    builder = Digits(data_dir=str(cache_dir()))
    data = loaded(lambda: builder, validation=0.1)
    same(data.test, load("digits").test)
    assert data.classes == 10 and data.train.size == 1437 - 144


@pytest.mark.parametrize(
    "value, words",
    [
        (
            None,
            "to be {split: (x, y)}, {split: a tf.data.Dataset} or a builder of TensorFlow Datasets; received returned=",
        ),
        (
            {"test": (X, Y)},
            "a split train and perhaps others of validation, val, valid, dev, test; received splits=['test']",
        ),
        ({"train": (X, Y), "tset": (X, Y)}, "splits=['train', 'tset']"),
        ({"train": X}, "(x, y), (x, y, weights) or a tf.data.Dataset in its split train; received received='ndarray'"),
        ({"train": (X, Y[:-1])}, "as many examples in x_train as in y_train"),
        ({"train": ([[1.0], [2.0, 3.0]], [0, 1])}, "expects arrays in its split train: "),
        ({"train": (np.array(["a", "b"]), [0, 1])}, "numbers in x_train"),
        ({"train": (X, Y), "test": (X[:, :3], Y)}, "examples of one shape in all splits"),
        ({"train": (np.full_like(X, np.inf), Y)}, "finite float32 numbers in x_train"),
        ({"train": (X, Y - 1)}, "y_train of at least 0"),
        ({"train": (X, np.eye(3)[Y])}, "np.argmax(y_train, axis=-1)"),
        ({"train": dataset(X, Y).batch(4)}, "single examples in its split train, not batches: call unbatch()"),
        ({"train": dataset(X, Y).repeat()}, "that come to an end"),
        ({"train": dataset(X)}, "single examples (x, y) or (x, y, weight)"),
        ({"train": tf.data.Dataset.from_tensor_slices({"x": X, "y": Y})}, "single examples (x, y)"),
        ({"train": dataset(X, Y).take(0)}, "at least one example in its split train"),
        ({"train": dataset(X, Y.astype(str))}, "numbers in its split train"),
        ({"train": generated([(1.0, 2)], None)}, "examples of known rank in its split train: use tf.ensure_shape"),
        ({"train": generated(iter([(1.0, 2), ([1.0], 2)]), ())}, "its split train cannot be read: "),
    ],
)
def test_what_is_refused(value, words):
    with np.errstate(all="ignore"):
        assert words in refusal(value)


def test_settings_that_do_not_fit():
    assert "images (height, width, channels) to resize" in refusal({"train": (X[:, :, 0], Y)}, image_size=(2, 2))
    register("pair", lambda: PAIR)
    for settings, words in (
        ({"ignore_label": 1}, "ignore_label only for label maps"),
        ({"validation": "val"}, "splits"),
    ):
        with pytest.raises(Refusal, match=words):
            load("pair", **settings)
