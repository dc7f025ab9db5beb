"""Whether XLA compiles the training step: what `training.jit_compile: auto` means, by measurements.

Steps a second on 2 cores, compiled / not: nielsen_0 2.5, nielsen_1 1.9, nielsen_3 1.4, nielsen_4b 1.2 (134 million
operations a step), nielsen_5b 1.2 (194 million), nielsen_6 0.7 (as many, with dropout), nielsen_0 with dropout
0.1, lenet5_modern 0.6 (161 million), nielsen_3 with batches of 100 0.6 (984 million), lenet5 1.0, small_lenet 0.7,
small_lecun1989 0.4.
"""

import keras
import tensorflow as tf

from kzoo.analysis.flop_count import flops
from kzoo.config.config import Config
from kzoo.layers.subsampling import Subsampling2D
from kzoo.layers.table_conv import TableConv

MOST_OPERATIONS = 150e6  # of a step: beyond it TensorFlow's own convolutions and products, by oneDNN, are faster
SLOW = (  # compiled for a CPU: plain loops, or gradients that XLA sums on one core
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
    keras.layers.MaxPooling1D,
    keras.layers.MaxPooling2D,
    keras.layers.MaxPooling3D,
    Subsampling2D,
    TableConv,
)


def compiles_step(config: Config, model: keras.Model) -> bool:
    """Returns whether XLA compiles the training step of a model: what a config says, or `is_faster_compiled`.

    Never if operations are deterministic, for which Keras does not compile, unless the config says so.
    """
    training = config.training
    if training.jit_compile != "auto":
        return bool(training.jit_compile)
    looped = training.steps_per_call > 1  # steps so small that a call costs as much
    return not training.deterministic and is_faster_compiled(model, 3 * config.data.batch_size, if_unknown=looped)


def is_faster_compiled(model: keras.Model, passes: float, if_unknown: bool = False) -> bool:
    """Returns whether XLA makes so many forward passes of one example faster; a training step costs as much as three.

    With a GPU always. On a CPU only up to MOST_OPERATIONS, and without layers that are SLOW or draw random numbers.
    `if_unknown`: whether work that cannot be counted is small.
    """
    if tf.config.list_logical_devices("GPU"):
        return True
    count = flops(model)
    small = if_unknown if count is None else count * passes <= MOST_OPERATIONS
    return small and not any(map(_is_slow, model._flatten_layers()))


def _is_slow(layer):
    """Returns whether a layer takes longer compiled for a CPU; random numbers do, as dropout draws: 240 ns each."""
    return isinstance(layer, SLOW) or hasattr(layer, "seed_generator")
