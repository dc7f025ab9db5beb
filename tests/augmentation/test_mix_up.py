import numpy as np

from kzoo.augmentation.mix_up import MixUp


def test_equals_a_loop_over_pairs():
    """The paper's two lines, with the partner and the proportion that the label says."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, 5, 4, 2)).astype("float32")
    mixed = MixUp(1.0, seed=2)({"images": x, "labels": np.eye(9, dtype="float32")})
    images, labels = (np.array(mixed[name]) for name in ("images", "labels"))
    moved = 0
    for i in range(9):
        others = [j for j in np.flatnonzero(labels[i]) if j != i]
        proportion = labels[i, i]
        expected = x[i] if not others else proportion * x[i] + (1 - proportion) * x[others[0]]
        moved += bool(others)
        np.testing.assert_allclose(images[i], expected, rtol=1e-5, atol=1e-6)
    assert moved > 5


def test_signals_and_vectors_are_mixed_too():
    for shape in ((6, 40, 1), (6, 3), (6,)):
        x = np.arange(np.prod(shape)).reshape(shape).astype("float32")
        mixed = MixUp(1.0, seed=2)({"images": x, "labels": np.eye(6, dtype="float32")})
        np.testing.assert_allclose(mixed["images"], np.tensordot(np.array(mixed["labels"]), x, 1), rtol=1e-5)


def test_the_proportions_differ_within_a_batch():
    mixed = MixUp(8.0, seed=1)({"images": np.zeros((50, 2)), "labels": np.eye(50, dtype="float32")})
    own = np.diag(np.array(mixed["labels"]))
    assert len(np.unique(own)) > 40 and 0.4 < own.mean() < 0.6
