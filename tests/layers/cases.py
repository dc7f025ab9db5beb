"""What each public layer is tried with: its arguments, its inputs, and whether it works on sizes it does not know.

No TensorFlow here: the same cases run on JAX. A new layer needs an entry, and a `check_layer` call in its test file.
"""

import itertools
from typing import Any, NamedTuple

import numpy as np

from kzoo import layers


class Case(NamedTuple):
    """One layer to try; `inputs` is an array, or a list of them for a layer with several."""

    kwargs: dict
    inputs: Any
    free: bool = True  # spatial sizes may be unknown, as no weight depends on them

    @property
    def arrays(self):
        return list(self.inputs) if isinstance(self.inputs, list) else [self.inputs]


SHAPES = {1: (2, 11, 2), 2: (2, 7, 8, 2), 3: (2, 5, 4, 6, 2)}  # odd and even sizes, two samples, two channels
POOL = {"pool_size": 3, "strides": 2, "padding": "same"}  # overlapping windows


def noise(*shape, seed=0):
    """Distinct float32 values around zero."""
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def pool_inputs(x):
    """What `MaxUnpooling(**POOL)` is given: x pooled by loops over samples, windows and channels."""
    spatial, channels = x.shape[1:-1], x.shape[-1]
    output = tuple(-(-n // 2) for n in spatial)
    values, indices = np.zeros((len(x), *output, channels), "float32"), np.zeros((len(x), *output, channels), "int32")
    before = [max((m - 1) * 2 + 3 - n, 0) // 2 for n, m in zip(spatial, output)]
    for at in itertools.product(range(len(x)), *map(range, output), range(channels)):
        b, *place, c = at
        window = tuple(slice(max(p * 2 - q, 0), min(p * 2 - q + 3, n)) for p, q, n in zip(place, before, spatial))
        cells = x[(b, *window, c)]
        cell = np.unravel_index(cells.argmax(), cells.shape)
        source = tuple(part.start + i for part, i in zip(window, cell))
        values[at], indices[at] = cells.max(), np.ravel_multi_index((*source, c), (*spatial, channels))
    return values, indices


def of_rank(r):
    x = noise(*SHAPES[r])
    values, indices = pool_inputs(x)
    conv = {"filters": 4, "kernel_size": (3, 2, 3)[:r], "activation": "tanh", "bias_initializer": "ones"}
    return {
        "Conv": Case({**conv, "strides": 2, "dilation_rate": 2, "padding": "circular", "groups": 2}, x),
        "TableConv": Case({**conv, "strides": 2, "connections": [[1], [0, 1], [0], [1, 0]]}, x),
        "TiledConv": Case({**conv, "tile": (2, 3, 2)[:r], "padding": "same"}, x),
        "LocallyConnected": Case({**conv, "strides": 2, "padding": "full"}, x, free=False),
        "MaxPoolingWithArgmax": Case(POOL, x),
        "MaxUnpooling": Case({**POOL, "output_size": SHAPES[r][1:-1]}, [values, indices]),
        "AdaptiveAveragePooling": Case({"output_size": (3, None, 2)[:r]}, x),
        "AdaptiveMaxPooling": Case({"output_size": (3, None, 2)[:r], "return_indices": True}, x),
        "LPPooling": Case({**POOL, "p": 3.0, "epsilon": 0.1}, x),
        "GaussianPooling": Case({**POOL, "sigma": (1.0, 0.5, 2.0)[:r]}, x),
        "StochasticPooling": Case({**POOL, "seed": 1}, x),
        "Padding": Case({"padding": ((1, 2), 1, (2, 0))[:r], "mode": "reflect"}, x),
    }


def of_several_ranks():
    conv = {"filters": 4, "kernel_size": (3, 2, 3), "strides": 2, "dilation_rate": 2, "bias_initializer": "ones"}
    for r in (1, 2):
        yield f"FFTConv{r}D", Case({**conv, "kernel_size": (3, 2)[:r], "padding": "circular"}, noise(*SHAPES[r]))
    for r in (2, 3):
        kwargs = {**conv, "kernel_size": (3, 2, 3)[:r], "padding": "full", "terms": 2}
        yield f"SpatiallySeparableConv{r}D", Case(kwargs, noise(*SHAPES[r]))


def of_images():
    """Layers for images, and for any number of axes."""
    x = noise(*SHAPES[2])
    many = noise(2, 7, 8, 12)
    morphology = {"kernel_size": (3, 2), "strides": 2, "padding": "same", "kernel_initializer": "random_normal"}
    return {
        "GaborConv2D": Case({"filters": 3, "kernel_size": (3, 2), "padding": "same", "use_bias": True}, x),
        "Dilation2D": Case(morphology, x),
        "Erosion2D": Case({**morphology, "dilation_rate": 2}, x),
        "FractionalMaxPooling2D": Case({"pooling_ratio": (1.5, 1.3), "overlapping": True, "seed": 1}, x),
        "Subsampling2D": Case({**POOL, "activation": "tanh"}, x),
        "BlurPooling2D": Case({"pool_size": 4, "strides": (2, 1)}, x),
        "SpatialPyramidPooling2D": Case({"bins": (2, 1)}, x),
        "Maxout": Case({"num_units": 4}, many),
        "ChannelLPPooling": Case({"pool_size": 3, "strides": 1, "padding": "circular", "grid": (4, 3)}, many),
        "LocalResponseNormalization": Case({"bias": 1.0, "alpha": 0.5, "divide_by_size": True}, many),
        "LocalContrastNormalization": Case({"kernel_size": 3, "padding": "valid"}, x),
        "ScaledTanh": Case({"amplitude": 1.5}, x),
        "PolynomialTanh": Case({"degree": 2}, x),
        "PrimaryCapsules2D": Case({"capsules": 3, "dimension": 4, "kernel_size": (3, 2), "strides": 2}, x),
        "Fastfood": Case({"units": 11, "activation": "tanh", "use_bias": True, "seed": 1}, noise(3, 4, 6), free=False),
        "RBF": Case({"units": 5, "activation": "exponential"}, noise(3, 4, 6) / 4, free=False),
        "KMaxPooling1D": Case({"k": 4}, noise(*SHAPES[1])),
        "DeformableConv2D": Case(
            {"filters": 3, "kernel_size": (3, 2), "strides": (2, 1), "padding": "same"}, x / 2
        ),  # small offsets: large ones multiply the rounding of 16 bits
        "FoveatedGlimpse2D": Case({"size": (3, 2), "scales": 2}, x),
        "ProbabilisticMaxPooling2D": Case({"pool_size": (3, 2), "return_hidden": True}, noise(2, 6, 8, 3)),
        "DynamicPooling2D": Case({"clusters": 3, "bins": (2, 1)}, x),
        "KMeansFeatures2D": Case({"filters": 5, "kernel_size": (3, 2), "strides": (2, 1), "epsilon": 0.5}, x),
        "ReceptiveFieldPooling2D": Case({"grid": 3, "features": 20}, x),
        "MaskCapsules": Case({}, [noise(2, 6, 5), np.array([4, -1], "int32")], free=False),
        "Capsules": Case({"capsules": 3, "dimension": 4, "use_bias": True}, noise(2, 6, 5), free=False),
    }


CASES = {f"{name}{r}D": case for r in SHAPES for name, case in of_rank(r).items()}
CASES |= dict(of_several_ranks()) | of_images()
CLASSES = {name: getattr(layers, name) for name in CASES}
