"""Gabor convolution: the reference, energies that do not see the phase, blank images, precisions, and refusals."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.ops import filters
from tests import references
from tests.ops.cases import DTYPE, Case, Setting, geometry_of, normal, random_geometry
from tests.ops.harness import CHECKS, close, refuses, traced


def reference(x, *parameters, ksize, energy=False, zero_mean=False, **geometry):
    """One kernel for all channels; energy: the length of the responses at the phase and a quarter turn on."""

    def response(turn):
        moved = (*parameters[:4], parameters[4] + turn, *parameters[5:])
        kernel = references.gabor(ksize, *moved, zero_mean=zero_mean)
        kernel = np.stack([kernel] * x.shape[-1], 2)
        return references.sum_windows(x, kernel, kernel.shape[:2], lambda position: kernel, **geometry)

    return np.hypot(response(0), response(math.pi / 2)) if energy else response(0)


def draw(rng, rank, one, distinct):
    del distinct
    one = one or random_geometry(rng, rank)
    index = one["index"] if "index" in one else int(rng.integers(2))
    shape = (2, *one["spatial"], int(rng.integers(1, 4)))
    low, high = np.array([(0.5, 2), (0.01, 0.5), (0.01, 0.5), (0, 3), (-4, 4), (-1, 1), (-1, 1), (-4, 4)]).T
    parameters = rng.uniform(low, high, (3, 8)).astype(DTYPE).T
    copies = references.split_padding(one["padding"])[0] != "zeros"  # a window may hold one element alone, many times
    zero_mean = index % 2 == 1 and not (copies and max(one["spatial"]) < 4)
    kwargs = {"ksize": one["size"], "zero_mean": zero_mean, **geometry_of(one)}
    return Setting((normal(rng, *shape), *parameters), kwargs)


def draw_energy(rng, rank, one, distinct):
    """Without the phases, on which an energy does not depend."""
    (x, *parameters), kwargs = draw(rng, rank, one, distinct)
    return Setting((x, *parameters[:4], *parameters[5:]), kwargs)


def gabor_conv(x, *parameters, **kwargs):
    return ops.gabor_conv(x, parameters, **kwargs)


def gabor_energy(x, *parameters, **kwargs):
    return ops.gabor_conv(x, _with_phase(parameters), energy=True, **kwargs)


def _with_phase(parameters):
    return (*parameters[:4], 0 * parameters[0] + 0.25, *parameters[4:])


def reference_energy(x, *parameters, **kwargs):
    return reference(x, *_with_phase(parameters), energy=True, **kwargs)


OP_CASES = {
    "gabor_conv": Case(gabor_conv, reference, draw, curved=True, ranks=(2,)),
    "gabor_energy": Case(gabor_energy, reference_energy, draw_energy, curved=True, ranks=(2,)),
}
# alpha, beta_x, beta_y, frequency, phase, x0, y0, tau: two filters, upright and oblique
BANK = tuple(np.array(v, "float32") for v in zip((1, 0.1, 0.2, 1.5, 0.3, 0, 0, 0), (2, 0.2, 0.05, 2, -1, 0.5, -0.5, 1)))


@pytest.mark.parametrize("name", ["gabor_conv", "gabor_energy"])
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, name):
    check(OP_CASES[name], 2)


def test_an_energy_does_not_depend_on_the_phase(seeds):
    x, turned = normal(seeds, 2, 8, 7, 3), (*BANK[:4], BANK[4] + 1, *BANK[5:])
    close(ops.gabor_conv(x, turned, 5, energy=True), ops.gabor_conv(x, BANK, 5, energy=True))


def test_takes_a_bank_and_whole_numbers(seeds):
    """A dict of parameters is read by its names; integers are numbers too."""
    x, bank = normal(seeds, 2, 8, 7, 3), filters.gabor_bank(6, 5)
    want = ops.gabor_conv(x, list(bank.values()), 5)
    close(ops.gabor_conv(x, dict(reversed(bank.items())), 5), want, 0)
    refuses("parameters named ('alpha',", ops.gabor_conv, x, {"alpha": [1.0]}, 5)
    for energy in (False, True):
        whole, floating = [[1]] + [[0]] * 7, [[1.0]] + [[0.0]] * 7
        close(ops.gabor_conv(x, whole, 3, energy=energy), ops.gabor_conv(x, floating, 3, energy=energy), 0)


def test_half_precision_sums_of_channels_do_not_overflow():
    x = np.full((1, 3, 3, 512), 200, "float16")
    y = ops.gabor_conv(x, [[0.001]] + [[0.0]] * 7, 3)
    close(np.asarray(y, "float64"), np.full((1, 1, 1, 1), 0.001 * 9 * 512 * 200), 1e-3)


def test_equals_conv_with_the_kernel_on_every_channel(seeds):
    x, kernel = normal(seeds, 2, 8, 7, 3), np.asarray(filters.gabor((5, 4), *BANK))
    got = ops.gabor_conv(x, BANK, (5, 4), 2, "circular", 1)
    close(got, ops.conv(x, np.concatenate([kernel] * 3, 2), 2, "circular"))


@pytest.mark.parametrize("tau", [0.0, 0.7])
def test_the_energy_of_a_grating_is_the_same_in_every_phase(tau):
    """The kernel 27 pixels wide is 1e-11 at its rim; what the grating's negative frequency leaves is exp(-w^2 / beta).

    That is 2e-10 of the energy. A simple cell goes through 0 in between.
    """
    frequency, beta = 1.5, 0.1
    rows, columns = np.mgrid[-15:16, -15:16]
    along = columns * math.cos(tau) + rows * math.sin(tau)
    gratings = np.stack([np.cos(frequency * along + phase) for phase in np.linspace(0, math.pi, 7)])[..., None]
    bank = tuple(np.array([v]) for v in (1.0, beta, beta, frequency, 0.4, 0.0, 0.0, tau))
    energy, simple = (np.asarray(ops.gabor_conv(gratings, bank, 27, energy=e)) for e in (True, False))
    want = math.pi / beta / 2  # half the Gaussian's integral
    np.testing.assert_allclose(energy, want, rtol=1e-8)
    assert simple[:, 2, 2].max() > 0.9 * want and simple[:, 2, 2].min() < -0.9 * want


def test_energy_is_the_length_of_two_quarter_turns(seeds):
    x = normal(seeds, 2, 8, 7, 2)
    turned = (*BANK[:4], BANK[4] + np.float32(math.pi / 2), *BANK[5:])
    for zero_mean in (False, True):
        even, odd = (ops.gabor_conv(x, bank, 5, zero_mean=zero_mean) for bank in (BANK, turned))
        close(ops.gabor_conv(x, BANK, 5, energy=True, zero_mean=zero_mean), np.hypot(even, odd))


def test_zero_mean_does_not_see_an_even_surface():
    x = np.full((1, 9, 9, 2), 3.0, "float32")
    for energy in (False, True):
        assert np.abs(ops.gabor_conv(x, BANK, 7, energy=energy)).min() > 0.1
        assert np.abs(ops.gabor_conv(x, BANK, 7, energy=energy, zero_mean=True)).max() < 1e-5  # float32, 49 pixels


@pytest.mark.parametrize("jit", [False, True])
def test_a_blank_image_has_energy_0_with_gradient_0(jit):
    x, bank = tf.zeros((1, 6, 6, 2)), [tf.constant(v) for v in BANK]

    def run(x, *bank):
        with tf.GradientTape() as tape:
            tape.watch([x, *bank])
            y = ops.gabor_conv(x, bank, 3, energy=True)
            loss = tf.reduce_sum(y)
        return y, tape.gradient(loss, [x, *bank])

    y, grads = tf.function(run, jit_compile=jit, autograph=False)(x, *bank)
    assert not np.any(y) and y.shape == (1, 4, 4, 2)
    assert not any(np.any(grad) for grad in grads) and len(grads) == 9  # NaN counts as any


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("energy", [False, True])
def test_precisions(seeds, dtype, energy):
    """The image and the kernel's entries are rounded to the precision, and the result: some steps of its scale."""
    step = {"float16": 2**-11, "bfloat16": 2**-8, "float64": 1e-14}[dtype]
    x, bank = tf.cast(normal(seeds, 2, 8, 7, 1), dtype), [v.astype("float64") for v in BANK]
    y = ops.gabor_conv(x, bank, 5, energy=energy)
    want = reference(np.asarray(tf.cast(x, "float64")), *bank, ksize=5, energy=energy)
    assert y.dtype == dtype
    close(tf.cast(y, "float64"), want, 4 * step)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_parameters_may_have_the_images_precision(seeds, dtype):
    """Then the kernel is computed in it: each entry is good to some steps of the parameters' phases."""
    x, bank = tf.cast(normal(seeds, 2, 8, 7, 1), dtype), [tf.cast(v, dtype) for v in BANK]
    y = ops.gabor_conv(x, bank, 5, zero_mean=True)
    exact = [np.asarray(tf.cast(v, "float64")) for v in (x, *bank)]
    assert y.dtype == dtype
    close(tf.cast(y, "float64"), reference(*exact, ksize=5, zero_mean=True), 0.05)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_sums_in_float32(dtype):
    """5,100 channels of ones, then 3 pixels of them: 15,300, rounded both times."""
    flat = [[1.0]] + [[0.0]] * 7
    got = ops.gabor_conv(tf.ones((1, 1, 3, 5100), dtype), flat, (1, 3))
    assert abs(float(got[0, 0, 0, 0]) - 15300) <= 2 * 15300 * 2**-8


