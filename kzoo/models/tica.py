"""Topographic ICA: learns the filters of a tiled convolutional network from images without labels.

Source: Le, Ngiam, Chen, Chia, Koh & Ng 2010, "Tiled convolutional neural networks"; Hyvarinen, Hoyer & Inki 2001,
"Topographic independent component analysis".
"""

import keras
from keras import layers

from kzoo.checks import is_number, require
from kzoo.constraints.orthogonal_filters import OrthogonalFilters
from kzoo.layers.tiled_conv import TiledConv
from kzoo.models.blocks import check_integer
from kzoo.types import Tensor


def tica(
    model: keras.Model,
    x: Tensor,
    stage: int = 1,
    epochs: int = 1,
    batch_size: int = 100,
    learning_rate: float = 0.05,
) -> list[float]:
    """Minimizes the pooled responses of a stage of `model`, in place, with filters kept orthonormal in each tile.

    Shapes: model, of the family `tiled_cnn`, with at most as many filters as a kernel has weights; x (N,
    *input_shape), whitened: from other images the filters would learn the directions of least variance. All other
    layers stay as they are. Each gradient step is followed by the projection. A stage with large inputs, such as the
    second one, has large gradients and needs a smaller learning_rate.
    Returns the objective of each epoch: the sum over the maps of their mean response.

    >>> import kzoo, numpy as np
    >>> model = kzoo.model("tiled_cnn", width=0.125)
    >>> x = np.random.default_rng(0).normal(size=(32, 32, 32, 3))
    >>> before, after = tica(model, x, epochs=2, batch_size=8)
    >>> after < before
    True
    """
    check_integer("tica", epochs=epochs, batch_size=batch_size)
    positive = is_number(learning_rate) and learning_rate > 0
    require(positive, "tica", "learning_rate, a number above 0", learning_rate=learning_rate)
    convs = {layer.name: layer for layer in model.layers if isinstance(layer, TiledConv)}
    name = f"stage{stage}_conv"
    require(name in convs, "tica", f"a stage of {model.name}, 1 to {len(convs)}", stage=stage)
    conv = convs[name]
    project = OrthogonalFilters(conv.rank)
    conv.kernel.assign(project(conv.kernel))
    responses = layers.GlobalAveragePooling2D()(model.get_layer(f"stage{stage}").output)
    learner = keras.Model(model.inputs, layers.ActivityRegularization(l1=1.0)(responses))  # Keras divides by the batch
    trainable = [(layer, layer.trainable) for layer in learner.layers]
    constraint, conv.kernel.constraint = conv.kernel.constraint, project
    try:
        for layer in learner.layers:
            layer.trainable = layer is conv
        # XLA's singular value decomposition takes a hundred times as long
        learner.compile(keras.optimizers.SGD(learning_rate), jit_compile=False)
        return learner.fit(x, epochs=epochs, batch_size=batch_size, verbose=0).history["loss"]
    finally:
        conv.kernel.constraint = constraint
        for layer, value in trainable:
            layer.trainable = value
