"""Fastfood: a dense matrix replaced by diagonal matrices, a permutation and two Hadamard transforms.

Source: Le, Sarlos & Smola 2013, "Fastfood: approximating kernel expansions in loglinear time"; Yang et al. 2015, "Deep
fried convnets", arXiv:1412.7149, for the trained form.
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, dtype_of, sum_dtype, tensors
from kzoo.ops.hadamard import hadamard
from kzoo.ops.xla import island
from kzoo.types import Tensor


def fastfood(x: Tensor, scale: Tensor, gaussian: Tensor, permutation: Tensor, signs: Tensor) -> Tensor:
    """Returns S H G P H B x / sqrt(d) for each block of diagonals, the blocks side by side.

    Shapes: x (..., n) floating; scale S, gaussian G and signs B (blocks, d) in x's dtype, permutation P (blocks, d)
    integers, d a power of two of at least n; returns (..., blocks * d) in x's dtype. x is zero-padded to d; H is the
    Hadamard matrix, and P z = z[permutation].

    >>> one = ops.ones((1, 2))
    >>> fastfood([[3.0, 1.0]], one, one, [[0, 1]], one).numpy().round(3)  # H H = 2
    array([[4.243, 1.414]], dtype=float32)
    """
    who = "fastfood"
    x, scale, gaussian, signs, permutation = tensors(who, "Fastfood", x, scale, gaussian, signs, permutation)
    check_floating(who, x)
    shape = tuple(scale.shape)
    good = len(shape) == 2 and shape[1] & (shape[1] - 1) == 0 and x.shape[-1] is not None and x.shape[-1] <= shape[1]
    require(good, who, "scale (blocks, d), d a power of two of at least x's last axis", x=tuple(x.shape), scale=shape)
    shapes = [tuple(part.shape) for part in (gaussian, permutation, signs)]
    require(shapes == [shape] * 3, who, f"gaussian, permutation and signs of scale's shape {shape}", shapes=shapes)
    alike = x.dtype == scale.dtype == gaussian.dtype == signs.dtype
    dtypes = [dtype_of(part) for part in (x, scale, gaussian, signs)]
    require(alike, who, "x and the diagonals of one dtype", dtypes=dtypes)
    require("int" in dtype_of(permutation), who, "integers in permutation", dtype=dtype_of(permutation))
    return _fastfood(x, scale, gaussian, permutation, signs)


@island
def _fastfood(x, scale, gaussian, permutation, signs):
    (blocks, d), dtype = scale.shape, x.dtype
    x, scale, gaussian, signs = (ops.cast(part, sum_dtype(dtype)) for part in (x, scale, gaussian, signs))
    x = ops.pad(x, [(0, 0)] * (len(x.shape) - 1) + [(0, d - x.shape[-1])])
    y = hadamard(x[..., None, :] * signs)
    lead = ops.shape(y)[:-2]
    flat_permutation = ops.cast(permutation, "int32") + d * ops.arange(blocks, dtype="int32")[:, None]
    y = ops.take(ops.reshape(y, (*lead, blocks * d)), ops.reshape(flat_permutation, (-1,)), -1)
    y = hadamard(ops.reshape(y, (*lead, blocks, d)) * gaussian) * scale
    return ops.cast(ops.reshape(y, (*lead, blocks * d)) * d**-0.5, dtype)
