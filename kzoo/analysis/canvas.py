"""Canvases: inputs that gradient ascent changes, in pixels or as a spectrum, and the rules that keep them plausible."""

import dataclasses
import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from kzoo.ops.gaussian_pool import gaussian_pool
from kzoo.types import Tensor

State: TypeAlias = tuple[Tensor, ...]  # the variable, and Adam's two moments
# square root of the covariance of the colours of photographs (ImageNet), as the program of Olah et al. 2017 has it
COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], "float32")
SPECTRA = {1: tf.signal.ifft, 2: tf.signal.ifft2d, 3: tf.signal.ifft3d}


@dataclasses.dataclass(frozen=True)
class Preset:
    """How inputs are maximised. Values are in units of half the range of the inputs, or of two without a range."""

    source: str
    steps: int
    rate: float  # of a step: the root mean square of its changes; with `spectrum` Adam's learning rate
    start: float  # standard deviation of the random start
    norm: float | None = None  # the root mean square of the values, restored after each step
    decay: float = 0.0  # share by which values shrink in each step: an L2 penalty
    blur: float = 0.0  # standard deviation, in pixels, of a Gaussian blur
    blur_every: int = 4  # steps
    small_norms: float = 0.0  # share of the pixels, those of the smallest norms, set to 0 in each step
    small_contributions: float = 0.0  # the same for the smallest |value x gradient|
    spectrum: bool = False  # amplitudes of frequencies are changed, each scaled by 1 / frequency
    jitter: float = 0.0  # largest random shift, as a share of the size
    scale: float = 0.0  # largest random change of the size of images, as a share
    rotation: float = 0.0  # largest random rotation of images, in degrees


class Canvas:
    """Inputs (count, *spatial, channels) that a `Preset` changes, from values within `limits`, or any if None."""

    def __init__(self, shape: Sequence[int], limits: tuple[float, float] | None, preset: Preset):
        self.shape, self.limits, self.preset = tuple(shape), limits, preset
        self.spatial = self.shape[1:-1]
        self.spectral = preset.spectrum and bool(self.spatial)
        low, high = limits or (-2.0, 2.0)
        self.centre, self.half = (low + high) / 2, (high - low) / 2

    def start(self, generator: np.random.Generator) -> State:
        """Returns the first state, drawn from a generator."""
        shape = (2, self.shape[0], self.shape[-1], *self.spatial) if self.spectral else self.shape
        z = tf.constant(generator.normal(0, self.preset.start, shape), "float32")
        if not self.preset.spectrum:
            z = self._kept(z)
        return z, tf.zeros_like(z), tf.zeros_like(z)

    def inputs(self, z: Tensor) -> Tensor:
        """Returns the model's inputs (count, *spatial, channels) of a state's variable."""
        if self.spectral:
            scaled = tf.complex(z[0], z[1]) * tf.cast(self._amplitudes(), "complex64")
            z = tf.math.real(SPECTRA[len(self.spatial)](scaled))
            z = tf.transpose(z, (0, *range(2, len(self.shape)), 1))
            if self.shape[-1] == 3 and len(self.spatial) == 2:
                z = z @ (COLOURS / np.linalg.norm(COLOURS, axis=0).max()).T
        if self.preset.spectrum and self.limits:
            z = tf.tanh(z)
        return self.centre + self.half * z

    def _amplitudes(self) -> np.ndarray:
        """Returns 1 / frequency for each frequency, such that a step changes images of all sizes about alike."""
        squares: np.ndarray = sum(f**2 for f in np.meshgrid(*map(np.fft.fftfreq, self.spatial), indexing="ij"))
        frequencies = np.maximum(np.sqrt(squares), 1 / max(self.spatial))
        return (math.sqrt(math.prod(self.spatial)) / (8 * frequencies)).astype("float32")

    def moved(self, x: Tensor, seed: Tensor) -> Tensor:
        """Returns inputs shifted, scaled and rotated at random."""
        reach = [round(self.preset.jitter * n) for n in self.spatial]
        if any(reach):
            share = tf.random.stateless_uniform((len(reach),), seed, -1, 1)
            shift = tf.cast(tf.round(share * reach), "int32")
            x = tf.roll(x, shift, list(range(1, len(self.spatial) + 1)))
        if len(self.spatial) == 2 and (self.preset.scale or self.preset.rotation):
            size, angle = tf.unstack(tf.random.stateless_uniform((2,), seed + 1, -1, 1))
            x = _turned(x, 1 + self.preset.scale * size, self.preset.rotation * math.pi / 180 * angle)
        return x

    def improved(self, state: State, gradient: Tensor, step: Tensor) -> State:
        """Returns the state after a step along the gradient of the values to maximise."""
        z, mean, square = state
        if self.preset.spectrum:
            mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
            time = tf.cast(step + 1, "float32")
            rate = self.preset.rate * tf.sqrt(1 - 0.999**time) / (1 - 0.9**time)
            return z + rate * mean / (tf.sqrt(square) + 1e-7), mean, square
        z = (1 - self.preset.decay) * z + self.preset.rate * tf.math.divide_no_nan(gradient, _size(gradient))
        if self.preset.blur and self.spatial:
            taps = 2 * math.ceil(3 * self.preset.blur) + 1
            blurred = gaussian_pool(z, taps, strides=1, padding="same", sigma=self.preset.blur)
            z = tf.where(step % self.preset.blur_every == 0, blurred, z)
        if self.preset.small_norms:
            z = _without_smallest(z, tf.norm(z, axis=-1, keepdims=True), self.preset.small_norms)
        if self.preset.small_contributions:
            contributions = tf.abs(tf.reduce_sum(z * gradient, -1, keepdims=True))
            z = _without_smallest(z, contributions, self.preset.small_contributions)
        return self._kept(z), mean, square

    def _kept(self, z: Tensor) -> Tensor:
        """Returns values of the preset's norm within the limits."""
        if self.preset.norm:
            z = self.preset.norm * tf.math.divide_no_nan(z, _size(z))
        return tf.clip_by_value(z, -1, 1) if self.limits else z


def _size(z):
    """Returns the root mean square of each example, (B, 1, ..., 1)."""
    return tf.sqrt(tf.reduce_mean(z**2, tuple(range(1, len(z.shape))), keepdims=True))


def _without_smallest(z, sizes, share):
    """Returns z with 0 where `sizes` is among this share of the smallest of an example."""
    flat = tf.sort(tf.reshape(sizes, (sizes.shape[0], -1)), axis=-1)
    bound = flat[:, min(int(share * flat.shape[1]), flat.shape[1] - 1)]
    return tf.where(sizes < tf.reshape(bound, (-1, *[1] * (len(z.shape) - 1))), 0.0, z)


def _turned(x, scale, angle):
    """Returns images enlarged and rotated about their centre, with their mirror image outside."""
    height, width = x.shape[1:3]
    cos, sin = tf.cos(angle) / scale, tf.sin(angle) / scale
    right, down = (width - 1) / 2, (height - 1) / 2
    row = [cos, -sin, right - cos * right + sin * down, sin, cos, down - sin * right - cos * down, 0.0, 0.0]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=x,
        transforms=tf.stack(row)[None],
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
