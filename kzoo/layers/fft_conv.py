"""Convolution layers computed by the fast Fourier transform.

Source: as `kzoo.ops.fft_conv`.
"""

import keras

from kzoo.layers.base_conv import BaseConv
from kzoo.ops.fft_conv import fft_conv


class FFTConv(BaseConv):
    """Any rank; use `FFTConv1D` or `FFTConv2D`."""

    def op(self, x):
        return fft_conv(x, self.kernel, self.strides, self.padding, self.dilation_rate)


@keras.saving.register_keras_serializable("kzoo")
class FFTConv1D(FFTConv):
    """A convolution of signals computed by the fast Fourier transform, for large kernels.

    Shapes: (B, L, C) -> (B, L', filters), or channels first.
    Weights: kernel (kernel_size, C, filters); bias (filters,), or (L', filters) with `untied_bias`.
    Arguments: as `Conv1D`, without groups. Weights and outputs are those of `Conv1D`.
    It is faster than `Conv1D` only for large kernels; for measurements on images see `FFTConv2D`.

    >>> tuple(FFTConv1D(15, 101, padding="same")(keras.ops.ones((1, 400, 1))).shape)
    (1, 400, 15)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class FFTConv2D(FFTConv):
    """A convolution of images computed by the fast Fourier transform, for large kernels.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first.
    Weights: kernel (*kernel_size, C, filters); bias (filters,), or (H', W', filters) with `untied_bias`.
    Arguments: as `Conv2D`, without groups. Weights and outputs are those of `Conv2D`.
    When to use it, measured on 2 CPU cores for 8 images of 64 x 64 with 16 channels and filters (`python -m benchmarks
    layers --only fft_conv`): a training step is slower than `Conv2D`'s up to 11 x 11 and 5 times faster at 15 x 15. The
    forward pass is faster from 11 x 11 on, 2 times at 15 x 15 and 5 times at 31 x 31.

    >>> tuple(FFTConv2D(4, 31, padding="same")(keras.ops.ones((1, 48, 40, 3))).shape)
    (1, 48, 40, 4)
    """

    rank = 2
