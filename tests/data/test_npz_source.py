import io
import zipfile

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.data import npz_source
from kzoo.data.loader import load, specs
from kzoo.data.source import check_classes

RNG = np.random.default_rng(0)
GOOD = {
    "x_train": RNG.integers(0, 256, (12, 4, 5), "uint8"),
    "y_train": np.arange(12, dtype="uint8") % 4,
    "x_test": RNG.integers(0, 256, (6, 4, 5), "uint8"),
    "y_test": np.arange(6, dtype="uint8") % 4,
}


def save(path, **changes):
    """Writes an .npz file like Keras's mnist.npz, without the arrays that `changes` sets to None."""
    arrays = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    np.savez(path / "set.npz", **arrays)
    return path / "set.npz"


def test_reads_like_keras_mnist(tmp_path):
    data = load(arrays=save(tmp_path))
    assert (data.name, data.classes, data.input_shape, data.train.size) == ("set", 4, (4, 5, 1), 12)
    x, y = data.test.numpy()
    np.testing.assert_array_equal(x[..., 0], GOOD["x_test"])
    np.testing.assert_array_equal(y, GOOD["y_test"])
    assert (x.dtype, y.dtype) == (np.uint8, np.int32)


def test_shuffles_training_once_and_keeps_pairs(tmp_path):
    x, y = load(arrays=save(tmp_path)).train.numpy()
    where = [next(i for i, image in enumerate(GOOD["x_train"]) if np.array_equal(image, a[..., 0])) for a in x]
    assert sorted(where) == list(range(12)) and where != list(range(12))
    np.testing.assert_array_equal(y, GOOD["y_train"][where])
    np.testing.assert_array_equal(load(arrays=save(tmp_path)).train.numpy()[1], y)


def test_the_test_split_is_optional(tmp_path):
    assert load(arrays=save(tmp_path, x_test=None, y_test=None)).test is None


@pytest.mark.parametrize("name", ["val", "valid", "validation", "dev"])
def test_a_validation_split_and_what_is_left_out(tmp_path, name, capsys):
    more = {f"x_{name}": GOOD["x_test"][:2], f"y_{name}": GOOD["y_test"][:2]}
    file = save(tmp_path, **more, x_extra=np.zeros(2), z=np.zeros(3))
    data = load(arrays=file, validation="val")
    assert (data.train.size, data.validation.size, data.test.size) == (12, 2, 6)
    np.testing.assert_array_equal(data.validation.numpy()[0][..., 0], GOOD["x_test"][:2])
    assert capsys.readouterr().err == "set: left out: arrays of other names, such as 'x_extra' (2).\n"
    load(arrays=save(tmp_path, **more), validation=2)
    assert capsys.readouterr().err == f"set: left out: the split '{name}', which `validation: {name}` uses (2).\n"
    with pytest.raises(Refusal, match=f"arrays with y_{name}"):
        load(arrays=save(tmp_path, **{f"x_{name}": GOOD["x_test"]}))


@pytest.mark.parametrize("image_size", [None, (2, 3)])
def test_weights_stay_with_their_examples(tmp_path, image_size):
    x = np.broadcast_to(np.arange(12, dtype="uint8")[:, None, None], (12, 4, 5))
    weights = np.arange(12) / 4
    file = save(tmp_path, x_train=x, w_train=weights)
    data = load(arrays=file, validation=0.25, image_size=image_size)
    assert data.train.weighted and data.validation.weighted and not data.test.weighted
    passes = [*data.train.batches(3, 1).take(7), *data.validation.once(2, weights=True)]
    for x, _, w in passes:
        np.testing.assert_array_equal(np.array(x)[:, 0, 0, 0] / 4, w)
    assert len(next(iter(data.train.once(2)))) == len(next(iter(data.test.once(2, weights=True)))) == 2
    flipped = data.train.batches(3, 1, augment=[keras.layers.RandomFlip()])
    for (x, _, w), (_, _, plain) in zip(flipped.take(4), data.train.batches(3, 1)):
        np.testing.assert_array_equal(w, plain)
        np.testing.assert_array_equal(np.array(x)[:, 0, 0, 0] / 4, w)


