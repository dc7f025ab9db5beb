"""SPP-net: a pyramid of pools gives images of any size the one length that dense layers need.

Source: He, Zhang, Ren & Sun 2014, "Spatial pyramid pooling in deep convolutional networks for visual recognition",
arXiv:1406.4729, tables 1 and 2; the bins are those of the authors' region code, for images of any size.
"""

from keras import layers

from kzoo.checks import nearest, require
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.layers.spatial_pyramid_pooling import SpatialPyramidPooling2D
from kzoo.models.blocks import ceil_pool, classify, finish, hidden_layers, scaled, start, whole_numbers
from kzoo.models.registry import register_family

# for each convolution filters, kernel, strides, padding; where it is pooled size and strides, and if normalised True
BASES = {
    "zf5": ((96, 7, 2, 1, 3, 2, True), (256, 5, 2, 0, 3, 2, True), (384, 3, 1, 1), (384, 3, 1, 1), (256, 3, 1, 1)),
    "overfeat5": ((96, 7, 2, 0, 3, 3, True), (256, 5, 1, 2, 2, 2, False), *((512, 3, 1, 1),) * 3),
    "overfeat7": ((96, 7, 2, 0, 3, 3, True), (256, 5, 1, 2, 2, 2, False), *((512, 3, 1, 1),) * 5),
}


def spp(
    base="zf5",
    width=1.0,
    bins=(6, 3, 2, 1),
    fc_units=(4096, 4096),
    dropout=0.5,
    input_shape=(224, 224, 3),
    input_tensor=None,
    classes=1000,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="spp_zf5",
):
    """Images (B, H, W, 3) of any size, the mean taken off -> probabilities (B, 1000), by a pyramid of pools.

    Settings: base, the convolutions, "zf5", "overfeat5" or "overfeat7"; bins, levels of the pyramid, n for n x n of
    them; fc_units of the hidden layers and their dropout; width, a factor of all filters. Layers: stage1 ..., pyramid,
    fc1, fc2, predictions. The smallest input is 39 x 39.
    """
    require(base in BASES, name, f"base, {nearest(base, BASES)}", base=base)
    whole_numbers(name, bins=bins, fc_units=fc_units)
    require(0 <= dropout < 1, name, "dropout, at least 0 and below 1", dropout=dropout)
    x = inputs = start(name, input_shape, input_tensor, smallest=39)
    filters = scaled(name, [row[0] for row in BASES[base]], width)
    for stage, (units, (_, kernel, strides, padding, *pool)) in enumerate(zip(filters, BASES[base]), start=1):
        label = f"stage{stage}" if not pool else f"stage{stage}_conv"
        x = Conv2D(units, kernel, strides=strides, padding=padding, activation="relu", name=label)(x)
        if pool:
            size, step, normalized = pool
            label = f"stage{stage}"
            x = ceil_pool(x, label, size, step) if base == "zf5" else layers.MaxPooling2D(size, step, name=label)(x)
            x = LocalResponseNormalization(name=f"stage{stage}_norm")(x) if normalized else x
    if include_top:
        x = SpatialPyramidPooling2D(bins, name="pyramid")(x)
    x = classify(name, x, include_top, classes, classifier_activation, pooling, hidden_layers(fc_units, dropout))
    return finish(name, inputs, x, weights)


register_family(spp, {f"spp_{base}": {"base": base, "input_shape": (None, None, 3)} for base in BASES})
