import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.data.loader import load, specs

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
            r"one shape in both splits; received x_train=\(4, 5, 1\), x_test=\(4, 6, 1\)",
        ),
        ({"x_train": np.zeros(12)}, r"x_train of rank 2 \(series\) to 5 \(volumes\); received shape=\(12,\)"),
        ({"x_train": np.full((12, 4, 5), "a")}, "numbers in x_train; received dtype='str32'"),
        ({"y_train": np.zeros(12)}, "integers in y_train; received dtype='float64'"),
        ({"y_train": np.eye(12, dtype=int)}, r"y_train of shape \(N,\), one class number per example"),
        ({"y_train": np.arange(12) - 1}, "y_train of at least 0; received smallest=.*-1"),
        (
            {"x_train": np.array([{}] * 12)},
            "plain arrays; received '.*set.npz', which cannot be read: Object arrays cannot",
        ),
    ],
)
def test_refusals(tmp_path, changes, words):
    with pytest.raises(Refusal, match=words):
        load(arrays=save(tmp_path, **changes))


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
        Refusal, match="an .npz file of plain arrays; received '.*set.npz', which cannot be read: Bad CRC"
    ):
        load(arrays=file)