@pytest.mark.parametrize(
    "w, words",
    [
        (np.ones(11), r"w_train of shape \(N,\), one weight .*; received weights=\(11,\), labels=\(12,\)"),
        (np.r_[np.ones(11), -1], r"finite numbers of at least 0 in w_train; received w_train\[11\]=-1.0"),
        (np.r_[np.nan, np.ones(11)], r"finite numbers of at least 0 in w_train; received w_train\[0\]=nan"),
        (np.zeros(12), "w_train that is not 0 everywhere"),
        (np.full(12, "a"), "numbers in w_train; received dtype='str32'"),
    ],
)
def test_refuses_other_weights(tmp_path, w, words):
    with pytest.raises(Refusal, match=words):
        load(arrays=save(tmp_path, w_train=w))


@pytest.mark.parametrize(
    "stored, shape",
    [((40,), (40, 1)), ((40, 1), (40, 1)), ((8, 8), (8, 8, 1)), ((8, 8, 3), (8, 8, 3)), ((4,) * 4, (4,) * 4)],
)
def test_shapes(tmp_path, stored, shape):
    file = save(tmp_path, x_train=np.zeros((12, *stored)), x_test=np.zeros((6, *stored)))
    assert specs(arrays=file) == (shape, "float32", 4)
    assert load(arrays=file).train.numpy()[0].shape == (12, *shape)


def test_labels_of_cifar_and_label_maps(tmp_path):
    columns = {name: GOOD[name][:, None] for name in ("y_train", "y_test")}
    assert load(arrays=save(tmp_path, **columns)).train.label_shape == ()
    maps = {name: np.ones((len(GOOD[name]), 4, 5), int) for name in ("y_train", "y_test")}
    data = load(arrays=save(tmp_path, **maps), image_size=(8, 10))
    assert data.train.numpy()[1].shape == (12, 8, 10, 1) and data.train.label_shape == (8, 10, 1)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", ">f4", "bool"])
def test_whole_numbers_of_other_dtypes_are_labels(tmp_path, dtype):
    labels = {name: (GOOD[name] % 2).astype(dtype) for name in ("y_train", "y_test")}
    data = load(arrays=save(tmp_path, **labels))
    assert data.classes == 2 and data.test.numpy()[1].dtype == np.int32
    np.testing.assert_array_equal(data.test.numpy()[1], GOOD["y_test"] % 2)


