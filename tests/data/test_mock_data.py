import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.data.loader import load
from kzoo.data.mock_data import mock, mock_like


def test_has_every_split_and_the_requested_shapes():
    data = mock((4, 5, 2), 3, size=50, dtype="uint8")
    for split in (data.train, data.validation, data.test):
        x, y = split.numpy()
        assert (x.shape, x.dtype, y.shape, y.dtype) == ((50, 4, 5, 2), np.uint8, (50,), np.int32)
        assert set(y) == {0, 1, 2} and x.max() > 200
    assert (data.classes, data.input_shape) == (3, (4, 5, 2))
    assert not np.array_equal(data.train.numpy()[0], data.test.numpy()[0])
    np.testing.assert_array_equal(mock((4, 5, 2), 3, size=50, dtype="uint8").train.numpy()[0], data.train.numpy()[0])


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "int8", "uint8"])
def test_dtypes(dtype):
    assert mock((3,), 2, dtype=dtype).train.dtype == dtype


def test_is_like_the_real_dataset():
    for name in ("mnist1d", "digits"):
        real, made = load(name), mock_like(name, size=8)
        assert (made.name, made.classes, made.class_names) == (real.name, real.classes, real.class_names)
        assert [spec.shape for spec in made.train.batches(4).element_spec] == [
            spec.shape for spec in real.train.batches(4).element_spec
        ]
        assert made.train.dtype == real.train.dtype


def test_is_like_a_dataset_of_label_maps(tmp_path):
    file = tmp_path / "maps.npz"
    np.savez(file, x_train=np.zeros((4, 6, 8, 3), "uint8"), y_train=np.ones((4, 6, 8), int))
    assert mock_like(arrays=file).train.label_shape == load(arrays=file).train.label_shape == (6, 8, 1)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"input_shape": (None, 3), "classes": 2}, r"mock expects input_shape, sizes above 0; .*\(None, 3\)"),
        ({"input_shape": (3,), "classes": 0}, "classes, an integer above 0 or None; received classes=0"),
        ({"input_shape": (3,), "classes": 2, "size": 0}, "size, an integer above 0; received size=0"),
    ],
)
def test_refusals(settings, words):
    with pytest.raises(Refusal, match=words):
        mock(**settings)
