"""Glimpses and capsules.

A layer that looks closely at one location, given or learned, and layers whose units are vectors instead of numbers.
"""

import numpy as np

from docs.gallery.images import digits, flower, grey, temple
from docs.gallery.pages import page
from docs.gallery.panels import COLOURS, bars, boxes, curves, image
from kzoo import layers, ops


@page("FoveatedGlimpse")
def foveated_glimpse():
    """Three crops around a location of a photograph, first the upper roof and then a corner of the lower ones.

    Each crop has 16 x 16 pixels, framed in the colour of its box in the photograph, which is twice as wide as the one
    before. Drawn over each other at their true sizes they resemble the image on a retina: sharp in the centre and
    coarse around it, with 768 numbers per colour instead of 4096. Pixels beyond the border are black.
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
    """A photograph under Sobel's two kernels, whose two outputs at each position are read as a vector: the direction in
    which the image gets brighter.

    The arrows are the vectors as they come from the convolution, drawn smaller, and as the layer returns them. Their
    directions are kept and their lengths are squashed below 1: faint ones nearly vanish, and medium to strong ones
    become almost equal. The curve is the layer's length over that of the convolution, for the vectors of the
    photograph.
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

    The kernel rotates each edge so that one that is typical for a 2, compared with digits on average, votes for 2 with
    a vector to the right. The paths show the 64 votes end to end: those for 2 agree and get far, those for 4 agree less
    and point elsewhere, those for 3 get nowhere. Routing then increases the weight of votes that agree, and with each
    iteration the lengths of the ten capsules, the bars, separate the 2 better from the others.
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


@page("ConvCapsules")
def conv_capsules():
    """Three colours of a photograph, each with its edges, vote at every position for an edge and for a spot.

    Below there is a capsule for each colour: the direction in which it gets brighter, by Sobel's kernels. The kernel
    for an edge averages these vectors over 5 x 5 pixels; that for a spot turns them so that all that point to the
    middle are equal. Drawn are the lengths of both capsules. The first routing gives each capsule half of all votes;
    later ones move the votes to the capsule for which the colours agree, and a leak takes them from both where
    there is little of either.
    """
    x = flower()
    edges = [layers.PrimaryCapsules2D(1, 2, 3, padding="reflect", use_bias=False) for _ in range(3)]
    for layer in edges:
        layer.build((1, 96, 96, 1))
        layer.conv.kernel.assign(2 * ops.filters.sobel())
    below = np.stack([np.reshape(layer(x[..., c : c + 1]), (1, 96, 96, 2)) for c, layer in enumerate(edges)], -2)
    down, right = np.mgrid[-2:3, -2:3]
    far = np.maximum(np.hypot(down, right), 1)
    inward = -np.array([[down, right], [right, -down]]) / far
    kernel = np.zeros((5, 5, 2, 2, 2))
    kernel[:, :, :, 0] = np.eye(2)
    kernel[:, :, :, 1] = np.transpose(inward, (2, 3, 1, 0))
    rows = [[image(x, "photograph")], [image(np.linalg.norm(below[0], axis=-1), "edges of the colours")]]
    for settings in ({"iterations": 1}, {"iterations": 3}, {"iterations": 3, "leaky": True}):
        layer = layers.ConvCapsules2D(2, 2, 5, padding="same", **settings)
        layer.build(below.shape)
        layer.kernel.assign(kernel / 5)
        lengths = np.linalg.norm(layer(below)[0], axis=-1)
        title = ", ".join(f"{name}={value}" for name, value in settings.items())
        for row, kind, part in zip(rows, ("edge", "spot"), np.moveaxis(lengths, -1, 0)):
            row.append(image(part, f"{kind}, {title}", limit=1))
    return rows


@page("MaskCapsules")
def mask_capsules():
    """A digit encoded in ten capsules, one per class: what masking leaves of them, and what a decoder reconstructs.

    Each class's vector holds the digit's coefficients in the six images that explain most of the other digits of that
    class, and the decoder adds those images up again. Kept are the longest vector, that of the 2, and by their labels
    those of the 3 and of the 4: the decoder draws the digit as far as it could be one.
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