def test_resizes_in_the_same_dtype(tmp_path):
    flat = np.full((12, 4, 4), 77, "uint8")
    data = load(arrays=save(tmp_path, x_train=flat, x_test=flat[:6]), image_size=(9, 3))
    x, _ = data.train.numpy()
    assert (x.shape, x.dtype) == ((12, 9, 3, 1), np.uint8) and (x == 77).all()


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"x_train": None}, r"arrays with x_train; received .*found=\['x_test', 'y_test', 'y_train'\]"),
        ({"y_test": None}, "arrays with y_test"),
        (
            {"y_train": np.zeros(11, int)},
            "as many examples in x_train as in y_train, at least 1; received x_train=12, y_train=11",
        ),
        ({"x_test": GOOD["x_test"][:0], "y_test": GOOD["y_test"][:0]}, "at least 1; received x_test=0, y_test=0"),
        (
            {"x_test": np.zeros((6, 4, 6))},
            r"one shape in all splits; received x_train=\(4, 5, 1\), x_test=\(4, 6, 1\)",
        ),
        ({"x_train": np.zeros(12)}, r"x_train of rank 2 \(series\) to 5 \(volumes\); received shape=\(12,\)"),
        ({"x_train": np.full((12, 4, 5), "a")}, "numbers in x_train; received dtype='str32'"),
        ({"y_train": np.full(12, "a")}, "integers in y_train; received dtype='str32'"),
        ({"y_train": np.r_[0.0, 1, 2.5, np.zeros(9)]}, r"whole numbers in y_train; received y_train\[2\]=2.5\."),
        ({"y_train": np.r_[0.0, np.nan, 2.5, np.zeros(9)]}, r"whole numbers in y_train; received y_train\[1\]=nan\."),
        ({"y_test": np.r_[np.zeros(5), 1e300]}, r"whole numbers in y_test; received y_test\[5\]=1e\+300\."),
        ({"y_train": np.pad([[[0.5]]], ((11, 0), (1, 2), (2, 2)))}, r"received y_train\[11, 1, 2\]=0.5\."),
        (
            {"y_train": np.eye(12, dtype=int)},
            r"class numbers in y_train; received one-hot ones: store np.argmax\(y_train",
        ),
        ({"y_train": np.eye(12)}, r"received one-hot ones: store np.argmax\(y_train, axis=-1\)\."),
        ({"y_train": np.eye(12, dtype=int) * 2}, r"y_train of shape \(N,\), one class number per example"),
        ({"y_train": np.zeros((12, 0, 1), int)}, r"y_train of shape \(N,\), one class number per example"),
        ({"y_train": np.arange(12) - 1}, "y_train of at least 0; received smallest=.*-1"),
        (
            {"x_train": np.array([{}] * 12)},
            "plain arrays; received '.*set.npz', which cannot be read: x_train: Object arrays cannot",
        ),
    ],
)
def test_refusals(tmp_path, changes, words):
    with pytest.raises(Refusal, match=words):
        load(arrays=save(tmp_path, **changes))


MAPS = {f"y_{split}": RNG.integers(0, 4, (size, 4, 5)) for split, size in (("train", 12), ("test", 6))}


def with_void(void, dtype="int64"):
    """Returns MAPS in which every third pixel has the label `void`."""
    third = {name: np.arange(maps.size).reshape(maps.shape) % 3 == 0 for name, maps in MAPS.items()}
    return {name: np.where(third[name], void, maps).astype(dtype) for name, maps in MAPS.items()}


@pytest.mark.parametrize("void, dtype", [(255, "uint8"), (255, "float32"), (-1, "int8"), (4, "int64"), (0, "int32")])
@pytest.mark.parametrize("image_size", [None, (8, 10)])
def test_ignored_labels_are_no_classes(tmp_path, void, dtype, image_size):
    maps = with_void(void, dtype)
    data = load(arrays=save(tmp_path, **maps), ignore_label=void, image_size=image_size)
    assert data.classes == 4 and specs(arrays=save(tmp_path, **maps), ignore_label=void)[2] == 4
    found = data.test.numpy()[1][..., 0]
    expected = maps["y_test"] if image_size is None else maps["y_test"].repeat(2, 1).repeat(2, 2)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "maps, words",
    [
        (with_void(255, "uint8"), r"; set ignore_label: 255 if it means unlabelled; received largest=\[3, 255\]\."),
        (with_void(-1), "y_train of at least 0; set ignore_label: -1 if it means unlabelled; received smallest=-1"),
        (
            {name: 255 * (y > 1) for name, y in MAPS.items()},
            r"labels 0 and 1 in y_train: divide it by 255; received labels=\[0, 255\]",
        ),
        (
            {name: np.eye(4)[y] for name, y in MAPS.items()},
            r"class numbers in y_train; received one-hot ones: store np.argmax\(y_train, axis=-1\)",
        ),
    ],
    ids=["255", "-1", "0 and 255", "one-hot"],
)
def test_codes_of_masks_are_refused_with_what_to_do(tmp_path, maps, words):
    with pytest.raises(Refusal, match=words) as got:
        load(arrays=save(tmp_path, **maps))
    assert "\n" not in str(got.value)


