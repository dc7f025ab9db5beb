"""Augmentation, from kzoo.augmentation.

Layers for `data.augment`, which change training images at random, each on its own, and label maps with them.
"""

import keras
import numpy as np

from docs.gallery.images import digit, flower, temple
from docs.gallery.pages import page
from docs.gallery.panels import COLOURS, boxes, classes, image
from kzoo import augmentation
from kzoo.augmentation.rand_augment import OPERATIONS


@page("RandomShift")
def random_shift():
    """Five draws for a photograph with shifts of 12 of 96 pixels, black where they uncover nothing.

    In `nielsen_4` and others a digit is shifted by one pixel, which makes five images of each.
    """
    x = np.repeat(temple(), 5, 0)
    draws = augmentation.RandomShift(12, seed=3)(x)
    return [[image(x[:1], "photograph"), *(image(y, f"draw {i}") for i, y in enumerate(draws, start=1))]]


@page("ElasticDistortion")
def elastic_distortion():
    """A digit, enlarged to 29 x 29 pixels, and a grid, distorted by the same draws with the paper's sigma and alpha.

    Below, other fields move a photograph of 96 pixels and its label map, which says where the dahlia is: the larger
    sigma, the more a distortion resembles a shift. Each alpha gives displacements of the same standard deviation.
    """
    ink = np.pad(keras.ops.image.resize(digit(5), (21, 21)), ((0, 0), (4, 4), (4, 4), (0, 0)))
    grid = np.zeros((1, 29, 29, 1), "float32")
    grid[:, ::4] = grid[:, :, ::4] = 1
    both = np.repeat(np.concatenate([ink, grid], -1), 4, 0)
    moved = np.asarray(augmentation.ElasticDistortion(seed=2)(both))
    photograph = flower()
    label = (photograph[..., :1] > 0.6).astype("float32")
    rows = [
        [image(part[:1], title, limit=1), *(image(y, f"draw {i}", limit=1) for i, y in enumerate(draws, start=1))]
        for title, part, draws in (
            ("digit", both[..., :1], moved[..., :1]),
            ("grid", both[..., 1:], moved[..., 1:]),
        )
    ]
    below = [image(photograph, "photograph"), classes(label, "label map")]
    for sigma in (2, 8):
        layer = augmentation.ElasticDistortion(sigma, 12 * sigma, fill_mode="reflect", seed=5)
        found = layer({"images": photograph, "segmentation_masks": label})
        below += [image(found["images"], f"sigma {sigma}"), classes(found["segmentation_masks"], "its label map")]
    return [*rows, below]


@page("PadAndCrop")
def pad_and_crop():
    """Above, crops of a photograph with 12 pixels of padding, filled in the three ways: each a shift by whole pixels.

    Below, crops of 40 x 40 pixels of one batch, framed in the colours of their boxes: each image has its own position,
    while Keras's `RandomCrop` draws one for all. Each pixel's row and column are two more channels, so that the
    position of a crop can be read from it.
    """
    modes = ("constant", "nearest", "reflect")
    shifted = [image(augmentation.PadAndCrop(12, fill_mode=mode, seed=6)(temple()), mode) for mode in modes]
    positions = np.moveaxis(np.indices((96, 96), "float32"), 0, -1)
    x = np.concatenate([temple()[0], positions], -1)
    pieces = np.asarray(augmentation.PadAndCrop(height=40, width=40, seed=3)(np.repeat(x[None], 4, 0)))

    def frames(axes):
        for piece, colour in zip(pieces, COLOURS):
            top, left = piece[0, 0, 3:]
            boxes((top, left, top + 40, left + 40), colour=colour)(axes)

    crops = [
        image(piece[..., :3], f"crop {i}", overlay=boxes((0, 0, 40, 40), colour=colour))
        for i, piece, colour in zip((1, 2, 3, 4), pieces, COLOURS)
    ]
    return [[image(temple(), "photograph"), *shifted], [image(temple(), "photograph", overlay=frames), *crops]]


