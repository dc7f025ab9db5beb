"""LocallyConnected2D: a kernel for each output position, by default "valid" with stride 1.

Source: layer sizes of DeepFace from Taigman et al. 2014, section 2.2.
"""

from benchmarks.family import Absent, Case, Cost, Program, Target

CASES = [
    Case("32 x 28 x 28 x 16 -> 16, k 3", batch=32, size=28, channels=16, filters=16, kernel=3),
    Case("32 x 32 x 32 x 3 -> 32, k 5", batch=32, size=32, channels=3, filters=32, kernel=5),
    Case("8 x 64 x 64 x 16 -> 16, k 3", batch=8, size=64, channels=16, filters=16, kernel=3),
    Case("128 x 21 x 21 x 16 -> 16, k 5", batch=128, size=21, channels=16, filters=16, kernel=5),
    Case("1 x 28 x 28 x 16 -> 16, k 3", batch=1, size=28, channels=16, filters=16, kernel=3),
    Case("DeepFace L4: 8 x 63 x 63 x 16 -> 16, k 9", batch=8, size=63, channels=16, filters=16, kernel=9),
    Case("DeepFace L6: 32 x 25 x 25 x 16 -> 16, k 5", batch=32, size=25, channels=16, filters=16, kernel=5),
    Case(
        "bfloat16: 32 x 28 x 28 x 16 -> 16, k 3", batch=32, size=28, channels=16, filters=16, kernel=3, dtype="bfloat16"
    ),
]
TARGETS = [
    Target("tf-keras", "step", 8.0, "32 x 28 x 28*"),
    Target("tf-keras", "step", 4.0),
    Target("torch", "step", 1.5),
    Target("jax", "step", 4.0),
]


def output(case):
    return case.size - case.kernel + 1


def weights(case):
    return output(case) ** 2 * case.kernel**2 * case.channels * case.filters


def arrays(case, rng):
    n, k = output(case), case.kernel
    x = rng.normal(size=(case.batch, case.size, case.size, case.channels))
    kernel = rng.normal(size=(n, n, k, k, case.channels, case.filters)) / (k * k * case.channels) ** 0.5
    return x.astype("float32"), kernel.astype("float32")


def cost(case, kind):
    """Forward reads x and weights and writes y; a step also reads dy, x and weights, and writes their gradients."""
    number = 2 if case.dtype == "bfloat16" else 4
    x = case.batch * case.size**2 * case.channels
    y = case.batch * output(case) ** 2 * case.filters
    moved, flops = x + weights(case) + y, 2.0 * case.batch * weights(case)
    return Cost(number * moved, flops) if kind == "forward" else Cost(number * 3 * moved, 3 * flops)


def kzoo(case, x, kernel):
    from kzoo import ops

    return Program("tensorflow", ops.locally_connected, (x, kernel))


def tf_keras(implementation):
    def peer(case, x, kernel):
        import numpy as np
        import tf_keras

        positions, entries = output(case) ** 2, weights(case)
        dense = case.size**2 * case.channels * positions * case.filters
        if implementation == 1 and positions > 700:
            raise Absent(f"it would build a graph of {positions:,} slices, for minutes")
        if implementation == 2 and dense > 1.5e8:
            raise Absent(f"its dense weights would be {dense:,} numbers")
        if implementation == 3 and entries > 1.6e6:
            raise Absent(f"it would list {entries:,} indices in Python")
        layer = tf_keras.layers.LocallyConnected2D(
            case.filters, case.kernel, implementation=implementation, use_bias=False, dtype=case.dtype
        )
        layer.build(x.shape)
        layer.set_weights([_as_tf_keras(implementation, case, kernel, np)])
        return Program("tensorflow", layer, (x,), layer.trainable_variables)

    return peer


def _as_tf_keras(implementation, case, kernel, np):
    """Returns the same weights in the order of Keras 2's implementations."""
    n, k, c, f = output(case), case.kernel, case.channels, case.filters
    if implementation == 1:
        return kernel.reshape(n * n, k * k * c, f)
    dense = np.zeros((case.size, case.size, c, n, n, f), "float32")
    for i, j, a, b in np.ndindex(n, n, k, k):
        dense[i + a, j + b, :, i, j] = kernel[i, j, a, b]
    if implementation == 2:
        return dense
    found = np.zeros_like(dense, bool)
    for i, j, a, b in np.ndindex(n, n, k, k):
        found[i + a, j + b, :, i, j] = True
    order = (3, 4, 5, 0, 1, 2)  # sorted by output, then input
    return dense.transpose(order)[found.transpose(order)]


def torch_unfold(case, x, kernel):
    import torch

    n, k = output(case), case.kernel
    kernel = kernel.transpose(0, 1, 4, 2, 3, 5).reshape(n * n, case.channels * k * k, case.filters)

    def run(x, kernel):
        patches = torch.nn.functional.unfold(x, k).permute(2, 0, 1)  # (positions, B, C k k)
        y = torch.bmm(patches, kernel)
        return y.permute(1, 0, 2).reshape(len(x), n, n, -1)

    return Program("torch", run, (x.transpose(0, 3, 1, 2).copy(), kernel))


def torch_strided(case, x, kernel):
    import torch

    n, k = output(case), case.kernel

    def run(x, kernel):
        b, h, w, c = x.stride()
        views = x.as_strided((case.batch, n, n, k, k, case.channels), (b, h, w, h, w, c))
        return torch.einsum("bijklc,ijklcf->bijf", views, kernel)

    return Program("torch", run, (x, kernel))


def jax_local(case, x, kernel):
    from jax import lax

    n, k = output(case), case.kernel
    kernel = kernel.transpose(0, 1, 4, 2, 3, 5).reshape(n, n, case.channels * k * k, case.filters)

    def run(x, kernel):
        numbers = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated_local(x, kernel, (1, 1), "VALID", (k, k), dimension_numbers=numbers)

    return Program("jax", run, (x, kernel))


PEERS = {
    "kzoo": kzoo,
    "tf-keras 1": tf_keras(1),
    "tf-keras 2": tf_keras(2),
    "tf-keras 3": tf_keras(3),
    "torch unfold": torch_unfold,
    "torch as_strided": torch_strided,
    "jax": jax_local,
}