def test_label_maps_of_volumes_are_not_one_hot(tmp_path):
    maps = np.tile([0, 1, 0], (12, 2, 3, 1))
    volumes = {"x_train": np.zeros((12, 2, 3, 3, 1)), "x_test": np.zeros((6, 2, 3, 3, 1))}
    assert load(arrays=save(tmp_path, **volumes, y_train=maps, y_test=maps[:6])).classes == 2


def test_other_ignored_labels_are_refused(tmp_path):
    file = save(tmp_path, **with_void(255))
    for label in (2.5, "255", True, 2**31, -(2**40)):
        with pytest.raises(Refusal, match="load expects ignore_label, an integer within int32, or None"):
            load(arrays=file, ignore_label=label)
    with pytest.raises(Refusal, match=r"y_train of at least 0; received smallest=-1|a large gap between its labels"):
        load(arrays=file, ignore_label=7)
    only = {name: np.full_like(maps, 9) for name, maps in MAPS.items()}
    with pytest.raises(Refusal, match="y_train with labels other than ignore_label; received ignore_label=9"):
        load(arrays=save(tmp_path, **only), ignore_label=9)
    with pytest.raises(Refusal, match=r"ignore_label only for label maps; received ignore_label=3, label_shape=\(\)"):
        load(arrays=save(tmp_path), ignore_label=3)
    with pytest.raises(Refusal, match="ignore_label only for label maps"):
        load("digits", ignore_label=3)


