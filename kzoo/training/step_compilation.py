"""Whether XLA compiles the training step: what `training.jit_compile: auto` means, by measurements.

Steps a second on 2 cores, compiled / not: nielsen_0 2.5, nielsen_1 1.9, nielsen_3 1.4, nielsen_4b 1.2 (134 million
operations a step), nielsen_5b 1.2 (194 million), nielsen_6 0.7 (as many, with dropout), lenet5_modern 0.6 (161
million), nielsen_3 with batches of 100 0.6 (984 million), lenet5 1.0, small_lenet 0.7, small_lecun1989 0.4.
"""

import keras
import tensorflow as tf

from kzoo.analysis.flop_count import flops
from kzoo.layers.subsampling import Subsampling2D
from kzoo.layers.table_conv import TableConv
from kzoo.models.graph import calls
from kzoo.training.config import Config

MOST_OPERATIONS = 150e6  # of a step: beyond it TensorFlow's own convolutions and products, by oneDNN, are faster
SLOW = (  # compiled for a CPU: plain loops, gradients that XLA sums on one core, random numbers
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.Dropout,
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
    return not training.deterministic and is_faster_compiled(model, 3 * config.data.batch_size)


def is_faster_compiled(model: keras.Model, passes: float) -> bool:
    """Returns whether XLA makes so many forward passes of one example faster; a training step costs as much as three.

    With a GPU always. On a CPU only up to MOST_OPERATIONS, and without layers that are SLOW.
    """
    if tf.config.list_logical_devices("GPU"):
        return True
    count = flops(model)
    small = count is not None and count * passes <= MOST_OPERATIONS
    return small and not any(isinstance(call.operation, SLOW) for call in calls(model))