@page("RandomResizedCrop")
def random_resized_crop():
    """Five draws for one photograph: from 8 % to all of it, in proportions from 3 : 4 to 4 : 3, resized to its size."""
    draws = augmentation.RandomResizedCrop(seed=4)(np.repeat(temple(), 5, 0))
    return [[image(temple(), "photograph"), *(image(y, f"draw {i}") for i, y in enumerate(draws, start=1))]]


@page("ScaleJitter")
def scale_jitter():
    """Five draws for one photograph: crops of 84 pixels after its sides got between 96 and 192.

    These are three eighths of the numbers of VGG: crops of 224 pixels of sides between 256 and 512.
    """
    draws = augmentation.ScaleJitter((96, 192), 84, 84, seed=1)(np.repeat(temple(), 5, 0))
    return [[image(temple(), "photograph"), *(image(y, f"draw {i}") for i, y in enumerate(draws, start=1))]]


@page("PCAColorNoise")
def pca_color_noise():
    """Above, four draws with the usual standard deviation of 0.1; below, the same with 3, to show the colours.

    Most of the noise is brightness, the first component of ImageNet's colours; the second goes from red to blue.
    """
    rows = []
    for stddev in (0.1, 3.0):
        draws = augmentation.PCAColorNoise(stddev, value_range=(0, 1), seed=2)(np.repeat(temple(), 4, 0))
        titles = [f"{stddev}, draw {i}" for i in range(1, 5)]
        rows.append([image(temple(), "photograph"), *(image(y, title) for y, title in zip(draws, titles))])
    return rows


@page("ColorJitter")
def color_jitter():
    """Above, draws of brightness, contrast and saturation with the usual strengths of 0.4; below, of the hue only."""
    x, rows = np.repeat(temple(), 5, 0), []
    for name, strengths in (("colours", {}), ("hue", {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0.5})):
        draws = augmentation.ColorJitter(**strengths, value_range=(0, 1), seed=1)(x)
        panels = (image(y, f"{name}, draw {i}", limit=1) for i, y in enumerate(draws, start=1))
        rows.append([image(temple(), "photograph", limit=1), *panels])
    return rows


@page("RandAugment")
def rand_augment():
    """The operations, one at a time, with magnitude 9 and a positive sign; then six draws of two.

    Label maps, as the one that says where the dahlia is, move with their images.
    """
    photograph = flower()
    layer = augmentation.RandAugment(2, 9, value_range=(0, 1), fill_mode="reflect", seed=3)
    panels = []
    for number, name in enumerate(OPERATIONS):
        changed = layer.transform_images(photograph, [(np.array([number]), np.ones(1, "float32"))])
        panels.append(image(changed, name.replace("_", " "), limit=1))
    label = (photograph[..., :1] > 0.6).astype("float32")
    batch = {"images": np.repeat(photograph, 6, 0), "segmentation_masks": np.repeat(label, 6, 0)}
    draws = layer(batch)
    shown = [image(y, f"draw {i}", limit=1) for i, y in enumerate(draws["images"], start=1)]
    maps = [classes(y[None], "its label map") for y in draws["segmentation_masks"]]
    return [panels[:7], panels[7:], [image(photograph, "photograph", limit=1), *shown], [classes(label, "map"), *maps]]


def pairs(layer):
    """Returns panels of two photographs and four mixtures of them, with the share of the temple in their labels."""
    batch = {"images": np.concatenate([temple(), flower()]), "labels": np.eye(2, dtype="float32")}
    panels = [image(temple(), "temple", limit=1), image(flower(), "flower", limit=1)]
    while len(panels) < 6:
        mixed = layer(batch)
        share = float(mixed["labels"][0, 0])
        if 0.05 < share < 0.95:  # at 1 the photograph is its own partner
            panels.append(image(mixed["images"][:1], f"{share:.2f} temple", limit=1))
    return panels


@page("MixUp")
def mix_up():
    """Two photographs and four mixtures of them, with alpha 1, whose labels have the same proportions."""
    return [pairs(augmentation.MixUp(1.0, seed=2))]


@page("CutMix")
def cut_mix():
    """Two photographs and the first one with boxes of the second, whose labels count the pixels."""
    return [pairs(augmentation.CutMix(seed=2))]
