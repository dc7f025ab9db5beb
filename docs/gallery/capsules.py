"""Glimpses and capsules.

A layer that looks closely at one place, which it is told or learns, and layers of vectors in place of numbers.

Source: none.
"""

import numpy as np

from docs.gallery.images import digits, grey, temple
from docs.gallery.pages import page
from docs.gallery.panels import COLOURS, bars, boxes, curves, image
from kzoo import layers, ops


@page("FoveatedGlimpse")
def foveated_glimpse():
    """Three patches around a place of a photograph, once the upper roof and once a corner of the lower ones.

    Each patch has 16 x 16 cells, framed as its box in the photograph, which is twice as wide as the one before. Laid
    over each other in their true sizes they are what a retina sees: sharp in the middle and coarse around it, 768
    numbers a colour in place of 4096. Beyond the border it is black.
    """
    x, rows = temple(), []
    layer = layers.FoveatedGlimpse2D(16)
    for row, column in ((-0.5, -0.3), (0.15, 0.2)):
        y = layer([x, np.array([[row, column]], "float32")])[0]
        patches = {1: y[..., :3], 2: y[..., 3:6], 4: y[..., 6:]}
        retina = np.zeros((64, 64, 3))
        for scale in (4, 2, 1):
            inside = slice(32 - 8 * scale, 32 + 8 * scale)
            retina[inside, inside] = np.kron(patches[scale], np.ones((scale, scale, 1)))

        def frames(axes, row=row, column=column):
            for scale, colour in zip((1, 2, 4), COLOURS):
                top, left = ((place + 1) / 2 * 95 + 0.5 - 8 * scale for place in (row, column))
                boxes((top, left, top + 16 * scale, left + 16 * scale), colour=colour)(axes)

        rows.append(
            [
                image(x, "photograph", overlay=frames),
                *(
                    image(patch, f"means of {scale} x {scale}", overlay=boxes((0, 0, 16, 16), colour=colour))
                    for (scale, patch), colour in zip(patches.items(), COLOURS)
                ),
                image(retina, "laid over each other"),
            ]
        )
    return rows


@page("PrimaryCapsules")
def primary_capsules():
    """A photograph under Sobel's two kernels, whose outputs at a place are read as one vector: the way to the bright.

    The arrows are the vectors as they come from the convolution, drawn smaller, and as the layer gives them. Their
    directions stay and their lengths come to lie below 1: faint ones nearly vanish, and from the middle ones on all are
    almost alike. The curve is the layer's length over that of the convolution, for the vectors of the photograph.
    """
    x = grey(temple(16))
    convolution = layers.Conv2D(2, 3, padding="reflect", use_bias=False)
    layer = layers.PrimaryCapsules2D(1, 2, 3, padding="reflect", use_bias=False)
    for part in (convolution, layer):
        part.build(x.shape)
    convolution.kernel.assign(2 * ops.filters.sobel())
    layer.conv.kernel.assign(2 * ops.filters.sobel())
    vectors, capsules = np.reshape(convolution(x), (-1, 2)), layer(x)[0]

    def arrows(downright, scale):
        rows, columns = np.indices((16, 16)).reshape(2, -1)
        down, right = np.transpose(downright)
        settings = {"angles": "xy", "scale_units": "xy", "scale": scale, "color": COLOURS[0], "width": 0.01}
        return lambda axes: axes.quiver(columns, rows, right, down, **settings)

    lengths = np.linalg.norm(vectors, axis=-1)
    order = np.argsort(lengths)
    return [
        [
            image(x, "photograph", limit=1),
            image(x, "vectors", limit=1.5, overlay=arrows(vectors, 2.5)),
            image(x, "capsules", limit=1.5, overlay=arrows(capsules, 0.6)),
            curves("length", {"": np.linalg.norm(capsules, axis=-1)[order]}, lengths[order], ratio=1),
        ],
    ]


@page("Capsules")
def capsules():
    """The edges of a digit vote for ten digits by a kernel made from the means of other digits, without training.

    It turns each edge so that one that lies as in a 2, and not as in digits on average, votes for 2 with a vector to
    the right. The paths lay the 64 votes end to end: those for 2 agree and get far, those for 4 agree less and point
    elsewhere, those for 3 get nowhere. Edges then send more to the capsules that agree with them, and with each
    iteration the lengths of the ten capsules, the bars, tell the 2 better from the others.
    """
    x, y = digits()
    edges = layers.PrimaryCapsules2D(1, 2, 3, padding="same")
    edges.build(x.shape)
    edges.conv.kernel.assign(ops.filters.sobel())
    below = np.asarray(edges(x))
    typical = np.stack([below[200:][y[200:] == k].mean(0) for k in range(10)], 1)
    typical -= typical.mean(1, keepdims=True)
    typical *= 4 / np.linalg.norm(typical, axis=(0, 2), keepdims=True)
    down, right = np.moveaxis(typical, -1, 0)
    kernel = np.moveaxis(np.array([[down, -right], [right, down]]), (0, 1), (2, 3))
    one, rows = 12, []
    for iterations in (1, 2, 3, 5):
        layer = layers.Capsules(10, 2, iterations)
        layer.build(below.shape)
        layer.kernel.assign(kernel)
        lengths = np.linalg.norm(layer(below[one : one + 1]), axis=-1)
        rows.append(bars(f"iterations={iterations}", lengths, range(10), [y[one]], 1, ylim=(0, 1)))
    votes = np.cumsum(np.einsum("ni,nkid->nkd", below[one], layer.kernel), 0)
    settings = {"ratio": 1, "xlim": (-9, 13), "ylim": (-8, 8)}
    paths = [curves(f"votes for {k}", {"": votes[:, k, 1]}, votes[:, k, 0], **settings) for k in (2, 4, 3)]
    return [[image(x[one], "digit"), *paths], rows]


@page("MaskCapsules")
def mask_capsules():
    """A digit as ten classes see it: what is left of its ten vectors, and what a decoder draws of that.

    Each class's vector has the digit's shares in the six images that make up most of the others of that class, and the
    decoder adds those images up again. Kept are the longest vector, which is that of the 2, and by their labels those
    of the 3 and of the 4: the decoder draws the digit as far as it could be one.
    """
    x, y = digits()
    one = 12
    parts = [np.linalg.svd(x[200:][y[200:] == k].reshape(-1, 64), full_matrices=False)[2][:6] for k in range(10)]
    capsules = np.einsum("kdi,i->kd", parts, np.ravel(x[one])).astype("float32")[None]
    layer, rows = layers.MaskCapsules(), [[], []]
    for title, kept in {
        "all": capsules,
        "no label": layer(capsules),
        "label 3": layer([capsules, np.array([3])]),
        "label 4": layer([capsules, np.array([4])]),
    }.items():
        drawn = np.einsum("kdi,kd->i", parts, kept[0]).reshape(8, 8)
        lengths = np.linalg.norm(kept, axis=-1)
        rows[0].append(bars(title, lengths, range(10), [lengths.argmax()], 1.2, ylim=(0, 5)))
        rows[1].append(image(drawn.clip(0), "drawn of it"))
    rows[1][0] = image(x[one], "digit")
    return rows