def test_edges():
    for energy in (False, True):
        assert ops.gabor_conv(np.zeros((0, 5, 6, 2), "float32"), BANK, 3, energy=energy).shape == (0, 3, 4, 2)
    one = [[v] for v in (2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)]
    assert np.ravel(ops.gabor_conv(np.full((1, 1, 1, 1), 3.0, "float32"), one, 1)) == [6]
    assert np.ravel(ops.gabor_conv(np.full((1, 1, 1, 1), -3.0, "float32"), one, 1, energy=True)) == [6]


X = np.zeros((1, 5, 6, 2), "float32")


@pytest.mark.parametrize(
    "x, parameters, words",
    [
        (X[0], BANK, "gabor_conv expects x (batch, height, width, channels); received shape=(5, 6, 2)"),
        (X[None], BANK, "x (batch, height, width, channels); received shape=(1, 1, 5, 6, 2)"),
        (X[0, 0], BANK, "received shape=(6, 2)"),
        (X.astype("int32"), BANK, "gabor_conv expects floating x; received dtype="),
        (X, BANK[:7], "gabor_conv expects parameters, eight tensors (filters,); received"),
        (X, 1.0, "eight tensors (filters,); received parameters=1.0"),
        (X, (*BANK[:7], np.zeros((2, 1), "float32")), "tau, a number or (filters,); received tau=(2, 1)"),
        (X, (*BANK[:7], np.zeros(3, "float32")), "(filters,)"),
        (X[:, :0], BANK, "an input of at least 1 pixel on spatial axis 0"),
        (keras.Input((5, 6, 2)), BANK, "the layer kzoo.layers.GaborConv2D; received a KerasTensor=(None, 5, 6, 2)"),
        (X, (*BANK[:7], keras.KerasTensor((2,))), "the layer kzoo.layers.GaborConv2D; received a KerasTensor=(2,)"),
    ],
)
def test_refuses_operands(x, parameters, words):
    refuses(words, ops.gabor_conv, x, parameters, 3)


@pytest.mark.parametrize(
    "geometry, words",
    [
        ({"ksize": 0}, "ksize, an integer of at least 1 or 2 of them; received ksize=0"),
        ({"ksize": 3.0}, "ksize=3.0"),
        ({"ksize": (3, 3, 3)}, "ksize=(3, 3, 3)"),
        ({"ksize": 7}, "a window that fits into the padded input on spatial axis 0"),
        ({"ksize": 3, "strides": 0}, "strides, an integer of at least 1 or 2 of them; received strides=0"),
        ({"ksize": 3, "padding": "half"}, "padding='half'"),
    ],
)
def test_refuses_geometry(geometry, words):
    refuses(words, ops.gabor_conv, X, BANK, **geometry)


def test_unknown_channels_are_summed():
    assert traced(lambda x: ops.gabor_conv(x, BANK, 3), (None, 5, 6, None)).structured_outputs.shape[1:] == (3, 4, 2)
