"""The models of 1989 and 2003: layers, borders of paper, biases of each position, the table."""

import numpy as np

from kzoo.models.registry import model
from tests.models.cards import Fit, shapes

CARDS = {  # trained parameters, input, classes
    "lecun1989": (9_760, (16, 16, 1), 10),
    "simard2003": (132_540, (29, 29, 1), 10),
}
FITS = {
    "lecun1989": Fit({}),
    "simard2003": Fit({"input_shape": (13, 13, 1)}),
}


def test_sizes_and_weights():
    for name, sizes, weights in (
        ("lecun1989", [(8, 8, 12), (4, 4, 12), (30,), (10,)], [1_068, 2_592, 5_790, 310]),
        ("simard2003", [(13, 13, 5), (5, 5, 50), (100,), (10,)], [130, 6_300, 125_100, 1_010]),
    ):
        built = model(name)
        assert list(shapes(built, ["stage1", "stage2", "fc1", "predictions"]).values()) == sizes
        assert [built.get_layer(part).count_params() for part in ("stage1", "stage2", "fc1", "predictions")] == weights


def test_weights_start_as_simard_says():
    """Standard deviation 0.05, whatever a layer's fan-in; section 3 of the paper."""
    built = model("simard2003")
    for name in ("stage1", "stage2", "fc1", "predictions"):
        kernel, bias = built.get_layer(name).get_weights()
        np.testing.assert_allclose(kernel.std(), 0.05, rtol=4 / np.sqrt(2 * kernel.size))
        assert not bias.any()


def test_paper_goes_on_beyond_the_border():
    """On blank paper, -1 everywhere, all positions of a map are equal up to their biases, which start at 0."""
    built = model("lecun1989", features="stage1")
    y = built(-np.ones((1, 16, 16, 1), "float32")).numpy()
    assert np.ptp(y, axis=(1, 2)).max() < 1e-6 < np.abs(y).min()
    assert built.get_layer("stage1").bias.shape == (8, 8, 12)


def test_each_map_reads_eight():
    table = model("lecun1989").get_layer("stage2").table
    assert [len(set(maps)) for maps in table] == [8] * 12
    assert np.bincount(np.concatenate(table)).tolist() == [8] * 12  # and each is read by eight
