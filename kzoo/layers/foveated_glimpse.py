"""A foveated glimpse at a given or learned place.

Source: as `kzoo.ops.foveated_glimpse`.
"""

import keras
from keras import ops

from kzoo.checks import require
from kzoo.layers.base_layer import BaseLayer, shapes_of
from kzoo.layers.data_format import as_data_format, from_last, shape_from_last, shape_to_last, to_last
from kzoo.ops.foveated_glimpse import check_glimpse, foveated_glimpse
from kzoo.ops.views import as_tuple


@keras.saving.register_keras_serializable("kzoo")
class FoveatedGlimpse2D(BaseLayer):
    """Patches of one size around a place, each wider and coarser than the one before, side by side as channels.

    Shapes: image (B, H, W, C), or channels first, or [image, location (B, 2)] -> (B, *size, scales * C). Without a
    location the place is learned, one for all images: weight location (2,), from the middle. Locations are row and
    column from -1, the first cell's centre, to 1, the last one's.
    Arguments: size of a patch in cells; scales, how many patches; ratio of their widths; data_format.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.foveated_glimpse`.

    >>> tuple(FoveatedGlimpse2D(8)([keras.ops.ones((1, 28, 28, 1)), keras.ops.zeros((1, 2))]).shape)
    (1, 8, 8, 3)
    """

    def __init__(self, size, scales=3, ratio=2, data_format=None, **kwargs):
        super().__init__(**kwargs)
        who = type(self).__name__
        self.size = as_tuple(who, "size", size, 2)
        check_glimpse(who, scales, ratio)
        self.scales, self.ratio = int(scales), int(ratio)
        self.data_format = as_data_format(who, data_format)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        alone = len(shapes_of(input_shape)) == 1
        self.location = self.add_weight(name="location", shape=(2,), initializer="zeros") if alone else None

    def call(self, inputs):
        image, *place = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        x = to_last(image, self.data_format)
        location = place[0] if place else ops.broadcast_to(ops.cast(self.location, x.dtype), (ops.shape(x)[0], 2))
        return from_last(foveated_glimpse(x, location, self.size, self.scales, self.ratio), self.data_format)

    def compute_output_shape(self, input_shape):
        who = type(self).__name__
        shapes = shapes_of(input_shape)
        require(len(shapes) in (1, 2), who, "an image, or [image, location]", inputs=len(shapes))
        batch, *spatial, channels = shape_to_last(who, shapes[0], 2, self.data_format)
        require(channels is not None, who, "a known number of channels", shape=tuple(shapes[0]))
        require(0 not in spatial, who, "an input of at least 1 cell on each axis", shape=tuple(shapes[0]))
        for shape in shapes[1:]:
            require(len(shape) == 2 and shape[1] == 2, who, "a location (batch, 2)", location=tuple(shape))
        return shape_from_last((batch, *self.size, self.scales * channels), self.data_format)

    def get_config(self):
        names = ("size", "scales", "ratio", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