def test_refuses_files_that_are_no_npz(tmp_path):
    whole = save(tmp_path).read_bytes()
    np.save(tmp_path / "one.npy", np.zeros(3))
    for content in (b"", b"not a zip file", whole[: len(whole) // 2], (tmp_path / "one.npy").read_bytes()):
        (tmp_path / "other.npz").write_bytes(content)
        with pytest.raises(Refusal, match="load expects arrays, an .npz file; received arrays='.*other.npz'"):
            load(arrays=tmp_path / "other.npz")
    with pytest.raises(Refusal, match="load expects arrays, an .npz file; received arrays='nowhere.npz'"):
        load(arrays="nowhere.npz")


def test_refuses_a_damaged_npz(tmp_path):
    file = save(tmp_path)
    damaged = bytearray(file.read_bytes())
    damaged[200] ^= 255
    file.write_bytes(damaged)
    with pytest.raises(
        Refusal, match="an .npz file of plain arrays; received '.*set.npz', which cannot be read: x_train: Bad CRC"
    ):
        load(arrays=file)


def rewrite(path, **members):
    """Writes an .npz file whose members of these names have other bytes."""
    file = save(path)
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (contents | {f"{name}.npy": content for name, content in members.items()}).items():
            archive.writestr(name, content)
    return file


def header(shape, dtype="<f8"):
    """Returns an .npy file that declares a shape and holds nothing."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("y_test", b"no array", "y_test: the magic string is not correct"),
        ("x_train", b"", "x_train: EOF"),
        ("x_train", header((2**20, 2**20)), r"x_train: it declares shape \(1048576, 1048576\) of float64, .* holds 0"),
        ("x_train", header((12, -1)), r"x_train: it declares shape \(12, -1\)"),
        ("x_train", header((12, 4), "<U9"), "x_train: it declares"),
        ("x_train", b"\x93NUMPY\x07\x00" + b"x" * 99, r"x_train: we only support format version|x_train: .*version"),
        ("x_train", header((12,)).replace(b"descr", b"\xff\xfescr"), "x_train: "),
    ],
)
def test_refuses_members_that_are_no_arrays(tmp_path, name, content, words):
    with pytest.raises(Refusal, match=f"'.*set.npz', which cannot be read: {words}") as got:
        load(arrays=rewrite(tmp_path, **{name: content}))
    assert "\n" not in str(got.value)


def test_refuses_arrays_larger_than_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(npz_source, "available_memory", lambda: 500)
    with pytest.raises(Refusal, match=r"cannot be read: its arrays have [\d,]+ bytes, the free memory 500"):
        load(arrays=save(tmp_path))


def test_refuses_encrypted_and_unknown_compression(tmp_path):
    content = save(tmp_path).read_bytes()
    for offset, value, words in ((6, 1, "is encrypted, password required"), (8, 77, "compression method")):
        damaged = bytearray(content)
        start = damaged.find(b"PK\x03\x04")
        central = damaged.find(b"PK\x01\x02")
        damaged[start + offset] = damaged[central + offset + 2] = value
        (tmp_path / "set.npz").write_bytes(damaged)
        with pytest.raises(Refusal, match=f"cannot be read: x_train: .*{words}"):
            load(arrays=tmp_path / "set.npz")


def test_wide_and_swapped_numbers_are_converted(tmp_path):
    x = GOOD["x_train"].astype("float64")
    for dtype, expected in (("longdouble", "float32"), (">f8", "float32"), (">f4", "float32"), (">i2", "int16")):
        file = save(
            tmp_path, x_train=x.astype(dtype), x_test=x[:6].astype(dtype), y_train=GOOD["y_train"].astype(">i4")
        )
        data = load(arrays=file)
        assert data.train.dtype == expected
        np.testing.assert_array_equal(np.sort(data.train.numpy()[0].ravel()), np.sort(x.ravel()))


@pytest.mark.parametrize("value, dtype", [(np.nan, "float32"), (-np.inf, "float16"), (1e300, "float64")])
@pytest.mark.parametrize("split", ["train", "test"])
def test_refuses_numbers_that_are_not_finite(tmp_path, split, value, dtype):
    name = f"x_{split}"
    x = GOOD[name].astype(dtype)
    x[4, 1, 2] = value
    other = {f"x_{s}": GOOD[f"x_{s}"].astype(dtype) for s in ("train", "test")}
    with pytest.raises(
        Refusal, match=rf"load expects finite float\d\d numbers in {name}; received {name}\[4\]=(nan|-?inf)"
    ):
        load(arrays=save(tmp_path, **{**other, name: x}))


@pytest.mark.parametrize("label", [2**32, 2**31 + 5, 2**31 - 1, 2**63, 100_000])
@pytest.mark.parametrize("name", ["y_train", "y_test"])
def test_refuses_labels_of_too_many_classes(tmp_path, name, label):
    y = GOOD[name].astype("uint64")
    y[1] = label
    with pytest.raises(
        Refusal, match=f"load expects {name}, labels of 1 to 100000 classes; received classes={label + 1}"
    ):
        load(arrays=save(tmp_path, **{name: y}))


def test_as_many_classes_as_examples_are_accepted():
    check_classes(150_000, 150_000, "many")
    with pytest.raises(Refusal, match="many of 1 to 150000 classes; received classes=150001"):
        check_classes(150_001, 150_000, "many")


def test_the_digest_covers_the_content(tmp_path):
    first, again = (load(arrays=save(tmp_path)).fingerprint for _ in range(2))
    changed = GOOD["x_test"].copy()
    changed[3, 2, 1] ^= 1
    assert first == again and load(arrays=save(tmp_path, x_test=changed)).fingerprint == {
        **first,
        "files": load(arrays=save(tmp_path, x_test=changed)).fingerprint["files"],
    }
    assert load(arrays=save(tmp_path, x_test=changed)).fingerprint["files"] != first["files"]
    np.savez_compressed(tmp_path / "set.npz", **GOOD)
    assert load(arrays=tmp_path / "set.npz").fingerprint == first
    assert {key: first[key] for key in ("input_shape", "classes", "train", "validation", "test")} == {
        "input_shape": [4, 5, 1],
        "classes": 4,
        "train": 12,
        "validation": 0,
        "test": 6,
    }
