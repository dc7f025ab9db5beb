"""Large windows: the code for more than `MOST_TAPS` taps equals the references, and its programs stay small."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.ops import views
from tests.collect import collect
from tests.ops.cases import Case
from tests.ops.harness import compiled, outputs_and_gradients, refuses, slopes, traced, uncompiled

CASES = collect("OP_CASES")
LARGE = [
    *("adaptive_average_pool", "adaptive_max_pool", "dilation", "dynamic_pool", "fractional_max_pool"),
    *("local_response_normalization", "locally_connected", "lp_pool", "max_pool_with_argmax", "max_unpool", "maxout"),
    *("rectangle_pool", "stochastic_pool", "tiled_conv", "weighted_pool"),
]
WINDOWS = ["dilation", "lp_pool", "max_pool_with_argmax", "max_unpool", "stochastic_pool", "subsample"]


@pytest.fixture
def every_window_is_large(monkeypatch):
    monkeypatch.setattr(views, "MOST_TAPS", 1)
    with ops.no_islands():  # compiled functions do not depend on MOST_TAPS
        yield


@pytest.mark.usefixtures("every_window_is_large")
@pytest.mark.parametrize("name", LARGE)
def test_equals_the_loop_and_its_slopes(name):
    """On all paddings, strides and dilations, with equal values and NaN, at sizes that the reference computes fast."""
    case, rank = CASES[name], min(CASES[name].ranks[-1], 2)
    uncompiled(case, rank, count=5)
    slopes(case, rank)


@pytest.mark.usefixtures("every_window_is_large")
@pytest.mark.large
@pytest.mark.parametrize("name", LARGE)
def test_equals_the_loop_in_all_ranks(name):
    for rank in CASES[name].ranks:
        uncompiled(CASES[name], rank, count=100)
        if (name, rank) not in [("locally_connected", 3), ("tiled_conv", 3)]:  # TensorFlow has no dilated Conv3D
            slopes(CASES[name], rank)


class WithWindow(Case):
    """A case with one setting: a window of this size on each axis."""

    def ten(self, rank, size=9):
        one = {"spatial": (size + 2, size + 3), "size": size, "strides": 2, "dilations": 1, "padding": "same"}
        return [self.draw(np.random.default_rng(0), rank, one | {"index": 0}, distinct=True)]


@pytest.mark.parametrize("name", ["dilation", "lp_pool", "max_pool_with_argmax"])
def test_a_window_of_81_taps(name):
    case = WithWindow(*CASES[name])
    compiled(case, 2, case.ten(2))
    with ops.no_islands():
        slopes(case, 2)


@pytest.mark.large
@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_of_1024_taps(name):
    case = WithWindow(*CASES[name])
    compiled(case, 2, case.ten(2, size=32))


def instructions(fn, *shapes):
    """Returns the number of instructions of the program of outputs and gradients, before XLA optimizes it."""
    inputs = [tf.zeros(shape) for shape in shapes]

    def step(*inputs):
        return outputs_and_gradients(Case(fn, None, None), type("Setting", (), {"inputs": inputs, "kwargs": {}}))

    program = tf.function(step, jit_compile=True, autograph=False).experimental_get_compiler_ir(*inputs)(stage="hlo")
    return sum(" = " in line for line in program.splitlines())


# Call and shapes for a size n, such as n x n taps or n bins.
PROGRAMS = {
    "lp_pool": (lambda n: lambda x: ops.lp_pool(x, n), lambda n: [(1, 2 * n, 2 * n, 2)]),
    "max_pool_with_argmax": (lambda n: lambda x: ops.max_pool_with_argmax(x, n)[0], lambda n: [(1, 2 * n, 2 * n, 2)]),
    "dense max pool": (lambda n: lambda x: ops.max_pool_with_argmax(x, n, 1)[0], lambda n: [(1, 2 * n, 2 * n, 2)]),
    "dilation": (lambda n: ops.dilation, lambda n: [(1, 2 * n, 2 * n, 2), (n, n, 2)]),
    "stochastic_pool": (lambda n: lambda x: ops.stochastic_pool(x, n), lambda n: [(1, 2 * n, 2 * n, 2)]),
    "stochastic sample": (
        lambda n: lambda x, noise: ops.stochastic_pool(x, n, noise=noise),
        lambda n: [(1, 2 * n, 2 * n, 2), (1, 2, 2, 2)],
    ),
    "gaussian_pool": (lambda n: lambda x: ops.gaussian_pool(x, n * n), lambda n: [(1, 2 * n * n, 2)]),
    "maxout": (lambda n: lambda x: ops.maxout(x, 2), lambda n: [(2, 2 * n * n)]),
    "local_response_normalization": (
        lambda n: lambda x: ops.local_response_normalization(x, n * n // 2),
        lambda n: [(2, 2 * n * n)],
    ),
    "adaptive_max_pool": (lambda n: lambda x: ops.adaptive_max_pool(x, n * n), lambda n: [(1, 3 * n * n + 1, 2)]),
    "more bins than pixels": (lambda n: lambda x: ops.adaptive_max_pool(x, n * n), lambda n: [(1, 5, 2)]),
    "bins of one pixel": (lambda n: lambda x: ops.adaptive_max_pool(x, 5 * n), lambda n: [(1, *(5 * n,) * 3, 2)]),
    "bins of two pixels": (lambda n: lambda x: ops.adaptive_max_pool(x, 5 * n), lambda n: [(1, *(5 * n + 1,) * 3, 2)]),
    "few bins of two sizes": (lambda n: lambda x: ops.adaptive_max_pool(x, 7), lambda n: [(1, 60, 2)]),
    "averages": (lambda n: lambda x: ops.adaptive_average_pool(x, 5 * n), lambda n: [(1, *(5 * n + 1,) * 3, 2)]),
    "averages of two pixels": (
        lambda n: lambda x: ops.adaptive_average_pool(x, 5 * n),
        lambda n: [(1, *(10 * n,) * 3, 2)],
    ),
    "few long bins": (lambda n: lambda x: ops.adaptive_max_pool(x, 50), lambda n: [(1, 50 * n + 1, 2)]),
    "adaptive_average_pool": (
        lambda n: lambda x: ops.adaptive_average_pool(x, n * n),
        lambda n: [(1, 3 * n * n + 1, 2)],
    ),
    "dynamic_pool": (lambda n: lambda x, y: ops.dynamic_pool(x, y, (n,)), lambda n: [(1, 2 * n, 2 * n, 2)] * 2),
    "locally_connected": (lambda n: ops.locally_connected, lambda n: [(1, n * n + 2, 2), (3, n * n, 2, 2)]),
    "tiled_conv": (lambda n: ops.tiled_conv, lambda n: [(1, n + 9, n + 9, 2), (2, 2, n, n, 2, 2)]),
    "conv": (lambda n: ops.conv, lambda n: [(2, n + 4, n + 4, 1), (n, n, 1, 2)]),
    "long conv": (lambda n: ops.conv, lambda n: [(2, n * n + 9, 1), (n * n, 1, 2)]),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_small(name):
    """With 12 x 12 taps or 144 bins; written out, each would take some ten instructions."""
    op, shapes = PROGRAMS[name]
    assert instructions(op(12), *shapes(12)) < 2500


@pytest.mark.large
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_do_not_grow(name):
    """With 32 x 32 taps or 1024 bins."""
    op, shapes = PROGRAMS[name]
    assert instructions(op(32), *shapes(32)) < 2500


@pytest.mark.parametrize("size", [1, 3, 10])
def test_more_bins_than_64_of_unknown_size(size):
    """In a graph, where bins are gathered by tensors."""
    x = np.random.default_rng(0).normal(size=(2, size, 2)).astype("float32")
    for op in (ops.adaptive_average_pool, ops.adaptive_max_pool):
        graph = traced(lambda x, op=op: op(x, 70), (None, None, 2))
        np.testing.assert_allclose(graph(tf.constant(x)), op(x, 70), rtol=1e-6)


@pytest.mark.usefixtures("every_window_is_large")
def test_an_empty_batch():
    x = np.zeros((0, 4, 4, 2), "float32")
    for op in (ops.lp_pool, ops.stochastic_pool, ops.adaptive_max_pool, ops.adaptive_average_pool):
        assert op(x, 2).shape == (0, 2, 2, 2)
    values, indices = ops.max_pool_with_argmax(x, 3, 1)
    assert ops.max_unpool(values, indices, ksize=3, strides=1).shape == x.shape
    assert ops.dynamic_pool(x, x, (2,)).shape == (0, 4, 2, 2)


X = np.zeros((1, 4, 5, 2), "float32")


@pytest.mark.parametrize(
    "words, op, args",
    [
        ("less than 2^31 positions of a padded sample; received ksize=(100000, 100000)", "lp_pool", (10**5, 1, "same")),
        ("less than 2^31 positions of a padded sample", "gaussian_pool", (10**9, 1, "same")),
        ("less than 2^31 positions of a padded sample", "blur_pool", (10**9, 1, "same")),
        ("less than 2^31 positions of a padded sample", "max_pool_with_argmax", (2, 1, ("replicate", 10**6))),
        ("less than 2^31 bins; received output_size=1000000", "adaptive_max_pool", (10**6,)),
        ("less than 2^31 bins; received output_size=1000000", "adaptive_average_pool", (10**6,)),
        ("less than 2^31 bins", "spatial_pyramid_pool", ((10**6,),)),
        ("less than 2^31 regions; received bins=(1000000,)", "dynamic_pool", (X, (10**6,))),
        ("less than 2^31 rectangles; received grid=1000", "rectangle_pool", (1000,)),
        ("less than 2^31 samples times pixels", "foveated_glimpse", (np.zeros((1, 2), "float32"), 8, 40)),
    ],
)
def test_refuses_absurd_sizes(words, op, args):
    refuses(f"{op} expects", getattr(ops, op), X, *args)
    refuses(words, getattr(ops, op), X, *args)
